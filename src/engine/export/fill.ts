import type { Listener } from '../backup/listener.ts';
import type { Connection } from '../connection/connection.ts';
import type { Definition } from '../definition.ts';
import { DorkDbError } from '../errors.ts';
import { mismatch } from '../migrations/bring-up.ts';
import type { History } from '../migrations/history.ts';
import { quoted } from '../migrations/rows.ts';
import { migrate } from '../migrations/runner.ts';
import { gatherIfFree } from '../rows/statistics.ts';
import type { Manifest } from './format.ts';
import { insertRows } from './insert-rows.ts';
import { Pace } from './pace.ts';
import type { ExportProgress } from './progress.ts';
import { refusal, type Source, type SourceTable } from './read-export.ts';
import { linesOf } from './rows.ts';
import { type ExportTable, exportTables, named } from './tables.ts';

/** The content of a new database that was filled from an export. */
export interface Filled {
  /** Number of rows by table, as verified. */
  readonly rows: Readonly<Record<string, number>>;
  /** Migrations that were applied to the new file after the import, because the export is older. */
  readonly migrated: readonly string[];
  /** Rows that refer to missing rows, like in the exported database. */
  readonly danglingRows: number;
}

/**
 * Fills an empty file from an export and migrates it to the newest schema.
 *
 * @internal
 */
export async function fillFrom(
  connection: Connection,
  { history, afterRecover }: Definition,
  source: Source,
  listener: Listener<ExportProgress>,
): Promise<Filled> {
  const { manifest } = source;
  migrate(connection, asExported(history, source), { snapshot: false });
  const tables = matched(exportTables(connection), source);
  connection.exec('PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE');
  await withoutTriggers(connection, () => insertAll(connection, source, listener));
  rebuildSearch(connection);
  const danglingRows = connection.pragma('foreign_key_check') as { table: string; parent: string }[];
  const [first] = danglingRows;
  if (first && !manifest.isWhole) {
    throw refusal(
      'DANGLING',
      `Rows of ${first.table} refer to rows of ${first.parent} that the export does not have`,
      'Export the tables that they refer to as well.',
    );
  }
  connection.exec('COMMIT');
  await readBack(connection, tables, manifest, listener);
  const { applied, drift } = migrate(connection, history, { snapshot: false });
  // A derived table may not be part of the export, or may have been edited in it.
  connection.runTransaction(() => {
    for (const sql of afterRecover ?? []) connection.exec(sql);
  });
  gatherIfFree(connection);
  const lacking = mismatch(connection, history, drift);
  if (lacking) throw lacking;
  return {
    rows: Object.fromEntries(manifest.tables.map(({ table, rows }) => [table, rows])),
    migrated: applied.map(({ tag }) => tag),
    danglingRows: danglingRows.length,
  };
}

/** Returns the history up to the exported database's newest migration. */
function asExported(history: History, { folder, manifest: { migrations, database } }: Source): History {
  const known = history.migrations;
  const at = migrations.findIndex((hash, i) => hash !== known[i]?.hash);
  if (at >= 0 && at < known.length) {
    throw refusal(
      'OTHER_HISTORY',
      `${folder} is from a database ${database} with another history: its migration ${at + 1} is not ${known[at]?.tag}`,
      'Import it with the program that exported it.',
    );
  }
  if (at >= 0) {
    const more = migrations.length - known.length;
    throw refusal(
      'NEWER_EXPORT',
      `${folder} has ${more} migration${more === 1 ? '' : 's'} that this version does not know`,
      'Import it with the version that exported it, or a newer one.',
    );
  }
  if (migrations.length === known.length) return history;
  const { schema: _, ...rest } = history;
  return { ...rest, migrations: known.slice(0, migrations.length) };
}

/** A table of the new file, with its columns in the order of the export. */
type Matched = readonly [SourceTable, ExportTable];

