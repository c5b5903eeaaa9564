import { actionOf } from '../sql/sql-text.ts';
import type { MigrationStep } from './steps.ts';

/** The progress of a migration run. */
export interface MigrationProgress {
  /**
   * `snapshot` before the file is copied, `statement` before each statement, `verify` before the checks of a migration.
   */
  readonly phase: 'snapshot' | 'statement' | 'verify';
  readonly tag: string;
  /** Number of the migration among the pending ones, from 1. */
  readonly migration: number;
  readonly migrations: number;
  /** Number of the statement in the migration, from 1; 0 in the phase `snapshot`. */
  readonly step: number;
  readonly steps: number;
  /** The table of the statement. A table that is rebuilt under a temporary name has its final name. */
  readonly table?: string;
  /** The action without any values, e.g. `ALTER TABLE` or `INSERT`. */
  readonly action: string;
}

export type Place = Pick<MigrationProgress, 'tag' | 'migration' | 'migrations' | 'steps'>;

/** Matches the temporary name under which drizzle-kit rebuilds a table. */
export const REBUILT = /^__new_(?=.)/;

export function statementProgress(place: Place, { sql, position }: MigrationStep): MigrationProgress {
  const { verb, table } = actionOf(sql);
  return {
    ...place,
    phase: 'statement',
    step: position,
    ...(table !== undefined && { table: table.replace(REBUILT, '') }),
    action: verb,
  };
}
