import type { Connection } from '../../engine/connection/connection.ts';
import { ImportError } from '../../engine/errors.ts';
import { firstBytes, MAGIC } from '../../engine/first-bytes.ts';
import { LEDGER } from '../../engine/migrations/names.ts';
import { AGENTS } from './agents.ts';
import { BUDGET_COUNTERS } from './buckets.ts';
import { DENIALS } from './denials.ts';
import { HYBRID_TABLES, unreadColumns } from './hybrid.ts';
import { RUNS } from './pulse.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_TRACES, MESSAGES } from './relay.ts';
import { refusal } from './source-file.ts';

/** A table of the older code. */
export interface OlderTable {
  readonly table: string;
  /** The columns of its primary key. */
  readonly key: readonly string[];
  /** The columns that every version has. */
  readonly columns: readonly string[];
  /** The columns that a later version added. */
  readonly laterColumns: readonly string[];
}

/** The tables of each older database. A file may lack some, but not all of them. */
const OLDER_TABLES: Readonly<Record<Exclude<LegacySource, 'schedules.json' | 'dork.db'>, readonly OlderTable[]>> = {
  'pulse.db': [RUNS],
  'relay/index.db': [MESSAGES, MESSAGE_TRACES],
  'mesh/mesh.db': [AGENTS, DENIALS, BUDGET_COUNTERS],
};

/** Our tables that are derived from other tables or are bookkeeping. They are not imported. */
const DERIVED = ['relay_counts', 'legacy_imports', 'legacy_rows', LEDGER, '__dork_migrations_log'];

/** The content of a database file. */
export interface Layout {
  readonly source: LegacySource;
  /** `PRAGMA user_version`. */
  readonly version: number;
  /** The tables that are read, by name. */
  readonly tables: ReadonlyMap<string, PresentTable>;
  readonly isHybrid: boolean;
  /** Tables and columns that are not read, with the number of their rows or values. */
  readonly unknown: readonly string[];
}

/**
 * Merges the -wal into the copy of a source, checks that it is readable, and returns its content.
 *
 * @throws ImportError if the file is damaged, or was written by another program.
 */
export function inspectCopy(connection: Connection, copy: string, source: LegacySource, path: string): Layout {
  // SQLite treats any file shorter than a page as an empty database.
  if (!startsAsDatabase(copy)) throw damaged(path, undefined);
  try {
    using database = connection.sibling(copy);
    // The copy is not needed after this process.
    database.exec('PRAGMA synchronous = OFF');
    // Recovers the file after a crash, and merges the -wal.
    database.pragma('journal_mode = DELETE');
    assertSound(database, path);
    return layoutOf(database, source, path);
  } catch (cause) {
    if (cause instanceof ImportError) throw cause;
    throw damaged(path, cause);
  }
}

/** Returns true for an empty file, a database without tables. https://sqlite.org/fileformat2.html#the_database_header */
function startsAsDatabase(path: string): boolean {
  const bytes = firstBytes(path, MAGIC.length);
  return bytes.length === 0 || bytes.toString('latin1') === MAGIC;
}

function damaged(path: string, cause: unknown): ImportError {
  return refusal(
    'DAMAGED',
    path,
    'is damaged or half-written, or not a SQLite database',
    'Keep the file. Restore a readable copy of it, and import again.',
    cause,
  );
}

