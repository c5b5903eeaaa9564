import type { Connection } from '../connection/connection.ts';
import { DorkDbError, MigrationError } from '../errors.ts';
import { brokenObject, refuseBroken } from './broken-objects.ts';
import {
  type DanglingReferences,
  danglingReferences,
  danglingRows,
  missingParents,
  refuseDangling,
  refuseMissingParents,
} from './foreign-keys.ts';
import { LossGuard } from './guard.ts';
import type { History } from './history.ts';
import { createLedger, recordApplied } from './ledger.ts';
import { refuseLosses } from './losses.ts';
import { type MigrationProgress, type Place, statementProgress } from './progress.ts';
import type { AppliedMigration } from './report.ts';
import type { RowCounts } from './rows.ts';
import { runStep, type Work } from './work.ts';

/** The result of applying migrations, before the commit. */
export interface Applied {
  readonly applied: readonly AppliedMigration[];
  /** References that were dangling before and still are. */
  readonly dangling: readonly DanglingReferences[];
}

/**
 * Applies migrations inside the caller's transaction, and verifies that nothing was lost.
 *
 * @param rows The number of rows of each table at the beginning.
 * @throws MigrationError of kind `failed`, `data_loss` or `foreign_keys`; the caller rolls back.
 */
export function apply(
  connection: Connection,
  history: History,
  work: readonly Work[],
  rows: RowCounts,
  onProgress: (progress: MigrationProgress) => void,
): Applied {
  createLedger(connection);
  const broken = brokenObject(connection);
  const missing = missingParents(connection);
  const dangling = new Dangling(connection);
  const guard = new LossGuard(connection, history, rows);
  const applied: AppliedMigration[] = [];
  try {
    for (const [i, { migration, steps, allowed }] of work.entries()) {
      const started = performance.now();
      const place: Place = { tag: migration.tag, migration: i + 1, migrations: work.length, steps: steps.length };
      const before = guard.before(steps);
      const { lineage } = before;
      for (const step of steps) {
        onProgress(statementProgress(place, step));
        const run = () => runStep(connection, migration, step);
        if (lineage) lineage.watch(step.sql, run);
        else run();
      }
      onProgress({ ...place, phase: 'verify', step: steps.length, action: 'count rows' });
      if (lineage) dangling.follow((table) => lineage.successorOf(table) ?? table);
      guard.after(before, migration, allowed(), (table) => dangling.gone(lineage?.successorOf(table) ?? table));
      const durationMs = performance.now() - started;
      recordApplied(connection, migration, Math.round(durationMs));
      applied.push({ tag: migration.tag, hash: migration.hash, statements: steps.length, durationMs });
    }
  } catch (error) {
    // An earlier loss may be the cause, so it is reported in the same error.
    if (error instanceof MigrationError) refuseLosses(guard.losses, error);
    throw error;
  }
  refuseLosses(guard.losses);
  const tags = applied.map(({ tag }) => tag);
  refuseBroken(tags, broken, brokenObject(connection));
  refuseMissingParents(tags, missing, missingParents(connection));
  return { applied, dangling: checkReferences(connection, tags, dangling.found) };
}

/** References that were dangling before, by the current names of their tables. */
class Dangling {
  readonly #connection: Connection;
  found: readonly DanglingReferences[] | undefined;
  /** Number of rows with a dangling reference, by table. */
  #rows: Map<string, number>;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.found = foundBefore(connection);
    this.#rows = this.found?.length ? danglingRows(connection) : new Map();
  }

  follow(successorOf: (table: string) => string): void {
    this.found = this.found?.map((found) => ({
      ...found,
      table: successorOf(found.table),
      parent: successorOf(found.parent),
    }));
    this.#rows = new Map([...this.#rows].map(([table, rows]) => [successorOf(table), rows]));
  }

  /** Returns how many dangling rows of a table were removed since the last call. */
  gone(table: string): number {
    const had = this.#rows.get(table) ?? 0;
    if (had === 0) return 0;
    const left = Math.min(had, danglingRows(this.#connection).get(table) ?? 0);
    this.#rows.set(table, left);
    return had - left;
  }
}

/** Returns undefined if SQLite cannot check the foreign keys of the schema. */
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
    // The migration did not cause this: SQLite could not check the keys before either.
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
