import type { DanglingReferences } from './foreign-keys.ts';
import type { Drift } from './schema-state.ts';

/** One migration that was applied. */
export interface AppliedMigration {
  /** Its name, as `0001_tags`. */
  readonly tag: string;
  /** SHA-256 of its SQL file in hexadecimal, as Drizzle's ledger has it. */
  readonly hash: string;
  /** Statements that were run. */
  readonly statements: number;
  /** Milliseconds that they took, with the checks after them. */
  readonly durationMs: number;
}

/** What a run of the migrations did. */
export interface MigrationReport {
  /** The database, absolute. */
  readonly filename: string;
  readonly applied: readonly AppliedMigration[];
  /** How many were applied before. */
  readonly alreadyApplied: number;
  /** The copy of the file from before, where there was data to lose. */
  readonly snapshot?: string;
  /** References that were dangling before and still are; empty where nothing was applied. */
  readonly dangling: readonly DanglingReferences[];
  /** How the schema differs from what the history yields. */
  readonly drift: readonly Drift[];
  /** Milliseconds, the snapshot included. */
  readonly durationMs: number;
}
