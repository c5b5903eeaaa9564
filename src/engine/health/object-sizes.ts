import type { Connection } from '../connection/connection.ts';
import { quoted } from '../migrations/rows.ts';
import type { ObjectSize, SizeFigures } from './report.ts';

interface SchemaObject {
  readonly type: 'table' | 'index';
  readonly name: string;
  readonly table: string;
  readonly sql: string | null;
}

/** Number of rows to measure for an estimate. */
const SAMPLE = 1000;

/** Bytes of a row in addition to its values: its header, its pointer in the page, and unused space of pages. */
const ROW_OVERHEAD = 12;
const PAGES_FILLED = 0.9;

/** Returns the size of each table and index, largest first. Reads the whole file. */
export function objectSizes(connection: Connection): Pick<SizeFigures, 'objects' | 'objectsFrom'> {
  const hasDbstat = connection.prepare("SELECT 1 FROM pragma_module_list WHERE name = 'dbstat'").get() !== undefined;
  const objects = hasDbstat ? countedSizes(connection) : estimatedSizes(connection);
  return {
    objects: objects.sort((a, b) => b.bytes - a.bytes || a.name.localeCompare(b.name)),
    objectsFrom: hasDbstat ? 'dbstat' : 'estimate',
  };
}

/** https://sqlite.org/dbstat.html */
function countedSizes(connection: Connection): ObjectSize[] {
  return connection
    .prepare<ObjectSize>(
      `SELECT d.name, coalesce(s.type, 'table') AS type, coalesce(s.tbl_name, d.name) AS "table", d.pgsize AS bytes
       FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE`,
    )
    .all();
}

/**
 * Estimates sizes for SQLite builds without dbstat: the number of rows times the mean length of the first ones.
 * @internal
 */
export function estimatedSizes(connection: Connection): ObjectSize[] {
  const pageSize = Number(connection.pragma('page_size', { simple: true }));
  return connection
    .prepare<SchemaObject>(
      `SELECT type, name, tbl_name AS "table", sql FROM sqlite_schema WHERE type IN ('table', 'index') AND rootpage > 0`,
    )
    .all()
    .map((object) => {
      const { rows, mean } = object.type === 'table' ? tableRows(connection, object) : indexRows(connection, object);
      const pages = Math.max(1, Math.ceil((rows * (mean + ROW_OVERHEAD)) / (pageSize * PAGES_FILLED)));
      return { name: object.name, type: object.type, table: object.table, bytes: pages * pageSize };
    });
}

interface Rows {
  readonly rows: number;
  /** Mean size of a row's values in bytes. */
  readonly mean: number;
}

function tableRows(connection: Connection, { name }: SchemaObject): Rows {
  const columns = connection.prepare<{ name: string }>('SELECT name FROM pragma_table_info(?)').all(name);
  return measured(
    connection,
    name,
    columns.map((column) => column.name),
    '',
  );
}

/** Measures an index: its columns and the key of the row. An expression counts as eight bytes. */
function indexRows(connection: Connection, { name, table, sql }: SchemaObject): Rows {
  const columns = connection.prepare<{ name: string | null }>('SELECT name FROM pragma_index_xinfo(?)').all(name);
  const named = columns.flatMap((column) => column.name ?? []);
  const where = /\sWHERE\s[\s\S]*$/i.exec(sql ?? '')?.[0] ?? '';
  const { rows, mean } = measured(connection, table, named, where);
  return { rows, mean: mean + 8 * (columns.length - named.length) };
}

function measured(connection: Connection, table: string, columns: readonly string[], where: string): Rows {
  const lengths = columns.map((name) => `coalesce(length(CAST(${quoted(name)} AS BLOB)), 0)`).join(' + ') || '0';
  const from = `FROM ${quoted(table)}${where}`;
  const rows = Number(connection.prepare(`SELECT count(*) AS n ${from}`).get()?.n);
  const mean = connection
    .prepare<{ mean: number | null }>(`SELECT avg(n) AS mean FROM (SELECT ${lengths} AS n ${from} LIMIT ${SAMPLE})`)
    .get()?.mean;
  return { rows, mean: mean ?? 0 };
}
