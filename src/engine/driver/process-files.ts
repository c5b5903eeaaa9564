import type { StatementSync } from 'node:sqlite';
import { DatabaseBusyError } from '../errors.ts';
import { processMemory } from './process-memory.ts';
import { type FileKey, isOpenInThread, keyOf, registerLibrary } from './register.ts';

/**
 * Which files the connections of this process have open, in all of its threads. Closing any descriptor of a file drops the
 * locks that the process has on it, whichever thread took them: another process then takes itself for the only one, and
 * deletes a -wal that is in use. So a file is read without SQLite only if no thread has it open or is about to open it.
 * https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
 */
interface Statements {
  readonly add: StatementSync;
  readonly remove: StatementSync;
  readonly find: StatementSync;
  readonly begin: StatementSync;
  readonly commit: StatementSync;
}

let prepared: Statements | null | undefined;

function statements(): Statements | null {
  if (prepared !== undefined) return prepared;
  const database = processMemory();
  prepared = database && {
    add: database.prepare('INSERT INTO files VALUES (?)'),
    remove: database.prepare('DELETE FROM files WHERE rowid = ?'),
    find: database.prepare('SELECT 1 FROM files WHERE file = ? LIMIT 1'),
    begin: database.prepare('BEGIN IMMEDIATE'),
    commit: database.prepare('COMMIT'),
  };
  return prepared;
}

/**
 * Registers a file that a connection is about to open, until the returned function is called after closing it. Waits for
 * another thread that is reading a file without SQLite.
 *
 * @param sqlite The SQLite library of the connection.
 */
export function registerOpen(file: FileKey, sqlite: object | string): () => void {
  const shared = statements();
  const id = shared && adding(shared.add, keyOf(file));
  const forget = registerLibrary(file, sqlite);
  return () => {
    forget();
    if (id !== null) shared?.remove.run(id);
  };
}

function adding(add: StatementSync, key: string): number {
  try {
    return Number(add.run(key).lastInsertRowid);
  } catch (error) {
    throw stuck(error);
  }
}

/** Returns whether a connection of this process has the file open, in any thread. */
export function isOpenHere(file: FileKey): boolean {
  return isOpenInThread(file) || statements()?.find.get(keyOf(file)) !== undefined;
}

/**
 * Runs a function that opens a file without SQLite and closes it. Meanwhile no thread of this process opens any, so it must
 * be quick. A function that runs inside of it must not call this again.
 */
export function withoutSqlite<T>(act: () => T): T {
  const shared = statements();
  if (!shared) return act();
  try {
    shared.begin.run();
  } catch (error) {
    throw stuck(error);
  }
  try {
    return act();
  } finally {
    shared.commit.run();
  }
}

/** As {@link withoutSqlite}, for a file that exists; undefined if a connection of this process has it open. */
export function unlessOpen<T>(file: FileKey, act: () => T): T | undefined {
  return withoutSqlite(() => (isOpenHere(file) ? undefined : act()));
}

function stuck(cause: unknown): DatabaseBusyError {
  return new DatabaseBusyError(
    'SQLITE_BUSY',
    'Another thread of this process is stuck reading a file. Nothing was opened.',
    {
      hint: 'Check the disk of that file, then try again.',
      retryable: true,
      cause,
    },
  );
}
