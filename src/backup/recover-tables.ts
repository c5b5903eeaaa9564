import { DorkDbError } from '../core/errors.ts';
import { quoted } from '../migrations/rows.ts';
import type { Thread, ThreadConnection } from './thread.ts';

/** What was not copied, by table, where there is anything. */
export interface NotCopied {
  /** Rows that could not be read; of a table that could not be read at all, undefined. */
  readonly unreadable: Readonly<Record<string, number | undefined>>;
  /** Rows that were read and that no file can have beside the others: a key that is there already, or none. */
  readonly refused: Readonly<Record<string, number>>;
}

/** A range that cannot be read is halved at most so often in a table; what then remains counts as unreadable. */
const ATTEMPTS = 20_000;

/** Where the way to the last row is damaged, rows are looked for up to here. */
const MOST_ROWS = 2 ** 40;

/**
 * Copies a damaged database into an empty file, table by table, and around the rows that cannot be read. Indexes,
 * triggers and views are made when all rows are there, so that no trigger counts a row twice.
 *
 * @param damaged A copy of the damaged set, since opening it may change it.
 * @throws DorkDbError where its schema cannot be read.
 */
export async function recoverByTables(thread: Thread, damaged: string, to: string): Promise<NotCopied> {
  const connection = await thread.open(to, { readonly: false });
  try {
    // A value that a CHECK forbids is kept: whoever looks at the file is told of it, and it is all that is left of it.
    for (const pragma of ['foreign_keys = OFF', 'trusted_schema = OFF', 'ignore_check_constraints = ON'])
      await connection.all(`PRAGMA ${pragma}`);
    await connection.all('ATTACH ? AS damaged', damaged);
    const objects = await connection.all<{ type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM damaged.sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'",
    );
    const unreadable: Record<string, number | undefined> = {};
    const refused: Record<string, number> = {};
    for (const { name, sql } of objects.filter(({ type }) => type === 'table')) {
      await connection.all(sql);
      const result = await copyTable(connection, quoted(name));
      if (result.unreadable !== 0) unreadable[name] = result.unreadable;
      if (result.refused > 0) refused[name] = result.refused;
    }
    for (const { sql } of objects.filter(({ type }) => type !== 'table')) await makeObject(connection, sql);
    return { unreadable, refused };
  } finally {
    await connection.close();
  }
}

/** An object that the recovered rows do not allow, as a unique index, is left out; the schema's drift tells of it. */
async function makeObject(connection: ThreadConnection, sql: string): Promise<void> {
  try {
    await connection.all(sql);
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
  }
}

/** @returns How many rows could not be read, undefined where that is not known; and how many were read and refused. */
async function copyTable(
  connection: ThreadConnection,
  table: string,
): Promise<{ unreadable: number | undefined; refused: number }> {
  let refused = 0;
  // Without a condition SQLite would copy pages as they are, with rows that break a rule and indexes that are wrong.
  const copy = async (condition = 'WHERE true') => {
    // By the table itself, whose indexes may tell something else.
    const from = `damaged.${table} NOT INDEXED ${condition}`;
    if (!(await isRead(connection, `INSERT OR IGNORE INTO main.${table} SELECT * FROM ${from}`))) return false;
    const [row] = await connection.all<{ n: number }>(`SELECT count(*) - changes() AS n FROM ${from}`);
    refused += row?.n ?? 0;
    return true;
  };
  if (await copy()) return { unreadable: 0, refused };
  const first = await edge(connection, table, 'min');
  const last = await edge(connection, table, 'max');
  let attempts = 0;
  const copyRange = async (from: number, to: number): Promise<number> => {
    if (attempts++ >= ATTEMPTS) return to - from + 1;
    if (await copy(`WHERE rowid BETWEEN ${from} AND ${to}`)) return 0;
    if (from === to) return 1;
    const middle = from + Math.floor((to - from) / 2);
    return (await copyRange(from, middle)) + (await copyRange(middle + 1, to));
  };
  const unread = await copyRange(first ?? 1, last ?? (first ?? 1) + MOST_ROWS);
  return { unreadable: first === undefined || last === undefined ? undefined : unread, refused };
}

/** The first or the last rowid; undefined where the way to it is damaged, or the table has none. */
async function edge(connection: ThreadConnection, table: string, end: 'min' | 'max'): Promise<number | undefined> {
  try {
    const [row] = await connection.all<{ edge: number | null }>(`SELECT ${end}(rowid) AS edge FROM damaged.${table}`);
    return row?.edge ?? undefined;
  } catch (error) {
    if (error instanceof DorkDbError) return undefined;
    throw error;
  }
}

/** What damage of the file that is read gives; a failure to write the other one is none of it. */
const DAMAGE = /^SQLITE_(CORRUPT|NOTADB|ERROR|IOERR_(READ|SHORT_READ|CORRUPTFS|DATA))/;

/** False where the statement met damage; it has then changed nothing. */
async function isRead(connection: ThreadConnection, sql: string): Promise<boolean> {
  try {
    await connection.all(sql);
    return true;
  } catch (error) {
    if (error instanceof DorkDbError && DAMAGE.test(error.code)) return false;
    throw error;
  }
}
