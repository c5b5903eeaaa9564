import type { Connection } from '../connection/connection.ts';
import { MigrationError } from '../errors.ts';

/** References from rows of one table to missing rows of another. */
export interface DanglingReferences {
  readonly table: string;
  readonly parent: string;
  readonly count: number;
  /** Up to five of the referring rows; empty for a table without rowids. */
  readonly rowids: readonly number[];
}

/**
 * Returns the results of `PRAGMA foreign_key_check`. https://sqlite.org/pragma.html#pragma_foreign_key_check
 *
 * @throws DorkDbError if a foreign key refers to columns that are not a key of its parent.
 */
export function danglingReferences(connection: Connection): DanglingReferences[] {
  return connection
    .prepare<{ table: string; parent: string; count: number; rowids: string | null }>(
      `SELECT "table", parent, count(*) AS count, group_concat(DISTINCT rowid) FILTER (WHERE place <= 5) AS rowids
       FROM (SELECT "table", parent, "rowid", dense_rank() OVER (PARTITION BY "table", parent ORDER BY "rowid") AS place
             FROM pragma_foreign_key_check)
       GROUP BY "table", parent`,
    )
    .all()
    .map(({ rowids, ...found }) => ({ ...found, rowids: rowids === null ? [] : rowids.split(',').map(Number) }));
}

/** Returns the number of rows with a dangling reference, by table. Tables without rowids are not included. */
export function danglingRows(connection: Connection): Map<string, number> {
  const rows = connection
    .prepare<{ table: string; n: number }>(
      `SELECT "table", count(DISTINCT "rowid") AS n FROM pragma_foreign_key_check GROUP BY "table"`,
    )
    .all();
  return new Map(rows.map(({ table, n }) => [table, n]));
}

/** A foreign key to a missing table. Nothing can be inserted into its own table. */
export interface MissingParent {
  readonly table: string;
  readonly parent: string;
}

/** Returns foreign keys to missing tables. {@link danglingReferences} does not find them in empty tables. */
export function missingParents(connection: Connection): MissingParent[] {
  return connection
    .prepare<MissingParent>(
      `SELECT DISTINCT t.name AS "table", k."table" AS parent
       FROM (SELECT name FROM sqlite_schema WHERE type = 'table') t, pragma_foreign_key_list(t.name) k
       WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema p WHERE p.type = 'table' AND p.name = k."table" COLLATE NOCASE)`,
    )
    .all();
}

/** @throws MigrationError of kind `foreign_keys` if a foreign key lost its table. */
export function refuseMissingParents(
  tags: readonly string[],
  before: readonly MissingParent[],
  after: readonly MissingParent[],
): void {
  const added = after.find(({ table, parent }) => !before.some((old) => old.table === table && old.parent === parent));
  if (!added) return;
  throw new MigrationError(
    'foreign_keys',
    `${tags.join(', ')} would leave ${added.table} with a foreign key to ${added.parent}, which does not exist. It was rolled back.`,
    { hint: `Rebuild ${added.table} without the foreign key in the same migration, or keep ${added.parent}.` },
  );
}

/**
 * Runs a function with foreign keys off, and restores them even if it throws. They must be off while tables are
 * rebuilt: otherwise, dropping the old table silently deletes every child row. The pragma has no effect inside a
 * transaction, so this wraps the transaction.
 * https://sqlite.org/lang_altertable.html#making_other_kinds_of_table_schema_changes
 */
export function withForeignKeysOff<T>(connection: Connection, fn: () => T): T {
  const wereOn = areOn(connection);
  connection.exec('PRAGMA foreign_keys = OFF');
  try {
    return fn();
  } finally {
    if (wereOn) putBack(connection);
  }
}

function areOn(connection: Connection): boolean {
  return connection.pragma('foreign_keys', { simple: true }) === 1;
}

/** Never throws, so that the original error is not replaced. */
function putBack(connection: Connection): void {
  try {
    connection.exec('PRAGMA foreign_keys = ON');
    if (areOn(connection)) return;
  } catch {
    // The original error is more useful.
  }
  try {
    // Without foreign keys the connection would store rows with missing parents, so it is closed.
    connection.close();
  } catch {
    // It is closed anyway.
  }
}

/**
 * Refuses migrations that add dangling references. References that were dangling before are accepted, so that they do
 * not lock out the file's owner.
 *
 * @param before The references that were dangling, by the current names of their tables.
 * @throws MigrationError of kind `foreign_keys` if more references are dangling than before.
 */
export function refuseDangling(
  tags: readonly string[],
  before: readonly DanglingReferences[],
  after: readonly DanglingReferences[],
): void {
  const countBefore = ({ table, parent }: DanglingReferences) =>
    before.find((found) => found.table === table && found.parent === parent)?.count ?? 0;
  const added = after.filter((found) => found.count > countBefore(found));
  if (added.length === 0) return;
  const list = added.map((found) => {
    const { table, parent, count, rowids } = found;
    const places = rowids.length > 0 ? `, rowid ${rowids.join(', ')}${count > rowids.length ? ' and more' : ''}` : '';
    const old = countBefore(found);
    return `${count} from ${table} to ${parent}${places}${old > 0 ? ` (${old} of them existed before)` : ''}`;
  });
  throw new MigrationError(
    'foreign_keys',
    `${tags.join(', ')} would leave references to missing rows: ${list.join('; ')}. It was rolled back.`,
    {
      hint: 'Correct the migration so that it moves or removes the referring rows. PRAGMA foreign_key_check lists them.',
    },
  );
}
