import type { DatabaseSync } from 'node:sqlite';
import { builtinSqlite } from './builtin-sqlite.ts';

/**
 * A database that all threads of this process share. Threads share nothing but memory that was handed over; but a database in
 * memory with a name is one for all connections of the same SQLite library, and the runtime's own is in every thread.
 * The 1 is the version of these tables. https://sqlite.org/src/file/src/memdb.c
 */
const NAME = 'file:/@dorkos/db/process/1?vfs=memdb';

const TABLES = `
  CREATE TABLE IF NOT EXISTS uses (library TEXT, thread REAL, UNIQUE (library, thread));
  CREATE TABLE IF NOT EXISTS files (file TEXT)`;

/** Kept open: the database ends with its last connection. Undefined before the first use, null if there is none. */
let memory: DatabaseSync | null | undefined;

/** Returns the database that every thread of this process has, or null if the runtime has no SQLite of its own. */
export function processMemory(): DatabaseSync | null {
  if (memory === undefined) memory = open();
  return memory;
}

function open(): DatabaseSync | null {
  const sqlite = builtinSqlite();
  if (!sqlite) return null;
  try {
    const database = new sqlite.DatabaseSync(NAME);
    // Before Node 22.16 the driver has no option for it.
    database.exec(`PRAGMA busy_timeout = 5000; ${TABLES}`);
    return database;
  } catch {
    // A SQLite without databases in memory that have a name: each thread then knows itself alone.
    return null;
  }
}
