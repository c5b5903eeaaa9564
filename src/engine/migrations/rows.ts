import type { Connection } from '../connection/connection.ts';
import { fullTextOptions } from '../sql/full-text.ts';
import { IS_OF_SCHEMA } from './names.ts';

/** Number of rows of each table. */
export type RowCounts = Readonly<Record<string, number>>;

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * Returns the tables with data of their own. Excludes the shadow tables of virtual tables, and full-text indexes whose
 * content is in another table or whose rows SQLite cannot scan. https://sqlite.org/pragma.html#pragma_table_list
 */
export function dataTables(connection: Connection): string[] {
  return connection
    .prepare<{ name: string; type: string; sql: string | null }>(
      `SELECT name, type, (SELECT sql FROM sqlite_schema s WHERE s.type = 'table' AND s.name = t.name AND t.type = 'virtual') AS sql
       FROM pragma_table_list t WHERE schema = 'main' AND type IN ('table', 'virtual')
       AND ${IS_OF_SCHEMA} ORDER BY name`,
    )
    .all()
    .filter(({ sql }) => sql === null || !isOnlyIndex(sql))
    .map(({ name }) => name);
}

/**
 * Returns true for FTS tables with external content, and for contentless ones without sizes, which cannot be scanned.
 */
function isOnlyIndex(createVirtualTable: string): boolean {
  const options = fullTextOptions(createVirtualTable);
  if (options?.content === undefined) return false;
  return options.content !== '' || !options.hasSizes;
}

/** Scans the smallest index of every table once. */
export function countRows(connection: Connection): RowCounts {
  return Object.fromEntries(dataTables(connection).map((name) => [name, countRowsOf(connection, name)]));
}

export function countRowsOf(connection: Connection, table: string): number {
  return connection.prepare<{ n: number }>(`SELECT count(*) AS n FROM main.${quoted(table)}`).get()?.n ?? 0;
}
