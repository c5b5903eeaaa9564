import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';
import { fullTextOptions } from '../sql/full-text.ts';
import type { Lineage } from './lineage.ts';
import { quoted } from './rows.ts';

/**
 * Builds the full-text indexes of rebuilt tables again if the rows have new rowids: a copy numbers the rows of a table
 * without an INTEGER PRIMARY KEY again, and the index would find other rows.
 * https://sqlite.org/fts5.html#external_content_tables
 */
export function reindexMovedRows(connection: Connection, lineage: Lineage): void {
  const rebuilt = new Map(lineage.rebuilt().map(([, table]) => [table.toLowerCase(), table]));
  if (rebuilt.size === 0) return;
  for (const { name, sql } of virtualTables(connection)) {
    const options = fullTextOptions(sql);
    const table = rebuilt.get(options?.content?.toLowerCase() ?? '');
    if (!options || table === undefined || !hasMovingRowids(connection, table, options.contentRowid)) continue;
    try {
      connection.exec(`INSERT INTO main.${quoted(name)}(${quoted(name)}) VALUES ('rebuild')`);
    } catch (error) {
      // The new table lacks a column of the index, so no query can use it.
      if (!(error instanceof DorkDbError) || error.code !== 'SQLITE_ERROR') throw error;
    }
  }
}

function virtualTables(connection: Connection): { name: string; sql: string }[] {
  return connection
    .prepare<{ name: string; sql: string }>(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'",
    )
    .all();
}

/** True if a table has neither the column nor an INTEGER PRIMARY KEY, which is the rowid under another name. */
function hasMovingRowids(connection: Connection, table: string, contentRowid: string): boolean {
  const columns = connection
    .prepare<{ name: string; type: string; pk: number }>(
      `SELECT name, upper(type) AS type, pk FROM pragma_table_xinfo(?, 'main')`,
    )
    .all(table);
  if (columns.some(({ name }) => name.toLowerCase() === contentRowid.toLowerCase())) return false;
  const [key, ...others] = columns.filter(({ pk }) => pk > 0);
  return others.length > 0 || key?.type !== 'INTEGER';
}
