import { actionOf } from '../sql/sql-text.ts';
import type { MigrationStep } from './steps.ts';

/** Where a run of migrations is. */
export interface MigrationProgress {
  /** `snapshot` before the file is copied, `statement` before each statement, `verify` before a migration's checks. */
  readonly phase: 'snapshot' | 'statement' | 'verify';
  readonly tag: string;
  /** The migration's place among the pending ones, from 1. */
  readonly migration: number;
  readonly migrations: number;
  /** The statement's place in the migration, from 1; 0 in the phase `snapshot`. */
  readonly step: number;
  readonly steps: number;
  /** The table that the statement works on; one that is rebuilt under a temporary name counts as itself. */
  readonly table?: string;
  /** What is done, as `ALTER TABLE` or `INSERT`; no values. */
  readonly action: string;
}

export type Place = Pick<MigrationProgress, 'tag' | 'migration' | 'migrations' | 'steps'>;

/** drizzle-kit builds the new form of a table under this name. */
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
