import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { InvalidInputError } from '../errors.ts';
import { quoted } from '../migrations/rows.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { type Cell, cellColumns, cellOf, decoderOf } from './cells.ts';
import { type Table, tablesOf } from './tables.ts';

/** Options for `readRows()`. */
export interface ReadRowsOptions {
  /** Maximum number of rows, from 1 to 500. Default 50. */
  readonly limit?: number;
  /** `next` of the previous page. Default: the first page. */
  readonly after?: string;
  /** A column to filter by, one of {@link RowPage.filters}. Default: all rows. */
  readonly column?: string;
  /** The value of the column; text is compared as the column's type. Default `''`. */
  readonly value?: string;
}

/** A page of a table. */
export interface RowPage {
  readonly table: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** The columns with an index, so that a filter does not read the whole table. */
  readonly filters: readonly string[];
  /** The cells of each row in the order of the columns. */
  readonly rows: readonly (readonly Cell[])[];
  /** The argument `after` of the next page; undefined at the end. */
  readonly next?: string;
}

const OPTIONS: OptionNames<ReadRowsOptions> = { limit: true, after: true, column: true, value: true };

const LIMIT = 50;
const MOST = 500;

/** The maximum offset. An index is walked from its beginning for each page. */
const LAST_OFFSET = 10_000;

/**
 * Returns rows of any table as text for display, newest first. A page takes as long at the end of a table as at its
 * beginning, filtered or not. Rows of a table without rowids are in the order of its key, and filtered rows in the
 * order of the index; both are limited to the first 10,000 rows.
 *
 * @throws InvalidInputError for an unknown table, a column without an index, or an invalid option.
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * for (const { name } of activity(db).tables) console.log(name, readRows(db, name, { limit: 1 }).rows);
 * ```
 */
export function readRows(db: AnyDb, table: string, options: ReadRowsOptions = {}): RowPage {
  optionsArgument(options, OPTIONS);
  const { limit = LIMIT, after, column, value = '' } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > MOST) {
    throw new InvalidInputError('options.limit', `must be an integer from 1 to ${MOST}`);
  }
  if (typeof value !== 'string') throw new InvalidInputError('options.value', 'must be a string');
  const connection = connectionOf(db);
  connection.assertOpen();
  const found = tablesOf(connection).find(({ name }) => name === table);
  if (!found) throw new InvalidInputError('table', 'must be the name of a table of this file');
  const filters = filtersOf(connection, found);
  const place = placeOf(after);
  const query =
    column === undefined ? everyRow(found, place) : filteredRows(found, filters.get(column), { column, value }, place);
  const cells = found.columns.map(({ name }) => cellColumns(quoted(name)));
  const key = found.rowid ? `CAST(${found.rowid} AS TEXT)` : 'NULL';
  const rows = connection
    .prepare(`SELECT ${key}, ${cells.join(', ')} FROM ${quoted(found.name)} ${query.sql}`)
    .values(...query.params, limit + 1, query.offset);
  const shown = rows.slice(0, limit);
  const next = rows.length > limit ? query.next(String(shown.at(-1)?.[0]), limit) : undefined;
  const decode = decoderOf(connection);
  return {
    table: found.name,
    columns: found.columns.map(({ name, type }) => ({ name, type })),
    filters: [...filters.keys()].sort(),
    rows: shown.map((row) =>
      found.columns.map((_, i) => cellOf(row[3 * i + 1], row[3 * i + 2], row[3 * i + 3], decode)),
    ),
    ...(next !== undefined && { next }),
  };
}

/** The start of a page: after a rowid, or after a number of rows. */
interface Place {
  readonly rowid?: string;
  readonly offset: number;
}

interface Query {
  readonly sql: string;
  readonly params: readonly unknown[];
  readonly offset: number;
  readonly next: (rowid: string, limit: number) => string | undefined;
}

function placeOf(after: unknown): Place {
  if (after === undefined) return { offset: 0 };
  const [, kind, digits = ''] = (typeof after === 'string' && /^([ro])(-?\d{1,19})$/.exec(after)) || [];
  if (kind === 'r') return { rowid: digits, offset: 0 };
  const offset = Number(digits);
  if (kind === 'o' && offset >= 0 && offset <= LAST_OFFSET) return { offset };
  throw new InvalidInputError('options.after', 'must be the next of an earlier page');
}

function nextOffset(offset: number) {
  return (_: string, limit: number) => (offset + limit <= LAST_OFFSET ? `o${offset + limit}` : undefined);
}

function everyRow({ rowid, columns }: Table, place: Place): Query {
  if (rowid === undefined) {
    const key = columns.filter((column) => column.key > 0).sort((a, b) => a.key - b.key);
    const order = key.map(({ name }) => `${quoted(name)} DESC`).join(', ');
    const { offset } = place;
    return { sql: `ORDER BY ${order} LIMIT ? OFFSET ?`, params: [], offset, next: nextOffset(offset) };
  }
  const where = place.rowid === undefined ? '' : `WHERE ${rowid} < CAST(? AS INTEGER) `;
  return {
    sql: `${where}ORDER BY ${rowid} DESC LIMIT ? OFFSET ?`,
    params: place.rowid === undefined ? [] : [place.rowid],
    offset: 0,
    next: (last) => `r${last}`,
  };
}

/** An index for a filter, and the order of rows with the same value. */
interface Filter {
  readonly index: string;
  readonly order: readonly string[];
}

function filteredRows(
  { rowid }: Table,
  filter: Filter | undefined,
  { column, value }: { readonly column: string; readonly value: string },
  { offset }: Place,
): Query {
  if (!filter) throw new InvalidInputError('options.column', 'must be the first column of an index');
  const order = [...filter.order.map(quoted), ...(rowid ? [rowid] : [])].map((name) => `${name} DESC`).join(', ');
  return {
    sql: `INDEXED BY ${quoted(filter.index)} WHERE ${quoted(column)} = ? ${order && `ORDER BY ${order} `}LIMIT ? OFFSET ?`,
    params: [value],
    offset,
    next: nextOffset(offset),
  };
}

/** Returns the first column of each index that is not partial. */
function filtersOf(connection: Connection, { name: table }: Table): Map<string, Filter> {
  const indexes = connection
    .prepare<{ name: string }>('SELECT name FROM pragma_index_list(?) WHERE partial = 0')
    .all(table);
  const filters = new Map<string, Filter>();
  for (const { name } of indexes) {
    const columns = connection
      .prepare<{ name: string | null; coll: string; desc: number }>(
        'SELECT name, coll, "desc" FROM pragma_index_xinfo(?) WHERE key = 1 ORDER BY seqno',
      )
      .all(name);
    const isPlain = columns.every((column) => column.name !== null && column.coll === 'BINARY' && !column.desc);
    const [first, ...rest] = columns.map((column) => column.name ?? '');
    if (isPlain && first !== undefined && !filters.has(first)) filters.set(first, { index: name, order: rest });
  }
  return filters;
}
