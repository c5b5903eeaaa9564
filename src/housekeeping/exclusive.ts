import type { Adapter } from '../core/adapter.ts';
import { Connection } from '../core/connection.ts';
import { DatabaseBusyError, DatabaseOpenError } from '../core/errors.ts';
import { describeHolder, lockHolders } from '../core/file-locks.ts';
import { APPLICATION_ID } from '../core/pragmas.ts';
import { isBusy } from '../core/sqlite-error.ts';

/**
 * Runs a function with a connection that has the file alone. In exclusive mode SQLite locks the database file itself at
 * the first read and keeps it locked, and has its -wal index in memory. https://sqlite.org/wal.html#noshm
 */
export function withoutOthers<T>(
  adapter: Adapter,
  filename: string,
  busyTimeoutMs: number,
  fn: (connection: Connection) => T,
): T {
  using connection = new Connection(adapter, filename);
  connection.exec(
    `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA trusted_schema = OFF; PRAGMA main.locking_mode = EXCLUSIVE`,
  );
  try {
    connection.exec('BEGIN EXCLUSIVE; COMMIT');
  } catch (error) {
    // Closed first: it would be one of the holders itself.
    connection.close();
    throw isBusy(error) ? held(filename, error) : error;
  }
  if (connection.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
    throw new DatabaseOpenError('NOT_OURS', `${filename} is a database of another program. It was not changed.`, {
      hint: 'Give the path of a dork.db.',
    });
  }
  return fn(connection);
}

function held(filename: string, cause: unknown): DatabaseBusyError {
  const holders = lockHolders(filename)?.map((holder) => (holder.isSelf ? 'this process' : describeHolder(holder)));
  const who = holders && holders.length > 0 ? `: ${holders.join(', ')}` : '';
  return new DatabaseBusyError('HELD', `${filename} is open elsewhere${who}. Nothing was changed.`, {
    hint: 'Stop the processes that have it open (or close the Db in this one), then call again.',
    retryable: true,
    cause,
  });
}