/** Findings of quick_check on values, and on indexes, which are not read. https://sqlite.org/pragma.html#pragma_quick_check */
const OF_VALUES =
  /^(NULL value in|CHECK constraint failed|\S+ value in|wrong # of entries|row \d+ missing from|non-unique entry|ok$)/;

/** Refuses a damaged file: rows in a damaged page must not be skipped silently. */
function assertSound(database: Connection, path: string): void {
  const found = database.prepare<{ quick_check: string }>('PRAGMA quick_check').all();
  if (found.some(({ quick_check: problem }) => !OF_VALUES.test(problem))) throw damaged(path, undefined);
}

function layoutOf(database: Connection, source: LegacySource, path: string): Layout {
  const present = tablesOf(database);
  const older = source === 'schedules.json' || source === 'dork.db' ? [] : OLDER_TABLES[source];
  const mayBeNew = source === 'relay/index.db' || source === 'dork.db';
  const newer = mayBeNew ? HYBRID_TABLES.filter(({ name }) => present.has(name)) : [];
  const tables = new Map<string, PresentTable>();
  const unread: string[] = [];
  for (const { table, key, columns, laterColumns } of older) {
    const found = present.get(table);
    if (!found) continue;
    const lacking = columns.filter((column) => !found.columns.has(column));
    const isOther = lacking.length > 0 || String(found.key) !== String(key);
    // Later releases have another table `messages`, for searching.
    if (isOther && newer.length > 0) continue;
    if (lacking.length > 0) throw foreign(path, `has a table ${table} without ${lacking.join(', ')}`);
    if (isOther) throw foreign(path, `has a table ${table} with another primary key`);
    tables.set(table, withCount(database, table, found));
    const unknown = [...found.columns].filter((column) => !columns.includes(column) && !laterColumns.includes(column));
    unread.push(...unknown.map((column) => columnWithCount(database, table, column)));
  }
  for (const table of newer) {
    const found = present.get(table.name) as FoundTable;
    tables.set(table.name, withCount(database, table.name, found));
    const unknown = unreadColumns(table, found.columns);
    unread.push(...unknown.map((column) => columnWithCount(database, table.name, column)));
  }
  if (tables.size === 0) {
    const names = source === 'dork.db' ? HYBRID_TABLES.map(({ name }) => name) : older.map(({ table }) => table);
    throw present.size === 0
      ? refusal('HALF_WRITTEN', path, 'has no tables', 'Remove it if it was never used, or restore a copy of it.')
      : foreign(path, `has none of the tables ${names.join(', ')}`);
  }
  const isRead = (table: string): boolean => tables.has(table) || DERIVED.includes(table);
  unread.push(...[...present.keys()].filter((table) => !isRead(table)).map((table) => tableWithCount(database, table)));
  return {
    source,
    version: Number(database.pragma('user_version', { simple: true })),
    tables,
    isHybrid: source !== 'dork.db' && newer.length > 0,
    unknown: unread,
  };
}

function withCount(database: Connection, table: string, found: FoundTable): PresentTable {
  return { ...found, rows: countOf(database, table, '*') };
}

function columnWithCount(database: Connection, table: string, column: string): string {
  return `${table}.${column} (${plural(countOf(database, table, `"${column}"`), 'value')})`;
}

function tableWithCount(database: Connection, table: string): string {
  return `${table} (${plural(countOf(database, table, '*'), 'row')})`;
}

/** Without an index, which may be damaged. */
function countOf(database: Connection, table: string, counted: string): number {
  return database.prepare<{ n: number }>(`SELECT count(${counted}) AS n FROM "${table}" NOT INDEXED`).get()?.n ?? 0;
}

function plural(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

function foreign(path: string, problem: string): ImportError {
  return refusal(
    'FOREIGN',
    path,
    problem,
    'It is not a file of DorkOS. Move it away, or pass another folder with --from.',
  );
}

interface FoundTable {
  readonly columns: ReadonlySet<string>;
  /** The columns of the primary key, in order. */
  readonly key: readonly string[];
}

/** A table that is read. */
export interface PresentTable extends FoundTable {
  readonly rows: number;
}

function tablesOf(database: Connection): Map<string, FoundTable> {
  const columns = database.prepare<{ table: string; column: string; pk: number }>(
    `SELECT t.name AS "table", c.name AS "column", c.pk FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c
     JOIN pragma_table_list AS l ON l.schema = 'main' AND l.name = t.name
     WHERE l.type = 'table' AND t.name NOT GLOB 'sqlite_*' ORDER BY t.name, c.cid`,
  );
  const tables = new Map<string, { columns: Set<string>; key: string[] }>();
  for (const { table, column, pk } of columns.all()) {
    const entry = tables.get(table) ?? { columns: new Set<string>(), key: [] };
    entry.columns.add(column);
    if (pk > 0) entry.key[pk - 1] = column;
    tables.set(table, entry);
  }
  return tables;
}