function matched(all: readonly ExportTable[], { tables, manifest, folder }: Source): Matched[] {
  const known = new Map(all.map((table) => [table.table, table]));
  const pairs = tables.map((table): Matched => {
    const found = known.get(table.table);
    if (!found) {
      throw refusal(
        'FOREIGN_TABLE',
        `${folder} has a table ${table.table}, which this database does not have`,
        'Export only the other tables.',
      );
    }
    return [table, inOrderOf(table, found)];
  });
  const missing = all.find(({ table }) => !tables.some((one) => one.table === table));
  if (missing && manifest.isWhole) throw refusal('MISSING_TABLE', `${folder} lacks the table ${missing.table}`);
  return pairs;
}

function inOrderOf({ table, columns }: SourceTable, found: ExportTable): ExportTable {
  const positions = columns.map(({ name }) => {
    const at = found.columns.findIndex((column) => column.name === name);
    if (at >= 0) return at;
    throw refusal('FOREIGN_COLUMN', `${table} has a column ${name}, which this database does not have`);
  });
  const missing = found.columns.find((_, i) => !positions.includes(i));
  if (missing) throw refusal('MISSING_COLUMN', `${table} lacks the column ${missing.name}`);
  if (new Set(positions).size < positions.length) throw refusal('FOREIGN_COLUMN', `${table} has a column twice`);
  const at = <T>(list: readonly T[]) => positions.map((i) => list[i] as T);
  return { ...found, columns: at(found.columns), kinds: at(found.kinds) };
}

/** Runs a function without triggers, because their effects are already in the export. */
async function withoutTriggers(connection: Connection, fn: () => Promise<void>): Promise<void> {
  const triggers = connection
    .prepare<{ name: string; sql: string }>(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger' ORDER BY rowid",
    )
    .all();
  for (const { name } of triggers) connection.exec(`DROP TRIGGER main.${quoted(name)}`);
  await fn();
  for (const { sql } of triggers) connection.exec(sql);
}

async function insertAll(
  connection: Connection,
  { tables, folder }: Source,
  listener: Listener<ExportProgress>,
): Promise<void> {
  const totalRows = tables.reduce((sum, { rows }) => sum + rows, 0);
  const pace = new Pace(listener, 'reading', totalRows, () => {});
  // Removes rows that migrations inserted: the export has them as well, or they were deleted.
  for (const table of tables) connection.exec(`DELETE FROM ${named(table)}`);
  for (const table of tables) await insertRows(connection, folder, table, pace);
  for (const { table, lastId } of tables) if (lastId !== undefined) keepLastId(connection, table, lastId);
}

function keepLastId(connection: Connection, table: string, lastId: string): void {
  const update = 'UPDATE main.sqlite_sequence SET seq = CAST(? AS INTEGER) WHERE name = ?';
  if (connection.prepare(update).run(lastId, table).changes > 0) return;
  connection.prepare('INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, CAST(? AS INTEGER))').run(table, lastId);
}

/** Rebuilds the full-text indexes whose text is in another table. A contentless one cannot be rebuilt. */
function rebuildSearch(connection: Connection): void {
  const own = new Set(exportTables(connection).map(({ table }) => table));
  const virtual = connection
    .prepare<{ name: string }>("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'")
    .all()
    .filter(({ name }) => !own.has(name));
  for (const { name } of virtual) {
    try {
      connection.exec(`INSERT INTO main.${quoted(name)}(${quoted(name)}) VALUES ('rebuild')`);
    } catch (error) {
      if (!(error instanceof DorkDbError) || error.code !== 'SQLITE_ERROR') throw error;
    }
  }
}

/** Verifies every row and value of the new file: exporting it again gives the same bytes. */
async function readBack(
  connection: Connection,
  tables: readonly Matched[],
  { encoding }: Manifest,
  listener: Listener<ExportProgress>,
): Promise<void> {
  const totalRows = tables.reduce((sum, [{ rows }]) => sum + rows, 0);
  const pace = new Pace(listener, 'verifying', totalRows, () => {});
  for (const [source, table] of tables) {
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    pace.begin(table.table);
    for (const line of linesOf(connection, table, encoding)) {
      hash.update(line);
      if (pace.isDue()) await pace.pause();
    }
    if (hash.digest('hex') !== source.sha256)
      throw refusal('NOT_EQUAL', `${table.table} in the new file differs from the export`);
    pace.tell();
  }
}
