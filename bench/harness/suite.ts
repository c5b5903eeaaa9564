/** What a suite is told for one run. */
export interface SuiteOptions {
  /** A folder of this run alone, removed at its end. */
  readonly folder: string;
  /** The built package: what a user of this runtime imports. */
  readonly entry: string;
  /** Rows of each big table. */
  readonly rows: number;
  /** True where only is to be proved that it runs. */
  readonly quick: boolean;
  /** True where the sizes that take many minutes are wanted too. */
  readonly full: boolean;
  /** Only operations whose name holds this text. Default: all. */
  readonly only?: string;
}

/** What one arm took for one operation: means or medians of one round. */
export interface Cost {
  /** CPU microseconds, user and system, of the whole process. */
  readonly cpu: number;
  /** Wall microseconds. */
  readonly wall: number;
}

/** One operation of one round, by arm. */
export interface Measurement {
  readonly operation: string;
  readonly arms: Readonly<Record<string, Cost>>;
  /** Figures besides times, by the name of their column. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** A column of ratios: how many times what `of` took is what `to` took. */
export interface RatioColumn {
  readonly title: string;
  /** The arms whose costs are divided: `over` / `under`. */
  readonly over: string;
  readonly under: string;
  /** Which of the costs it is of. Default: those of the table. */
  readonly by?: keyof Cost;
  /** The goal of bench.md, and the side on which it is reached. */
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

/** A table of what was measured. */
export interface Table {
  readonly title: string;
  /** What was compared, one or two sentences. */
  readonly compared: string;
  /** Which of the costs the ratios are of. */
  readonly by: keyof Cost;
  readonly unit: 'us' | 'ms' | 's';
  readonly arms: readonly string[];
  readonly ratios: readonly RatioColumn[];
  /** Columns of figures besides times. */
  readonly figures?: readonly string[];
}

export type Runtime = 'bun' | 'node';

/** The part of a suite that runs in a fresh process of the measured runtime, once a round. */
export interface ChildSuite {
  /** Makes what every round starts from; its own process. */
  prepare?(options: SuiteOptions): Promise<void>;
  round(options: SuiteOptions): Promise<Measurement[]>;
}

/** A suite as the runner sees it. */
export interface Suite {
  readonly name: string;
  /** One table for each kind of row. */
  readonly table: Table;
  readonly rounds: number;
  /** Rows of each big table, where `--rows` may say otherwise. Default: the suite has its own. */
  readonly rows?: number;
  /** Done once, before anything is measured. */
  readonly ready?: () => Promise<void>;
  /** The file of the {@link ChildSuite}, from bench/. */
  readonly child?: string;
  /** What the runner itself measures in each round, from outside of the measured processes. */
  readonly outside?: (options: SuiteOptions, runtime: Runtime) => Promise<Measurement[]>;
}
