import type { Connection } from '../connection/connection.ts';
import { DorkDbError, MigrationError } from '../errors.ts';
import { messageOf } from '../realm.ts';
import { brokenObject, refuseBroken } from './broken-objects.ts';
import {
  type DanglingReferences,
  danglingReferences,
  missingParents,
  refuseDangling,
  refuseMissingParents,
} from './foreign-keys.ts';
import type { Migration } from './history.ts';
import { createLedger, recordApplied } from './ledger.ts';
import { Lineage } from './lineage.ts';
import { type MigrationProgress, type Place, statementProgress } from './progress.ts';
import type { AppliedMigration } from './report.ts';
import { countRows, type RowCounts, refuseLoss } from './rows.ts';
import type { MigrationStep } from './steps.ts';

/** A pending migration and its statements. */
export interface Work {
  readonly migration: Migration;
  readonly steps: readonly MigrationStep[];
}

/** What applying came to, before it is committed. */
export interface Applied {
  readonly applied: readonly AppliedMigration[];
  /** What was dangling before and still is. */
  readonly dangling: readonly DanglingReferences[];
}

/**
 * Applies migrations inside the transaction that the caller holds, and proves that nothing was lost.
 *
 * @param rows The rows of each table at the beginning.
 * @throws MigrationError of kind `failed`, `data_loss` or `foreign_keys`; the caller rolls back.
 */
export function apply(
  connection: Connection,
  work: readonly Work[],
  rows: RowCounts,
  onProgress: (progress: MigrationProgress) => void,
): Applied {
  createLedger(connection);
  const broken = brokenObject(connection);
  const missing = missingParents(connection);
  let dangling = foundBefore(connection);
  let before = rows;
  const applied: AppliedMigration[] = [];
  for (const [i, { migration, steps }] of work.entries()) {
    const started = performance.now();
    const place: Place = { tag: migration.tag, migration: i + 1, migrations: work.length, steps: steps.length };
    const lineage = new Lineage(connection);
    for (const step of steps) {
      onProgress(statementProgress(place, step));
      lineage.watch(step.sql, () => runStep(connection, migration, step));
    }
    onProgress({ ...place, phase: 'verify', step: steps.length, action: 'count rows' });
    const after = countRows(connection);
    refuseLoss(migration, before, after, lineage);
    before = after;
    dangling = dangling?.map((found) => ({
      ...found,
      table: lineage.successorOf(found.table) ?? found.table,
      parent: lineage.successorOf(found.parent) ?? found.parent,
    }));
    const durationMs = performance.now() - started;
    recordApplied(connection, migration, Math.round(durationMs));
    applied.push({ tag: migration.tag, hash: migration.hash, statements: steps.length, durationMs });
  }
  const tags = applied.map(({ tag }) => tag);
  refuseBroken(tags, broken, brokenObject(connection));
  refuseMissingParents(tags, missing, missingParents(connection));
  return { applied, dangling: checkReferences(connection, tags, dangling) };
}

function runStep(connection: Connection, migration: Migration, { sql, position }: MigrationStep): void {
  try {
    connection.prepare(sql).all();
  } catch (cause) {
    const reason = messageOf(cause);
    throw new MigrationError(
      'failed',
      `Statement ${position} of ${migration.tag} failed, and everything was rolled back. ${reason}`,
      {
        hint: cause instanceof DorkDbError ? cause.hint : 'Correct the migration; it was never applied here.',
        retryable: cause instanceof DorkDbError && cause.retryable,
        cause,
      },
    );
  }
}

/** Undefined where the schema's keys are such that SQLite cannot check them. */
function foundBefore(connection: Connection): readonly DanglingReferences[] | undefined {
  try {
    return danglingReferences(connection);
  } catch (error) {
    if (error instanceof DorkDbError && error.code === 'SQLITE_ERROR') return undefined;
    throw error;
  }
}

function checkReferences(
  connection: Connection,
  tags: readonly string[],
  before: readonly DanglingReferences[] | undefined,
): readonly DanglingReferences[] {
  let after: readonly DanglingReferences[];
  try {
    after = danglingReferences(connection);
  } catch (cause) {
    if (!(cause instanceof DorkDbError) || cause.code !== 'SQLITE_ERROR') throw cause;
    // It was so before, and is no fault of the migration.
    if (before === undefined) return [];
    throw new MigrationError(
      'foreign_keys',
      `${tags.join(', ')} would leave foreign keys that SQLite cannot check. It was rolled back. ${cause.message}`,
      { hint: 'Let the foreign key refer to the primary key, or to columns with a UNIQUE index.', cause },
    );
  }
  refuseDangling(tags, before ?? [], after);
  return after;
}
