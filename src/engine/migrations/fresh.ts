import type { Connection } from '../connection/connection.ts';
import { MigrationError } from '../errors.ts';
import { leadingWords, wordsOf } from '../sql/sql-text.ts';
import { brokenObject } from './broken-objects.ts';
import { hasSchema, isCurrent, learnSchema } from './current.ts';
import { missingParents } from './foreign-keys.ts';
import type { History } from './history.ts';
import { createLedger, recordApplied } from './ledger.ts';
import { OBJECTS } from './names.ts';
import { type MigrationProgress, type Place, statementProgress } from './progress.ts';
import type { AppliedMigration } from './report.ts';
import { schemaOf } from './schema-state.ts';
import type { MigrationStep } from './steps.ts';
import { runStep, type Work } from './work.ts';

/** Returns true for a file without a table, an index, a trigger or a view. */
export function holdsNothing(connection: Connection): boolean {
  return connection.prepare(`SELECT 1 FROM ${OBJECTS} LIMIT 1`).get() === undefined;
}

/**
 * Applies a whole history to an empty file, inside the caller's transaction. Nothing can be lost, so nothing is compared
 * between the migrations, which makes the databases of a host's tests fast.
 *
 * @returns Undefined if the outcome is not sure: a statement fails or writes a row, a trigger, a view or what else a
 * rebuild leaves out goes, or the schema is not known or another one. The file is then empty again, and the caller runs the history with every check.
 */
export function applyToNew(
  connection: Connection,
  work: readonly Work[],
  history: History,
  onProgress: (progress: MigrationProgress) => void,
): AppliedMigration[] | undefined {
  if (work.some(makesVirtualTable) || !knowsSchema(connection, history)) return undefined;
  connection.exec('SAVEPOINT fresh');
  const applied = tryAll(connection, work, onProgress);
  const isSure =
    applied !== undefined &&
    isCurrent(connection, history) &&
    missingParents(connection).length === 0 &&
    brokenObject(connection) === undefined;
  connection.exec(isSure ? 'RELEASE fresh' : 'ROLLBACK TO fresh; RELEASE fresh');
  return isSure ? applied : undefined;
}

/**
 * A virtual table that was created after a savepoint is still asked by SQLite to keep later savepoints when it is rolled
 * back to the first: FTS5 has no tables any more then, and every further statement of the transaction fails.
 */
function makesVirtualTable({ steps }: Work): boolean {
  return steps.some(({ sql }) => leadingWords(sql, 2).join(' ') === 'CREATE VIRTUAL');
}

/** Returns true if the schema is known. A history from a folder is replayed once per process. */
function knowsSchema(connection: Connection, history: History): boolean {
  if (hasSchema(history)) return true;
  try {
    learnSchema(history, schemaOf(connection, history));
    return true;
  } catch (error) {
    if (error instanceof MigrationError) return false;
    throw error;
  }
}

/**
 * Triggers, views, indexes, and tables that may have features (see `tableFeatures()`). Matching the text is enough, because a match
 * only causes a closer check.
 */
const MAY_GO = `SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view')
  UNION ALL SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL
  UNION ALL SELECT name || ' STRICT' FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%)%STRICT%'
  UNION ALL SELECT name || ' ROWID' FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%WITHOUT ROWID%'
  UNION ALL SELECT name || ' AS' FROM sqlite_schema WHERE type = 'table' AND sql LIKE '% AS %(%'`;

function isDrop({ sql }: MigrationStep, object: 'TABLE' | 'INDEX'): boolean {
  return leadingWords(sql, 2).join(' ') === `DROP ${object}`;
}

/** Returns true if a name is gone that no statement drops explicitly. */
function isAnyLost(before: ReadonlySet<unknown>, now: readonly unknown[], steps: readonly MigrationStep[]): boolean {
  const left = new Set(now);
  const gone = [...before].filter((name) => !left.has(name)).map((name) => String(name).toLowerCase());
  if (gone.length === 0) return false;
  const drops = steps.filter((step) => isDrop(step, 'INDEX'));
  const dropped = new Set(drops.flatMap(({ sql }) => [...wordsOf(sql)]));
  return gone.some((name) => !dropped.has(name));
}

function tryAll(
  connection: Connection,
  work: readonly Work[],
  onProgress: (progress: MigrationProgress) => void,
): AppliedMigration[] | undefined {
  createLedger(connection);
  const changes = connection.prepare('SELECT total_changes() AS n');
  const dependents = connection.prepare(MAY_GO);
  const applied: AppliedMigration[] = [];
  for (const [i, { migration, steps }] of work.entries()) {
    const started = performance.now();
    const place: Place = { tag: migration.tag, migration: i + 1, migrations: work.length, steps: steps.length };
    const before = changes.get()?.n;
    const had = new Set<unknown>();
    for (const step of steps) {
      onProgress(statementProgress(place, step));
      // Only a dropped table takes other objects along. Reading all names for each migration would take quadratic time.
      if (isDrop(step, 'TABLE')) for (const name of dependents.values().flat()) had.add(name);
      try {
        runStep(connection, migration, step);
      } catch (error) {
        if (error instanceof MigrationError) return undefined;
        throw error;
      }
    }
    if (changes.get()?.n !== before) return undefined;
    if (had.size > 0 && isAnyLost(had, dependents.values().flat(), steps)) return undefined;
    onProgress({ ...place, phase: 'verify', step: steps.length, action: 'count rows' });
    const durationMs = performance.now() - started;
    recordApplied(connection, migration, Math.round(durationMs));
    applied.push({ tag: migration.tag, hash: migration.hash, statements: steps.length, durationMs });
  }
  return applied;
}
