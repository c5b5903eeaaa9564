import type { Connection } from '../connection/connection.ts';
import { quoted } from '../migrations/rows.ts';

/** A table with rows of its own: not a view, a virtual table or one of SQLite's. */
export interface Table {
  readonly name: string;
  /**
   * A name of the rowid that is not a column; undefined in a table without rowids. https://sqlite.org/rowidtable.html
   */
  readonly rowid: string | undefined;
  readonly columns: readonly TableColumn[];
}

export interface TableColumn {
  readonly name: string;
  /** The declared type; may be empty. */
  readonly type: string;
  /** The position in the primary key, from 1; 0 if the column is not in it. */
  readonly key: number;
}

const ROWIDS = ['rowid', '_rowid_', 'oid'];

/** Returns every table with rows of its own, by name. Shadow tables of virtual tables are included. */
export function tablesOf(connection: Connection): Table[] {
  return connection
    .prepare<{ name: string; wr: number }>(
      `SELECT name, wr FROM pragma_table_list
       WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name`,
    )
    .all()
    .map(({ name, wr }) => {
      const columns = columnsOf(connection, name);
      const taken = columns.map((column) => column.name.toLowerCase());
      return { name, columns, rowid: wr ? undefined : ROWIDS.find((rowid) => !taken.includes(rowid)) };
    });
}

/** Generated columns are included. */
function columnsOf(connection: Connection, table: string): TableColumn[] {
  return connection
    .prepare<TableColumn>('SELECT name, type, pk AS "key" FROM pragma_table_xinfo(?) WHERE hidden <> 1 ORDER BY cid')
    .all(table);
}

/** Returns the greatest rowid with one look-up; 0 in an empty table, null in a table without rowids. */
export function lastRowid(connection: Connection, { name, rowid }: Table): number | null {
  if (rowid === undefined) return null;
  const row = connection.prepare<{ last: number | null }>(`SELECT max(${rowid}) AS last FROM ${quoted(name)}`).get();
  return Number(row?.last ?? 0);
}
