import { isWritable, readingOf } from '../connection/closed-file.ts';
import { Connection } from '../connection/connection.ts';
import { OpenFile } from '../connection/open-file.ts';
import { BUSY_TIMEOUT_MS, configure, STEP_MS } from '../connection/pragmas.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DatabaseOpenError, DorkDbError, InvalidInputError } from '../errors.ts';
import { checkOwner } from '../hints.ts';
import { codeOf, isError, isSystemError } from '../realm.ts';
import { monotonicMs, retryWhile } from '../sleep.ts';
import { createPrivateFile } from './create.ts';
import { closeAtExit } from './exit.ts';
import { inspectFile, realFileIfAny } from './file.ts';
import { foreignError, foreignOf, type Recognition } from './foreign.ts';
import { statOrUndefined } from './fs.ts';
import { MEMORY } from './path.ts';

/** Options for opening a file. */
export interface OpenOptions extends Recognition {
  /** True for a read-only connection; the file must exist. Default false. */
  readonly readonly?: boolean;
  /** True if no file may be created. Default: true for a read-only connection. */
  readonly mustExist?: boolean;
  /** How long a write waits for another connection's write, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** A file with this application_id in its header is accepted without further checks. 0: every file is checked. */
  readonly applicationId: number;
  /** Called with the real file before a file is created or opened for writing. Throws to refuse that. */
  readonly beforeWriting?: (filename: string) => void;
}

/**
 * Opens a file after checking its path: creates it with mode 0600 if it does not exist, and sets the pragmas.
 *
 * @throws DatabaseOpenError, DatabaseBusyError, UnsupportedRuntimeError
 */
export function openConnection(adapter: Adapter, path: string, options: OpenOptions): Connection {
  try {
    return open(adapter, path, options);
  } catch (error) {
    throw isSystemError(error) ? openingError(error, path) : error;
  }
}

function open(adapter: Adapter, path: string, options: OpenOptions): Connection {
  const { readonly = false, busyTimeoutMs = BUSY_TIMEOUT_MS, host } = options;
  if (path === MEMORY) {
    if (readonly)
      throw new InvalidInputError('options.readonly', 'cannot be true for a database in memory, which would be empty');
    const memory = new Connection(adapter, MEMORY, { host });
    configure(memory, busyTimeoutMs);
    return memory;
  }
  adapter.load();
  const filename = realFileIfAny(path);
  if (!readonly) options.beforeWriting?.(filename);
  const file = inspectFile(path, filename);
  if (file.isNew) {
    if (options.mustExist ?? readonly) {
      throw new DatabaseOpenError('FILE_MISSING', `${path} does not exist or is empty. No file was created.`, {
        hint: 'Open it for writing first, or pass another path.',
      });
    }
    createPrivateFile(path);
  } else if (!readonly) refuseUnwritable(path);
  const present = file.present ?? statOrUndefined(filename);
  const deadline = monotonicMs() + busyTimeoutMs;
  const isReplaced = () => statOrUndefined(filename)?.ino !== present?.ino;
  const again = () =>
    open(adapter, path, { ...options, busyTimeoutMs: Math.max(1, Math.round(deadline - monotonicMs())) });
  let connection: Connection;
  try {
    connection = new Connection(adapter, filename, { ...(readonly && readingOf(filename)), present, host });
  } catch (error) {
    if (isReplaced() && monotonicMs() < deadline) return again();
    throw error;
  }
  if (file.hasWal) foundWithWal.add(connection);
  try {
    if (options.applicationId === 0 || file.applicationId !== options.applicationId) {
      connection.exec(`PRAGMA busy_timeout = ${Math.min(busyTimeoutMs, STEP_MS)}`);
      refuseForeign(connection, busyTimeoutMs, options, isReplaced);
    }
    configure(connection, busyTimeoutMs, isReplaced);
  } catch (error) {
    if (isReplaced() && monotonicMs() < deadline) {
      // A compaction or a restore has replaced the file, and waits until this one is closed.
      connection.close();
      return again();
    }
    closeRefused(connection);
    throw openingError(error, path);
  }
  try {
    const opened = statOrUndefined(filename);
    if (!opened || opened.ino !== present?.ino) {
      // From here on the file cannot be replaced, because this connection has its lock.
      connection.close();
      return again();
    }
    connection.openFile = new OpenFile(filename, opened);
  } catch (error) {
    connection.close();
    throw error;
  }
  closeAtExit(connection);
  return connection;
}

