import { DorkDbError } from '../core/errors.ts';
import { quoted } from '../migrations/rows.ts';
import type { Thread, ThreadConnection } from './thread.ts';

/** Rows that could not be read, by table; of a table that could not be read at all, undefined. */
export type Unreadable = Record<string, number | undefined>;

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
export async function recoverByTables(thread: Thread, damaged: string, to: string): Promise<Unreadable> {
  const connection = await thread.open(to, { readonly: false });
  try {
    await connection.all('PRAGMA foreign_keys = OFF');
    await connection.all('ATTACH ? AS damaged', damaged);
    const objects = await connection.all<{ type: string; name: string; sql: string }>(
      "SELECT type, name, sql FROM damaged.sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'",
    );
    const unreadable: Unreadable = {};
    for (const { name, sql } of objects.filter(({ type }) => type === 'table')) {
      await connection.all(sql);
      const rows = await copyTable(connection, quoted(name));
      if (rows !== 0) unreadable[name] = rows;
    }
    for (const { sql } of objects.filter(({ type }) => type !== 'table')) await makeObject(connection, sql);
    return unreadable;
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

/** @returns How many rows could not be read; undefined where that is not known. */
async function copyTable(connection: ThreadConnection, table: string): Promise<number | undefined> {
  const copy = (condition = '') =>
    isRead(connection, `INSERT OR IGNORE INTO main.${table} SELECT * FROM damaged.${table} ${condition}`);
  if (await copy()) return 0;
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
  return first === undefined || last === undefined ? undefined : unread;
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

/** False where the statement met damage; it has then changed nothing. */
async function isRead(connection: ThreadConnection, sql: string): Promise<boolean> {
  try {
    await connection.all(sql);
    return true;
  } catch (error) {
    if (error instanceof DorkDbError && /^SQLITE_(CORRUPT|IOERR|NOTADB|ERROR)/.test(error.code)) return false;
    throw error;
  }
}
