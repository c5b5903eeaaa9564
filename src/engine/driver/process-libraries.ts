import type { DatabaseSync } from 'node:sqlite';
import { threadId } from 'node:worker_threads';
import { UnsupportedRuntimeError } from '../errors.ts';
import { builtinSqlite } from './builtin-sqlite.ts';

/** A SQLite library by its name, version and file. */
export interface LibraryPlace {
  readonly name: string;
  readonly version: string;
  /** The file that it was loaded from; the name itself for Node's own. */
  readonly path: string;
}

/**
 * The libraries that the threads of this process use. Threads share nothing but memory that was handed over; but a
 * database in memory with a name is one for all connections of the same SQLite library, and Node's own is in every Node.
 * The 1 is the version of this table. https://sqlite.org/src/file/src/memdb.c
 */
const NAME = 'file:/@dorkos/db/libraries/1?vfs=memdb';

/** Kept open: the database ends with its last connection. Undefined before the first use, null if there is none. */
let shared: DatabaseSync | null | undefined;

function libraries(): DatabaseSync | null {
  shared ??= open();
  return shared;
}

function open(): DatabaseSync | null {
  const sqlite = builtinSqlite();
  if (!sqlite) return null;
  const database = new sqlite.DatabaseSync(NAME, { timeout: 5000 });
  database.exec('CREATE TABLE IF NOT EXISTS uses (library TEXT, thread INTEGER, UNIQUE (library, thread))');
  return database;
}

/** Returns the library that this process used first, in any thread. */
export function firstLibrary(): LibraryPlace | undefined {
  const row = libraries()?.prepare('SELECT library FROM uses ORDER BY rowid LIMIT 1').get();
  return row && JSON.parse(String(row.library));
}

/**
 * Records that this thread uses a library.
 *
 * @throws UnsupportedRuntimeError `TWO_LIBRARIES` if another thread uses another one: nobody can see whether it has the
 * same files open.
 */
export function useLibrary({ name, version, path }: LibraryPlace): void {
  const database = libraries();
  if (!database) return;
  const library = JSON.stringify({ name, version, path });
  // One statement, so that two threads cannot both be the first.
  const { changes } = database
    .prepare(
      `INSERT INTO uses SELECT :library, :thread
       WHERE NOT EXISTS (SELECT * FROM uses WHERE library <> :library AND thread <> :thread)
       ON CONFLICT DO UPDATE SET thread = thread`,
    )
    .run({ library, thread: threadId });
  if (Number(changes) > 0) return;
  throw new UnsupportedRuntimeError(
    'TWO_LIBRARIES',
    `Another thread of this process uses another SQLite library than ${name} ${version}, and two of them would delete each other's commits. Nothing was opened.`,
    { hint: 'Let every part of this process use one copy and version of the driver, or use another process.' },
  );
}
