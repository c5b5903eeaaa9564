import { messageOf } from '../realm.ts';
import type { Block, Series } from './blocks.ts';

/** Returns metrics in Prometheus's text format, such as the result of `prometheusText()`. */
export type ReadMetrics = () => string | Promise<string>;

/** The totals of a monitor, by the names of `prometheusText()` without their prefix. */
const TOTALS = {
  statements: 'statements_total',
  statementSeconds: 'statement_seconds_total',
  commits: 'commits_total',
  busyWaits: 'busy_waits_total',
  busyWaitSeconds: 'busy_wait_seconds_total',
  busyErrors: 'busy_errors_total',
  slowRuns: 'slow_statements_total',
} as const;

type Totals = Readonly<Record<keyof typeof TOTALS, number>>;

interface Reading {
  /** Unix milliseconds. */
  readonly at: number;
  readonly totals: Totals;
}

/** The default wait of a view for an answer. A later answer is shown in the next view. */
const PATIENCE_MS = 50;

const MOST_READINGS = 300;

/** If two readings are further apart, no rate is computed from them: nobody watched meanwhile. */
const LONGEST_MS = 10_000;

/** A server's own figures of its connection: statements, commits and waits, which no other process can see. */
export class Metrics {
  readonly #read: ReadMetrics;
  readonly #prefix: string;
  readonly #filename: string;
  readonly #readings: Reading[] = [];
  #problem: string | undefined;
  #asked: Promise<void> | undefined;

  /** @param name The definition's name, the prefix of its metrics. */
  constructor(read: ReadMetrics, name: string, filename: string) {
    this.#read = read;
    this.#prefix = `${name.replaceAll('-', '_')}_db_`;
    this.#filename = filename;
  }

  /** Requests the current figures, and waits at most `patienceMs` for them. */
  async look(patienceMs = PATIENCE_MS): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined;
    });
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.#asked, patience]);
    clearTimeout(timer);
  }

  async #ask(): Promise<void> {
    try {
      const totals = totalsIn(await this.#read(), this.#prefix, this.#filename);
      this.#problem = totals ? undefined : `The metrics do not include this file (${this.#prefix}statements_total).`;
      if (!totals) return;
      this.#readings.push({ at: Date.now(), totals });
      if (this.#readings.length > MOST_READINGS) this.#readings.shift();
    } catch (error) {
      this.#problem = `The metrics could not be read: ${messageOf(error)}`;
    }
  }

  /** Returns blocks of the figures read so far. Unknown figures are left out. */
  blocks(): Block[] {
    const problem: Block[] =
      this.#problem === undefined
        ? []
        : [{ kind: 'findings', title: 'Metrics', findings: [{ tone: 'warning', text: this.#problem }] }];
    const last = this.#readings.at(-1);
    return last ? [...problem, facts(last.totals), ...charts(this.#readings)] : problem;
  }
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{.*\})? +(-?[\d.]+(?:e[+-]?\d+)?)(?: +-?\d+)?$/i;
const FILE = /[{,]file="((?:[^"\\]|\\.)*)"/;

/** Returns the totals of a file, summed over its connections. https://prometheus.io/docs/instrumenting/exposition_formats/ */
function totalsIn(text: string, prefix: string, filename: string): Totals | undefined {
  const sums = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = SAMPLE.exec(line.trim()) ?? [];
    if (!name?.startsWith(prefix)) continue;
    const file = FILE.exec(labels)?.[1]?.replace(/\\(.)/g, (_, sign) => (sign === 'n' ? '\n' : sign));
    if (file !== undefined && file !== filename) continue;
    const key = name.slice(prefix.length);
    sums.set(key, (sums.get(key) ?? 0) + Number(value));
  }
  if (!sums.has(TOTALS.statements)) return undefined;
  return Object.fromEntries(Object.entries(TOTALS).map(([key, name]) => [key, sums.get(name) ?? 0])) as Totals;
}

function facts(totals: Totals): Block {
  const { statements, statementSeconds, commits, busyWaits, busyErrors, slowRuns } = totals;
  const mean = statements === 0 ? null : (statementSeconds / statements) * 1000;
  return {
    kind: 'facts',
    title: 'The server’s own metrics, since it started',
    facts: [
      { name: 'Statements', value: statements, unit: 'count' },
      { name: 'One took', value: mean === null ? null : `${mean.toFixed(3)} ms` },
      { name: 'Commits', value: commits, unit: 'count' },
      { name: 'Waits for a lock', value: busyWaits, unit: 'count' },
      {
        name: 'Failed waits for a lock',
        value: { value: busyErrors, ...(busyErrors > 0 && { tone: 'warning' }) },
        unit: 'count',
      },
      { name: 'Slow statements', value: { value: slowRuns, ...(slowRuns > 0 && { tone: 'info' }) }, unit: 'count' },
    ],
  };
}

function charts(readings: readonly Reading[]): Block[] {
  return [
    {
      kind: 'chart',
      title: 'Statements and commits a second',
      unit: 'rate',
      series: [rate(readings, 'statements', 'statements'), rate(readings, 'commits', 'commits')],
      note: 'From the metrics of the server’s connection.',
    },
    {
      kind: 'chart',
      title: 'Waiting for locks',
      unit: 'duration',
      series: [rate(readings, 'milliseconds of each second', 'busyWaitSeconds', 1000)],
      note: 'If this nears 1,000 ms, writers wait for each other. Make transactions shorter.',
    },
  ];
}

/** Returns the rate between successive readings. A total that decreased belongs to a restarted process. */
function rate(readings: readonly Reading[], name: string, key: keyof Totals, factor = 1): Series {
  return {
    name,
    points: readings.map(({ at, totals }, i) => {
      const before = readings[i - 1];
      const grown = before ? totals[key] - before.totals[key] : -1;
      const isKnown = before !== undefined && grown >= 0 && at > before.at && at - before.at < LONGEST_MS;
      return [at, isKnown ? (factor * grown * 1000) / (at - before.at) : null];
    }),
  };
}
