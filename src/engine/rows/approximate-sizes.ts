import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { quoted } from '../migrations/rows.ts';
import { lastRowid, type Table, tablesOf } from './tables.ts';

/** The approximate size of a table or an index. */
export interface ApproximateSize {
  readonly name: string;
  readonly type: 'table' | 'index';
  /** The table itself, or the table of the index. */
  readonly table: string;
  /** Number of rows, or of entries of the index; null if unknown. */
  readonly rows: number | null;
  /** Bytes: the number of rows times the mean length of the newest ones; null if `rows` is null. */
  readonly bytes: number | null;
  /** `statistics`: counted by the last ANALYZE. `rowid`: the greatest rowid, which is an upper limit. */
  readonly rowsFrom: 'statistics' | 'rowid' | null;
}

/** Number of the newest rows to measure. */
const SAMPLE = 100;

/** Bytes of a row in addition to its values, and the used share of a page. */
const ROW_OVERHEAD = 12;
const PAGES_FILLED = 0.9;

interface IndexRow {
  readonly name: string;
  readonly table: string;
}

/**
 * Returns the approximate size of each table and index, largest first. It takes as long on a large file as on a small
 * one; `health(db, { deep: 'quick' })` counts every page.
 *
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const [largest] = approximateSizes(db);
 * ```
 */
export function approximateSizes(db: AnyDb): ApproximateSize[] {
  const connection = connectionOf(db);
  connection.assertOpen();
  const counted = statisticsOf(connection);
  const pageSize = Number(connection.pragma('page_size', { simple: true }));
  const indexes = connection
    .prepare<IndexRow>(`SELECT name, tbl_name AS "table" FROM sqlite_schema WHERE type = 'index' AND rootpage > 0`)
    .all();
  return tablesOf(connection)
    .flatMap((table) => {
      const own = indexes.filter((index) => index.table === table.name);
      // A partial index has fewer entries than its table has rows.
      const most = Math.max(...[table, ...own].map(({ name }) => counted.get(name) ?? -1));
      const last = lastRowid(connection, table);
      const found = most >= 0 ? ([most, 'statistics'] as const) : ([last, last === null ? null : 'rowid'] as const);
      const size = (
        name: string,
        type: 'table' | 'index',
        mean: number,
        [rows, rowsFrom]: readonly [number | null, ApproximateSize['rowsFrom']],
      ): ApproximateSize => ({ name, type, table: table.name, rows, rowsFrom, bytes: bytesOf(rows, mean, pageSize) });
      return [
        size(table.name, 'table', meanLength(connection, table, nameOfColumns(table)), found),
        ...own.map(({ name }) => {
          const entries = counted.get(name);
          const columns = connection
            .prepare<{ name: string | null }>('SELECT name FROM pragma_index_xinfo(?)')
            .all(name);
          const named = columns.flatMap((column) => column.name ?? []);
          // An expression and the rowid count as eight bytes each.
          const mean = meanLength(connection, table, named) + 8 * (columns.length - named.length);
          return size(name, 'index', mean, entries === undefined ? found : [entries, 'statistics']);
        }),
      ];
    })
    .sort((a, b) => (b.bytes ?? -1) - (a.bytes ?? -1) || (a.name < b.name ? -1 : 1));
}

const nameOfColumns = ({ columns }: Table) => columns.map(({ name }) => name);

/**
 * Returns the number of rows of each index and table by name, as counted by ANALYZE.
 * https://sqlite.org/fileformat2.html#stat1tab
 */
function statisticsOf(connection: Connection): Map<string, number> {
  if (!connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_stat1'").get()) return new Map();
  const rows = connection
    .prepare<{ name: string; stat: string | null }>('SELECT coalesce(idx, tbl) AS name, stat FROM sqlite_stat1')
    .all();
  return new Map(rows.map(({ name, stat }) => [name, Number.parseInt(stat ?? '0', 10) || 0]));
}

function meanLength(connection: Connection, { name, rowid }: Table, columns: readonly string[]): number {
  const lengths = columns.map((column) => `coalesce(octet_length(${quoted(column)}), 0)`).join(' + ') || '0';
  const order = rowid === undefined ? '' : ` ORDER BY ${rowid} DESC`;
  const row = connection
    .prepare<{ mean: number | null }>(
      `SELECT avg(n) AS mean FROM (SELECT ${lengths} AS n FROM ${quoted(name)}${order} LIMIT ${SAMPLE})`,
    )
    .get();
  return row?.mean ?? 0;
}

function bytesOf(rows: number | null, mean: number, pageSize: number): number | null {
  if (rows === null) return null;
  return Math.max(1, Math.ceil((rows * (mean + ROW_OVERHEAD)) / (pageSize * PAGES_FILLED))) * pageSize;
}
