import type { Instant } from '../time.ts';

/** The slow runs of a statement. */
export interface SlowStatement {
  /** The SQL with `?` instead of every value, at most 500 characters. */
  readonly sql: string;
  /** Number of slow runs. */
  readonly count: number;
  /** Milliseconds of all slow runs, and of the longest. */
  readonly totalMs: number;
  readonly maxMs: number;
  /** When the last slow run ended. */
  readonly lastAt: Instant;
}

/** Totals of a connection since its monitor began. They never decrease. */
export interface MonitorTotals {
  /** Number of statements, and their total time in milliseconds. */
  readonly statements: number;
  readonly statementMs: number;
  /** Committed transactions with a write, including single statements outside of a transaction. */
  readonly commits: number;
  /** How often a transaction or a single write had to wait for a lock, and the total wait in milliseconds. */
  readonly busyWaits: number;
  readonly busyWaitMs: number;
  /** Statements that failed with SQLITE_BUSY after waiting. */
  readonly busyErrors: number;
  /** Runs of statements that took `slowMs` or longer. */
  readonly slowRuns: number;
}

/** The state of a database, and the activity of one connection. */
export interface MonitorSample extends MonitorTotals {
  readonly filename: string;
  /** The definition's short name, e.g. `notes`. The names of the metrics begin with it. */
  readonly name: string;
  readonly at: Instant;
  /** Milliseconds since the monitor began. */
  readonly uptimeMs: number;
  /** Bytes of the file and of its -wal; 0 in memory. */
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Bytes of the -wal that are not in the file yet; absent if SQLite does not report it. */
  readonly walPendingBytes?: number;
  /** The slow statements, longest run first; at most the 100 most recent ones. */
  readonly slowStatements: readonly SlowStatement[];
}
