import type { DriverDatabase } from '../driver/adapter.ts';

/** How long the reader waits for a lock; the drivers would wait for 5 seconds, in addition to the caller's wait. */
const LOCK_MS = 50;

/** Referenced here, because the garbage collector would close them. */
const unclosed: object[] = [];

/**
 * Closes a database such that the -wal at its path stays as it is. The last connection that can write moves the -wal that
 * it has open into the file, and deletes the one at the path, which may be another by now: the file is then damaged. While a
 * read-only connection is open it is not the last one, and a read-only one does neither.
 * https://sqlite.org/wal.html#avoiding_excessively_large_wal_files
 *
 * @param open Opens the file read-only.
 * @returns False if there is no such connection. The database then stays open until the process ends.
 */
export function closeWithReader(database: DriverDatabase, open: () => DriverDatabase): boolean {
  const reader = readerOf(open);
  if (!reader) {
    unclosed.push(database);
    return false;
  }
  try {
    database.close();
  } finally {
    reader.close();
  }
  return true;
}

/** Returns a read-only connection that has its lock, which is taken at the first read; undefined if it cannot be opened. */
function readerOf(open: () => DriverDatabase): DriverDatabase | undefined {
  let reader: DriverDatabase | undefined;
  try {
    reader = open();
    reader.exec(`PRAGMA busy_timeout = ${LOCK_MS}`);
    reader.prepare('PRAGMA schema_version', undefined).all([]);
  } catch {
    // A damaged file also fails here, but after the lock is taken.
  }
  return reader;
}
