import { foreignAt } from '../backup/look.ts';
import type { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import { type Kit, openingOf } from '../definition.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DatabaseBusyError } from '../errors.ts';
import { describeHolder, lockHolders } from '../file/file-locks.ts';
import { type Foreign, foreignError, foreignOf } from '../file/foreign.ts';
import { openAlone } from '../file/replace.ts';
import { bytesOf } from '../file/wal.ts';
import type { Host } from '../host.ts';

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
  const kit = { adapter, definition };
  // Before it is opened alone, which would move the -wal of another program's file into it.
  if (bytesOf(`${filename}-wal`) > 0) refuse(filename, foreignAt(kit, filename));
  using connection = alone(adapter, filename, busyTimeoutMs, definition);
  refuse(filename, foreignOf(connection, openingOf(definition)));
  return fn(connection);
}

function refuse(filename: string, foreign: Foreign | undefined): void {
  if (foreign) throw foreignError(filename, foreign);
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
    hint: 'Close it in every process that has it open, then try again.',
    retryable: true,
    cause,
  });
}
