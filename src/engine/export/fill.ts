import type { Listener } from '../backup/listener.ts';
import type { Connection } from '../connection/connection.ts';
import type { Definition } from '../definition.ts';
import { DorkDbError } from '../errors.ts';
import { mismatch } from '../migrations/bring-up.ts';
import type { History } from '../migrations/history.ts';
import { quoted } from '../migrations/rows.ts';
import { migrate } from '../migrations/runner.ts';
import type { Manifest } from './format.ts';
import { insertRows } from './insert-rows.ts';
import { Pace } from './pace.ts';
import type { ExportProgress } from './progress.ts';
import { refusal, type Source, type SourceTable } from './read-export.ts';
import { linesOf } from './rows.ts';
import { type ExportTable, exportTables, named } from './tables.ts';

/** What a new database has of an export. */
export interface Filled {
  /** Rows by table, as they were read back. */
  readonly rows: Readonly<Record<string, number>>;
  /** Migrations that the export lacked, and that were applied to the new file. */
  readonly migrated: readonly string[];
  /** Rows that refer to rows that are not there, as they did in the exported database. */
  readonly danglingRows: number;
}

/** Fills an empty file with an export, and brings it to the newest schema. */
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
  // A table that is computed from others may be one that was not exported.
  if (!manifest.isWhole) for (const sql of afterRecover ?? []) connection.exec(sql);
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
  const lacking = mismatch(connection, history, drift);
  if (lacking) throw lacking;
  return {
    rows: Object.fromEntries(manifest.tables.map(({ table, rows }) => [table, rows])),
    migrated: applied.map(({ tag }) => tag),
    danglingRows: danglingRows.length,
  };
}

/** Returns the history up to the migrations that the exported database had. */
function asExported(history: History, { folder, manifest: { migrations, database } }: Source): History {
  const known = history.migrations;
  const at = migrations.findIndex((hash, i) => hash !== known[i]?.hash);
  if (at >= 0 && at < known.length) {
    throw refusal(
      'OTHER_HISTORY',
      `${folder} is of a database ${database} with another history: its migration ${at + 1} is not ${known[at]?.tag}`,
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

/** A table of the new file, with the columns in the order that the export has them. */
type Matched = readonly [SourceTable, ExportTable];

function matched(all: readonly ExportTable[], { tables, manifest, folder }: Source): Matched[] {
  const known = new Map(all.map((table) => [table.table, table]));
  const pairs = tables.map((table): Matched => {
    const found = known.get(table.table);
    if (!found) {
      throw refusal(
        'FOREIGN_TABLE',
        `${folder} has a table ${table.table}, which this database does not have`,
        'Export without it: name the other tables.',
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

/** What a trigger would write is in the export already. */
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
  // A migration may have made rows, which the exported database had too, or had no more.
  for (const table of tables) connection.exec(`DELETE FROM ${named(table)}`);
  for (const table of tables) await insertRows(connection, folder, table, pace);
  for (const { table, lastId } of tables) if (lastId !== undefined) keepLastId(connection, table, lastId);
}

function keepLastId(connection: Connection, table: string, lastId: string): void {
  const update = 'UPDATE main.sqlite_sequence SET seq = CAST(? AS INTEGER) WHERE name = ?';
  if (connection.prepare(update).run(lastId, table).changes > 0) return;
  connection.prepare('INSERT INTO main.sqlite_sequence (name, seq) VALUES (?, CAST(? AS INTEGER))').run(table, lastId);
}

/** Builds a full text search anew whose text is in another table. One without any text cannot be. */
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

/** Proves that the new file has every row and every value: as lines they are the bytes of the export. */
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
      throw refusal('NOT_EQUAL', `${table.table} reads otherwise from the new file than it was exported`);
    pace.tell();
  }
}
