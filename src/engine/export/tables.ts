import type { Connection } from '../connection/connection.ts';
import { dataTables, quoted } from '../migrations/rows.ts';
import { type NumberKind, numberKind } from './cell.ts';
import type { TableSchema } from './format.ts';

/** A table of an export. */
export interface ExportTable extends TableSchema {
  readonly kinds: readonly NumberKind[];
  /** The column to sort by, which gives the order of the table itself. Undefined if there is no rowid. */
  readonly order: string | undefined;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
  readonly hidden: number;
}

/** Returns the tables with data of their own, by name. */
export function exportTables(connection: Connection): ExportTable[] {
  return dataTables(connection).map((table) => describeTable(connection, table));
}

function describeTable(connection: Connection, table: string): ExportTable {
  const found = connection
    .prepare<{ type: string; wr: number; strict: number }>(
      "SELECT type, wr, strict FROM pragma_table_list(?) WHERE schema = 'main'",
    )
    .get(table);
  const isStrict = found?.strict === 1;
  const all = connection.prepare<Column>("SELECT * FROM pragma_table_xinfo(?, 'main') ORDER BY cid").all(table);
  const sql = connection
    .prepare<{ sql: string }>(
      "SELECT sql FROM main.sqlite_schema WHERE tbl_name = ? AND type IN ('table', 'index') AND sql IS NOT NULL ORDER BY type DESC, rowid",
    )
    .all(table)
    .map((row) => row.sql);
  const isVirtual = found?.type === 'virtual';
  const taken = new Set(all.filter(({ hidden }) => hidden !== 1).map(({ name }) => name.toLowerCase()));
  const rowid = found?.wr ? undefined : ['rowid', '_rowid_', 'oid'].find((alias) => !taken.has(alias));
  const stored = all.filter(({ hidden }) => hidden === 0);
  // Rows of a full-text index are identified only by their rowids.
  const hasRowid = isVirtual && /USING\s+fts\d/i.test(sql[0] ?? '') && rowid;
  const columns = [
    ...(hasRowid ? [{ name: rowid, type: 'INTEGER', notNull: true, primaryKey: 1 }] : []),
    ...stored.map(({ name, type, notnull, pk }) => ({ name, type, notNull: notnull === 1, primaryKey: pk })),
  ];
  return {
    table,
    columns,
    generated: all.filter(({ hidden }) => hidden > 1).map(({ name }) => name),
    sql,
    kinds: columns.map(({ type }) => numberKind(type, isStrict)),
    order: rowid,
  };
}

/** Returns the tables without data of their own, with the reason why they are not exported. */
export function leftOutTables(connection: Connection): { table: string; reason: string }[] {
  const exported = new Set(dataTables(connection));
  return connection
    .prepare<{ name: string; type: string }>(
      "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT GLOB 'sqlite_*' ORDER BY name",
    )
    .all()
    .filter(({ name }) => !exported.has(name))
    .map(({ name, type }) => ({
      table: name,
      reason: type === 'virtual' ? 'an index of text in another table, or without text' : 'the ledger of migrations',
    }));
}

/** Returns the last id assigned by AUTOINCREMENT, as text because it may exceed 2^53. */
export function lastIdOf(connection: Connection, table: string): string | undefined {
  if (!connection.prepare("SELECT 1 FROM main.sqlite_schema WHERE name = 'sqlite_sequence'").get()) return undefined;
  return connection
    .prepare<{ seq: string }>('SELECT CAST(seq AS TEXT) AS seq FROM main.sqlite_sequence WHERE name = ?')
    .get(table)?.seq;
}

/** Returns the table's name for a statement. */
export function named({ table }: { readonly table: string }): string {
  return `main.${quoted(table)}`;
}