/**
 * Refuses a file that is not writable. SQLite would open it read-only, and create a -wal and a -shm with its mode that
 * no one could write to afterwards.
 */
function refuseUnwritable(path: string): void {
  if (!isWritable(path)) {
    throw new DatabaseOpenError(
      'SQLITE_READONLY',
      `${path} is not writable for this user. Nothing was created or changed.`,
      { hint: checkOwner('the file and its disk, or open it with readonly: true') },
    );
  }
}

/**
 * Runs the checks that decide whether an opened file is accepted. If they throw, the connection is closed, and the file
 * and its -wal are unchanged.
 *
 * @throws DatabaseOpenError if the file is damaged, otherwise the original error.
 */
export function orRefuse<T>(connection: Connection, decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    closeRefused(connection);
    throw asRefusal(error, connection.filename);
  }
}

/** Converts an error of the first read, i.e. damage or a failing disk, to a DatabaseOpenError. */
export function asRefusal(error: unknown, path: string): unknown {
  return isDamage(error) || isSystemError(error) ? openingError(error, path) : error;
}

const foundWithWal = new WeakSet<Connection>();

/**
 * Closes a connection to a refused file. When the last writable connection closes, SQLite moves the -wal into the file
 * and deletes it, even if the -wal belongs to another file.
 */
function closeRefused(connection: Connection): void {
  connection.keepsWal = foundWithWal.has(connection) && !connection.readonly;
  try {
    connection.close();
  } catch {
    // The refusal is the error to report.
  }
}

/**
 * When a connection that was used after this call is closed, gathers statistics for the planner and moves the -wal into
 * the file. The last connection does the latter anyway, and committed data does not depend on it, so errors are
 * ignored, and another connection's write is waited for only for a moment. https://sqlite.org/pragma.html#pragma_optimize
 */
export function optimizeAtClose(connection: Connection): void {
  if (connection.readonly || connection.filename === MEMORY) return;
  let isUsed = false;
  connection.onPrepare(() => {
    isUsed = true;
  });
  connection.onClose(() => {
    if (!isUsed || connection.inTransaction) return;
    try {
      connection.exec(`PRAGMA busy_timeout = ${STEP_MS}; PRAGMA optimize; PRAGMA wal_checkpoint(PASSIVE)`);
    } catch {
      // Another process is writing, or the disk is full. The next opening finds everything in the -wal.
    }
  });
}

/**
 * Refuses a database of another program. It is only read: nothing is written before this check.
 *
 * @throws DatabaseOpenError
 */
export function refuseForeign(
  connection: Connection,
  busyTimeoutMs: number,
  recognition: Recognition,
  isReplaced = () => false,
): void {
  const mayPass = (error: unknown) => isBusy(error) && !isReplaced();
  const found = retryWhile(mayPass, busyTimeoutMs, () => foreignOf(connection, recognition));
  if (found) throw foreignError(connection.filename, found);
}

/**
 * Returns true for SQLite's errors about a damaged file. The statements of an opening are valid, so SQLITE_ERROR also
 * means that the file is not as expected: `unsupported file format`, a missing column.
 */
function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(codeOf(error) ?? '');
}

/** Converts SQLite's errors while opening a file to a DatabaseOpenError. */
function openingError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (!isError(error) || code === undefined) return error;
  if (isSystemError(error)) {
    return new DatabaseOpenError(
      code,
      `${path} could not be opened. Nothing was repaired or deleted. ${error.message}`,
      {
        hint: checkOwner('the file and its folder, and the disk', 'open it again'),
        cause: error,
      },
    );
  }
  const isDamaged = isDamage(error);
  if (
    !isDamaged &&
    !code.startsWith('SQLITE_CANTOPEN') &&
    !code.startsWith('SQLITE_READONLY') &&
    !code.startsWith('SQLITE_IOERR')
  )
    return error;
  const own = code === 'SQLITE_READONLY_ROLLBACK' && error instanceof DorkDbError ? error.hint : undefined;
  const what = isDamaged ? 'is damaged' : 'could not be opened with its -wal and -shm';
  return new DatabaseOpenError(code, `${path} ${what}. Nothing was repaired or deleted. ${error.message}`, {
    hint:
      own ??
      (isDamaged
        ? 'Keep the file and the files next to it unchanged, and restore the newest backup.'
        : checkOwner('the file, its -wal, its -shm and its folder, and the free space')),
    cause: 'cause' in error ? error.cause : error,
  });
}
