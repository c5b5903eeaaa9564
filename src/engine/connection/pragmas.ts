import { retryWhile } from '../sleep.ts';
import type { Connection } from './connection.ts';
import { isBusy } from './sqlite-error.ts';

/** Default of `busyTimeoutMs`. */
export const BUSY_TIMEOUT_MS = 5000;

/**
 * The settings of every connection before its first read, in this order. Only the journal mode is kept in the file.
 * https://sqlite.org/pragma.html
 */
const EVERY_CONNECTION = [
  // Off by default in bun:sqlite: a row whose parent is missing would be stored.
  'foreign_keys = ON',
  // Full syncs cost a disk flush on each commit; in WAL mode NORMAL loses nothing to a crash of the process, and at a
  // loss of power only commits since the last checkpoint, never consistency.
  'synchronous = NORMAL',
  // 16 MB on both drivers (bun:sqlite has 2 MB, better-sqlite3 16 MB).
  'cache_size = -16000',
  // Sorting a page of results must not create files next to the database.
  'temp_store = MEMORY',
  // A -wal that a long reader let grow gives its space back at the next checkpoint.
  'journal_size_limit = 67108864',
  // 64 MB of -wal between checkpoints, as much as journal_size_limit keeps. With the default of 1000 pages one write in
  // 100 waits for a checkpoint, with 16384 one in some thousands, and the mean write is 50 to 67 % cheaper. A read that
  // misses the page cache costs up to 10 % more with a -wal of that size.
  'wal_autocheckpoint = 16384',
  // SQL that someone put into the file (views, CHECKs, triggers) may not call functions with side effects.
  'trusted_schema = OFF',
  // REPLACE then fires delete triggers, so that counters which triggers keep stay right.
  'recursive_triggers = ON',
  // Reading through a mapping shows other processes' half-written -wal faults as crashes.
  'mmap_size = 0',
];

const CONFIGURE = EVERY_CONNECTION.map((pragma) => `PRAGMA ${pragma};`).join('');

/** The number that SQLite returns for each word above. */
const NUMBER_OF: Record<string, number> = { ON: 1, OFF: 0, NORMAL: 1, MEMORY: 2 };

/** Returns the value of each pragma after {@link configure}. */
export function expectedPragmas(): Record<string, number> {
  return Object.fromEntries(
    EVERY_CONNECTION.map((pragma) => {
      const [name = '', value = ''] = pragma.split(' = ');
      return [name, NUMBER_OF[value] ?? Number(value)];
    }),
  );
}

/** How long an opening waits in SQLite before it checks again that the path still names the same file. */
export const STEP_MS = 50;

/**
 * Sets every pragma of a new connection.
 *
 * @param isReplaced Returns true if the path names another file by now, which ends the wait for this file's lock.
 * @throws DatabaseBusyError if another connection held the lock for the whole of `busyTimeoutMs`.
 */
export function configure(connection: Connection, busyTimeoutMs: number, isReplaced = () => false): void {
  // The timeout is first: with WAL first, 41 of 60 simultaneous first opens failed with SQLITE_BUSY. The steps are short,
  // so that a file that was replaced meanwhile is closed soon.
  const wait = `PRAGMA busy_timeout = ${Math.min(busyTimeoutMs, STEP_MS)};`;
  const mode = connection.readonly ? '' : 'PRAGMA journal_mode = WAL;';
  const all = `${wait}${mode}${CONFIGURE}PRAGMA busy_timeout = ${busyTimeoutMs}`;
  // SQLite does not call the busy handler while it switches a new file to WAL, so this waits itself.
  retryWhile(
    (error) => isBusy(error) && !isReplaced(),
    busyTimeoutMs,
    () => connection.exec(all),
  );
}
