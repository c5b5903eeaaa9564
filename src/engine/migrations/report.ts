import type { DanglingReferences } from './foreign-keys.ts';
import type { Drift } from './schema-state.ts';

/** A migration that was applied. */
export interface AppliedMigration {
  /** Its name, e.g. `0001_tags`. */
  readonly tag: string;
  /** SHA-256 of its SQL file in hexadecimal, like in Drizzle's ledger. */
  readonly hash: string;
  /** Number of statements. */
  readonly statements: number;
  /** Duration in milliseconds, including the checks. */
  readonly durationMs: number;
}

/** The result of a migration run. */
export interface MigrationReport {
  /** Absolute path of the database. */
  readonly filename: string;
  readonly applied: readonly AppliedMigration[];
  /** Number of migrations that were applied before. */
  readonly alreadyApplied: number;
  /** Path of the snapshot from before the migrations; absent if the database was empty. */
  readonly snapshot?: string;
  /** References that were dangling before and still are; empty if nothing was applied. */
  readonly dangling: readonly DanglingReferences[];
  /** How the schema differs from the history. */
  readonly drift: readonly Drift[];
  /** Duration in milliseconds, including the snapshot. */
  readonly durationMs: number;
}
