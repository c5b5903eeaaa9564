import type { Instant } from '../time.ts';

/** A statement that took longer than it should, all of its runs together. */
export interface SlowStatement {
  /** The SQL with `?` in the place of every value, at most 500 characters. */
  readonly sql: string;
  /** How many of its runs were slow. */
  readonly count: number;
  /** Milliseconds of the slow runs, together and of the longest. */
  readonly totalMs: number;
  readonly maxMs: number;
  /** When the last slow run ended. */
  readonly lastAt: Instant;
}

/** What has happened on a connection since its monitor began. Every figure only grows. */
export interface MonitorTotals {
  /** Statements that were run, and the milliseconds that they took. */
  readonly statements: number;
  readonly statementMs: number;
  /** Transactions with a write that were committed, single statements outside of a transaction too. */
  readonly commits: number;
  /** How often a transaction or a single write did not get the lock at once, and the milliseconds that they waited. */
  readonly busyWaits: number;
  readonly busyWaitMs: number;
  /** Statements that failed with SQLITE_BUSY: the wait was in vain. */
  readonly busyErrors: number;
  /** Runs of statements that took `slowMs` or longer. */
  readonly slowRuns: number;
}

/** The state of a database and what was done to it through one connection. */
export interface MonitorSample extends MonitorTotals {
  readonly filename: string;
  /** The definition's short name, e.g. `notes`: metrics begin with it. */
  readonly name: string;
  readonly at: Instant;
  /** Milliseconds since the monitor began. */
  readonly uptimeMs: number;
  /** Bytes of the file and of its -wal; 0 in memory. */
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Bytes of the -wal that are not in the file yet; absent where SQLite does not tell. */
  readonly walPendingBytes?: number;
  /** The slow statements, the one with the longest run first; of more than 100 the most recent. */
  readonly slowStatements: readonly SlowStatement[];
}
