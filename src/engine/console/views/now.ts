import { describeHolder } from '../../file/file-locks.ts';
import { formatBytes } from '../../format.ts';
import type { HealthReport } from '../../health/report.ts';
import type { Activity } from '../../monitor/activity.ts';
import { addressOf, type Block, type Series, type Tone } from '../blocks.ts';
import { Metrics, type ReadMetrics } from '../metrics.ts';
import type { Look, View } from '../view.ts';

const EVERY_MS = 2000;

/** How long findings and statistics are kept: they change slowly, and are the most expensive part of this view. */
const SLOW_MS = 15_000;

/** Ten minutes. */
const MOST_SAMPLES = 300;

/** The most tables with their own line in the chart. */
const MOST_LINES = 6;

/**
 * Returns the view of the file's state and current activity. It keeps the samples taken while a page is open.
 *
 * @param readMetrics Reads a server's own figures. Default: they are not shown.
 * @param patienceMs Milliseconds to wait for the figures. Default 50: later figures are shown in the next read.
 */
export function nowView(readMetrics?: ReadMetrics, patienceMs?: number): View {
  let metrics: Metrics | undefined;
  const samples: Activity[] = [];
  let slow: Slow | undefined;
  return {
    name: 'now',
    title: 'Now',
    everyMs: EVERY_MS,
    read: async (look) => {
      if (readMetrics) metrics ??= new Metrics(readMetrics, look.kit.definition.name, look.filename);
      const asked = metrics?.look(patienceMs);
      const sample = look.kit.activity(look.db);
      // Another file is at the path: earlier samples do not apply to it.
      if (samples.at(-1)?.filename !== sample.filename) samples.length = 0;
      // More than one page may be open.
      if (Date.parse(sample.at) - Date.parse(samples.at(-1)?.at ?? '') < EVERY_MS / 2) samples.pop();
      samples.push(sample);
      if (samples.length > MOST_SAMPLES) samples.shift();
      if (!slow || performance.now() - slow.at > SLOW_MS) slow = slowOf(look);
      await asked;
      return blocksOf(samples, slow, metrics?.blocks());
    },
  };
}

/** Results that are kept between reads. */
interface Slow {
  readonly health: HealthReport;
  /** The rows that ANALYZE counted, by table. */
  readonly counted: ReadonlyMap<string, number | null>;
  /** When they were read, from `performance.now()`. */
  readonly at: number;
}

function slowOf({ kit, db }: Look): Slow {
  const sizes = kit.approximateSizes(db).filter(({ rowsFrom }) => rowsFrom === 'statistics');
  const counted = new Map(sizes.map(({ name, rows }) => [name, rows]));
  return { health: kit.health(db), counted, at: performance.now() };
}

function blocksOf(samples: readonly Activity[], { health, counted }: Slow, metrics: readonly Block[] = []): Block[] {
  const sample = samples.at(-1) as Activity;
  const rates = ratesOf(samples);
  return [
    verdict(health),
    ...findings(health),
    {
      kind: 'facts',
      facts: [
        { name: 'File', value: sample.fileBytes, unit: 'bytes' },
        { name: '-wal', value: sample.walBytes, unit: 'bytes' },
        ...(sample.walPendingBytes === undefined
          ? []
          : [{ name: 'Not in the file yet', value: sample.walPendingBytes, unit: 'bytes' as const }]),
        { name: 'Last backup', ...backupOf(health) },
        ...(sample.processes ? [{ name: 'Processes', value: sample.processes.length, unit: 'count' as const }] : []),
        { name: 'Looked at', value: health.at, unit: 'time' },
      ],
    },
    {
      kind: 'chart',
      title: 'Rows added a second',
      unit: 'rate',
      series: busiest(rates),
      note: 'From the greatest rowid of each table, while this page is open. Changed and deleted rows are not counted.',
    },
    {
      kind: 'chart',
      title: 'Size of the -wal',
      unit: 'bytes',
      series: [
        { name: 'file', points: samples.map(({ at, walBytes }) => [Date.parse(at), walBytes]) },
        {
          name: 'not in the database yet',
          points: samples.map(({ at, walPendingBytes }) => [Date.parse(at), walPendingBytes ?? null]),
        },
      ],
      limit: { name: 'checkpoint', value: sample.checkpointBytes },
      note: `From ${formatBytes(sample.checkpointBytes)} on, a commit of this package moves the -wal into the database. The -wal keeps its length.`,
    },
    ...metrics,
    ...processes(sample),
    tables(sample, counted, rates),
  ];
}

