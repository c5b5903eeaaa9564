import type { DanglingReferences } from './foreign-keys.ts';
import type { Drift } from './schema-state.ts';

/** One migration that was applied. */
export interface AppliedMigration {
  readonly tag: string;
  readonly hash: string;
  readonly statements: number;
  readonly durationMs: number;
}

/** What a run of the migrations did. */
export interface MigrationReport {
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
  readonly durationMs: number;
}
