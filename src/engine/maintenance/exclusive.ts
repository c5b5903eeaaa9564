import type { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Kit } from '../definition.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DatabaseBusyError, DatabaseOpenError } from '../errors.ts';
import { describeHolder, lockHolders } from '../file/file-locks.ts';
import { openAlone } from '../file/replace.ts';
import type { Host } from '../host.ts';
import { isOurs } from '../migrations/bring-up.ts';

/**
 * Runs a function with a connection that has exclusive access to the file.
 *
 * @throws DatabaseBusyError `HELD` if another connection has the file open, `REPLACED` if the file was replaced
 * meanwhile.
 */
export function withoutOthers<T>(
  { adapter, definition }: Kit,
  filename: string,
  busyTimeoutMs: number,
  fn: (connection: Connection) => T,
): T {
  using connection = alone(adapter, filename, busyTimeoutMs, definition);
  if (!isOurs(connection, definition.history)) {
    const known = definition.foreign?.(connection);
    if (known) {
      throw new DatabaseOpenError(known.code, `${filename} ${known.what}. It was not changed.`, { hint: known.hint });
    }
    throw new DatabaseOpenError('NOT_OURS', `${filename} is a database of another program. It was not changed.`, {
      hint: 'Pass the path of a database of this program.',
    });
  }
  return fn(connection);
}

function alone(adapter: Adapter, filename: string, busyTimeoutMs: number, host: Host): Connection {
  try {
    return openAlone(adapter, filename, busyTimeoutMs, host);
  } catch (error) {
    const isHeld = isBusy(error) && (error as DatabaseBusyError).code !== 'REPLACED';
    throw isHeld ? held(filename, error) : error;
  }
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
