import { closeSync, openSync, readSync } from 'node:fs';
import type { Connection } from '../../engine/connection/connection.ts';
import { ImportError } from '../../engine/errors.ts';
import { LEDGER } from '../../engine/migrations/names.ts';
import { AGENTS } from './agents.ts';
import { BUDGET_COUNTERS } from './buckets.ts';
import { DENIALS } from './denials.ts';
import { HYBRID_TABLES } from './hybrid.ts';
import { RUNS } from './pulse.ts';
import type { LegacySource } from './receipt.ts';
import { MESSAGE_TRACES, MESSAGES } from './relay.ts';
import { refusal } from './source-file.ts';

/** A table as the older code wrote it. */
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
const OLDER_TABLES: Readonly<Record<Exclude<LegacySource, 'schedules.json'>, readonly OlderTable[]>> = {
  'pulse.db': [RUNS],
  'relay/index.db': [MESSAGES, MESSAGE_TRACES],
  'mesh/mesh.db': [AGENTS, DENIALS, BUDGET_COUNTERS],
};

/** Tables of ours that hold nothing which is not in another one. */
const DERIVED = ['relay_counts', 'legacy_imports', 'legacy_rows', LEDGER, '__dork_migrations_log'];

/** What a database file holds. */
export interface Layout {
  readonly source: LegacySource;
  /** `PRAGMA user_version`. */
  readonly version: number;
  /** The columns of each table that is read, by the table's name. */
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>;
  readonly isHybrid: boolean;
  /** Tables and columns that are not known. */
  readonly unknown: readonly string[];
}

/**
 * Brings the copy of a source into one file, proves it readable, and tells what it holds.
 *
 * @throws ImportError where it is damaged, or was written by something else.
 */
export function inspectCopy(connection: Connection, copy: string, source: LegacySource, path: string): Layout {
  // SQLite takes a file that is shorter than a page for an empty database, whatever it holds.
  if (!startsAsDatabase(copy)) throw damaged(path, undefined);
  try {
    using database = connection.sibling(copy);
    // Nothing depends on this copy after the process.
    database.exec('PRAGMA synchronous = OFF');
    // Recovers what a crash has left, and takes the -wal in.
    database.pragma('journal_mode = DELETE');
    assertSound(database, path);
    return layoutOf(database, source, path);
  } catch (cause) {
    if (cause instanceof ImportError) throw cause;
    throw damaged(path, cause);
  }
}

/** An empty file is a database without a table. https://sqlite.org/fileformat2.html#the_database_header */
function startsAsDatabase(path: string): boolean {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(16);
    return readSync(fd, bytes) === 0 || bytes.toString('latin1') === 'SQLite format 3\0';
  } finally {
    closeSync(fd);
  }
}

function damaged(path: string, cause: unknown): ImportError {
  return refusal(
    'DAMAGED',
    path,
    'is no SQLite database, is damaged or is half-written',
    'Keep it, put back a copy of it that can be read, and import again.',
    cause,
  );
}

/** What quick_check says of values, and of indexes, which are not read. https://sqlite.org/pragma.html#pragma_quick_check */
const OF_VALUES =
  /^(NULL value in|CHECK constraint failed|\S+ value in|wrong # of entries|row \d+ missing from|non-unique entry|ok$)/;

/** Rows that lie in a page that is damaged must not be missed silently. */
function assertSound(database: Connection, path: string): void {
  const found = database.prepare<{ quick_check: string }>('PRAGMA quick_check').all();
  if (found.some(({ quick_check: problem }) => !OF_VALUES.test(problem))) throw damaged(path, undefined);
}

function layoutOf(database: Connection, source: LegacySource, path: string): Layout {
  const present = tablesOf(database);
  const older = source === 'schedules.json' ? [] : OLDER_TABLES[source];
  const newer = source === 'relay/index.db' ? HYBRID_TABLES.filter(({ name }) => present.has(name)) : [];
  const tables = new Map<string, ReadonlySet<string>>();
  const known = new Set(DERIVED);
  const unknown: string[] = [];
  for (const { table, key, columns, laterColumns } of older) {
    const found = present.get(table);
    if (!found) continue;
    const lacking = columns.filter((column) => !found.columns.has(column));
    if (lacking.length > 0) throw foreign(path, `has a table ${table} without ${lacking.join(', ')}`);
    if (String(found.key) !== String(key)) throw foreign(path, `has a table ${table} whose primary key is another`);
    tables.set(table, found.columns);
    known.add(table);
    for (const column of found.columns) {
      if (!columns.includes(column) && !laterColumns.includes(column)) unknown.push(`${table}.${column}`);
    }
  }
  for (const { name } of newer) {
    tables.set(name, present.get(name)?.columns ?? new Set());
    known.add(name);
  }
  if (tables.size === 0) {
    throw present.size === 0
      ? refusal('HALF_WRITTEN', path, 'holds no table', 'Remove it if it was never used, or put back a copy of it.')
      : foreign(path, `has none of the tables ${older.map(({ table }) => table).join(', ')}`);
  }
  unknown.push(...[...present.keys()].filter((table) => !known.has(table)));
  return {
    source,
    version: Number(database.pragma('user_version', { simple: true })),
    tables,
    isHybrid: newer.length > 0,
    unknown,
  };
}

function foreign(path: string, problem: string): ImportError {
  return refusal(
    'FOREIGN',
    path,
    problem,
    'It is not a file of DorkOS: move it away, or give another folder with --from.',
  );
}

interface PresentTable {
  readonly columns: ReadonlySet<string>;
  /** The columns of the primary key, in its order. */
  readonly key: readonly string[];
}

function tablesOf(database: Connection): Map<string, PresentTable> {
  const columns = database.prepare<{ table: string; column: string; pk: number }>(
    `SELECT t.name AS "table", c.name AS "column", c.pk FROM sqlite_schema AS t, pragma_table_xinfo(t.name) AS c
     WHERE t.type = 'table' AND t.name NOT GLOB 'sqlite_*' ORDER BY t.name, c.cid`,
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