const VERDICTS: Record<Tone, (count: number) => string> = {
  ok: () => 'All is well.',
  info: () => 'All is well.',
  warning: (count) => `It works, but ${count === 1 ? 'one thing needs' : `${count} things need`} attention.`,
  error: (count) => (count === 1 ? 'One thing is wrong.' : `${count} things are wrong.`),
};

function verdict({ severity, findings: found }: HealthReport): Block {
  const count = found.filter((each) => each.severity === severity).length;
  const tone = severity === 'info' ? 'ok' : severity;
  return { kind: 'verdict', tone, text: VERDICTS[severity](count) };
}

const ORDER: readonly Tone[] = ['error', 'warning', 'info'];

function findings({ findings: found }: HealthReport): Block[] {
  const shown = found
    .filter(({ severity }) => severity !== 'ok')
    .sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity))
    .map(({ severity, fact, hint }) => ({ tone: severity, text: fact, ...(hint && { hint }) }));
  return shown.length === 0 ? [] : [{ kind: 'findings', title: 'Findings', findings: shown }];
}

function backupOf({ newestBackup }: HealthReport) {
  if (!newestBackup) return { value: { value: 'none', tone: 'warning' as const } };
  return { value: newestBackup.at, unit: 'time' as const };
}

/** Returns each table's rows added per second, between every two samples. */
function ratesOf(samples: readonly Activity[]): Map<string, [number, number | null][]> {
  const rates = new Map<string, [number, number | null][]>();
  samples.forEach((sample, i) => {
    const before = samples[i - 1];
    const at = Date.parse(sample.at);
    const seconds = before ? (at - Date.parse(before.at)) / 1000 : 0;
    const last = new Map(before?.tables.map((table) => [table.name, table.lastRowid]));
    for (const { name, lastRowid } of sample.tables) {
      const earlier = last.get(name);
      if (lastRowid === null) continue;
      // Nothing is known about the time when no page was open.
      const isKnown = typeof earlier === 'number' && seconds > 0 && seconds < (EVERY_MS / 1000) * 5;
      const rate = isKnown ? Math.max(0, lastRowid - earlier) / seconds : null;
      rates.set(name, [...(rates.get(name) ?? []), [at, rate]]);
    }
  });
  return rates;
}

function busiest(rates: Map<string, [number, number | null][]>): Series[] {
  const sum = (points: [number, number | null][]) => points.reduce((all, [, rate]) => all + (rate ?? 0), 0);
  const lines = [...rates].filter(([, points]) => sum(points) > 0).sort((a, b) => sum(b[1]) - sum(a[1]));
  return lines.slice(0, MOST_LINES).map(([name, points]) => ({ name, points }));
}

function processes({ processes: found }: Activity): Block[] {
  if (!found) return [];
  return [
    {
      kind: 'table',
      title: 'Who has the file open',
      columns: [{ name: 'process' }, { name: 'does' }],
      rows: found.map((holder) => [
        `${describeHolder(holder)}${holder.isSelf ? ', this console' : ''}`,
        {
          value: holder.locks.join(', '),
          ...(holder.locks.some((lock) => lock === 'write' || lock === 'exclusive') && { tone: 'info' as const }),
        },
      ]),
      empty: 'Nobody.',
      note: 'From the locks held now. Processes in other containers or on other machines are not visible.',
    },
  ];
}

function tables(sample: Activity, counted: Slow['counted'], rates: Map<string, [number, number | null][]>): Block {
  return {
    kind: 'table',
    title: 'Tables',
    columns: [{ name: 'table' }, { name: 'rows, about', unit: 'count' }, { name: 'added a second', unit: 'rate' }],
    rows: sample.tables.map(({ name, lastRowid }) => [
      { value: name, to: addressOf('file', { table: name }) },
      counted.get(name) ?? lastRowid,
      rates.get(name)?.at(-1)?.[1] ?? null,
    ]),
  };
}
