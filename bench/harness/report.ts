import { median } from './compare.ts';
import type { Measurement, RatioColumn, Runtime, Suite, SuiteOptions, Table } from './suite.ts';

/** A ratio over the rounds. */
export interface Ratio {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** Whether the median reaches the goal; absent where there is none. */
  readonly reached?: boolean;
}

/** One operation over all rounds: medians of what the arms took. */
export interface ReportRow {
  readonly operation: string;
  readonly arms: Readonly<Record<string, { readonly cpu: number; readonly wall: number }>>;
  readonly ratios: Readonly<Record<string, Ratio>>;
  readonly figures: Readonly<Record<string, number>>;
}

/** What `--json` prints of a suite. */
export interface Report {
  readonly suite: string;
  readonly title: string;
  readonly compared: string;
  readonly runtime: Runtime;
  /** 0 where the suite has sizes of its own. */
  readonly rows: number;
  readonly rounds: number;
  readonly quick: boolean;
  readonly table: Table;
  readonly operations: readonly ReportRow[];
}

export function reportOf(
  suite: Suite,
  runtime: Runtime,
  options: SuiteOptions,
  rounds: readonly (readonly Measurement[])[],
): Report {
  const names = [...new Set(rounds.flatMap((round) => round.map(({ operation }) => operation)))];
  return {
    suite: suite.name,
    title: suite.table.title,
    compared: suite.table.compared,
    runtime,
    rows: options.rows,
    rounds: rounds.length,
    quick: options.quick,
    table: suite.table,
    operations: names.map((name) =>
      rowOf(
        suite.table,
        name,
        rounds.flatMap((round) => round.filter(({ operation }) => operation === name)),
      ),
    ),
  };
}

function rowOf(table: Table, operation: string, measured: readonly Measurement[]): ReportRow {
  const arms = [...new Set(measured.flatMap((one) => Object.keys(one.arms)))];
  const costs = (arm: string, by: 'cpu' | 'wall') => measured.flatMap((one) => one.arms[arm]?.[by] ?? []);
  const figures = [...new Set(measured.flatMap((one) => Object.keys(one.figures ?? {})))];
  return {
    operation,
    arms: Object.fromEntries(
      arms.map((arm) => [arm, { cpu: median(costs(arm, 'cpu')), wall: median(costs(arm, 'wall')) }]),
    ),
    ratios: Object.fromEntries(
      table.ratios.flatMap((column) => {
        const ratio = ratioOf(column, column.by ?? table.by, measured);
        return ratio ? [[column.title, ratio]] : [];
      }),
    ),
    figures: Object.fromEntries(
      figures.map((name) => [name, median(measured.flatMap((one) => one.figures?.[name] ?? []))]),
    ),
  };
}

/** The ratio of each round, since times of different rounds met different minutes of the machine. */
function ratioOf(
  { over, under, goal }: RatioColumn,
  by: Table['by'],
  measured: readonly Measurement[],
): Ratio | undefined {
  const ratios = measured.flatMap(({ arms }) => {
    const [a, b] = [arms[over], arms[under]];
    return a && b ? a[by] / b[by] : [];
  });
  if (ratios.length === 0) return undefined;
  const middle = median(ratios);
  const reached = goal && ('atLeast' in goal ? middle >= goal.atLeast : middle <= goal.atMost);
  return {
    median: middle,
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    ...(reached !== undefined && { reached }),
  };
}

const SCALE = { us: 1, ms: 1e-3, s: 1e-6 };

/** The report as a Markdown table. */
export function textOf(report: Report): string {
  const { table } = report;
  const shown = table.arms.filter((arm) => report.operations.some(({ arms }) => arms[arm]));
  const columns = table.ratios.filter(({ title }) => report.operations.some(({ ratios }) => ratios[title]));
  const figures = (table.figures ?? []).filter((name) => report.operations.some((row) => name in row.figures));
  const head = ['operation', ...shown.map((arm) => `${arm}, ${table.unit}`), ...columns.map(headOf), ...figures];
  const lines = report.operations.map((row) => [
    row.operation,
    ...shown.map((arm) => (row.arms[arm] ? number(row.arms[arm][table.by] * SCALE[table.unit]) : '')),
    ...columns.map(({ title }) => ratioText(row.ratios[title])),
    ...figures.map((name) => (name in row.figures ? number(row.figures[name] as number) : '')),
  ]);
  const rule = head.map((_, i) => (i === 0 ? '---' : '--:'));
  return [
    `\n### ${table.title} (${[report.runtime, ...(report.rows > 0 ? [`${report.rows.toLocaleString('en')} rows`] : []), `${report.rounds} rounds`].join(', ')})\n`,
    `${table.compared} ${table.by === 'cpu' ? 'CPU' : 'Wall'} time; ratios: median of the rounds (min–max).\n`,
    ...[head, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}

function headOf({ title, goal }: RatioColumn): string {
  if (!goal) return title;
  return 'atLeast' in goal ? `${title} (goal ≥ ${goal.atLeast})` : `${title} (goal ≤ ${goal.atMost})`;
}

function ratioText(ratio: Ratio | undefined): string {
  if (!ratio) return '';
  const mark = ratio.reached === false ? ' ✗' : '';
  return `${fixed(ratio.median)} (${fixed(ratio.min)}–${fixed(ratio.max)})${mark}`;
}

function fixed(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function number(value: number): string {
  if (value >= 10_000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
