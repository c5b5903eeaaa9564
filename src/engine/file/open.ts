import { accessSync, constants } from 'node:fs';
import { readingOf } from '../connection/closed-file.ts';
import { Connection } from '../connection/connection.ts';
import { OpenFile } from '../connection/open-file.ts';
import { BUSY_TIMEOUT_MS, configure, STEP_MS } from '../connection/pragmas.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Adapter } from '../driver/adapter.ts';
import { registerOpen } from '../driver/register.ts';
import { DatabaseOpenError, DorkDbError, InvalidInputError } from '../errors.ts';
import { codeOf, isError, isSystemError } from '../realm.ts';
import { retryWhile } from '../sleep.ts';
import { createPrivateFile } from './create.ts';
import { closeAtExit } from './exit.ts';
import { inspectFile, realFile } from './file.ts';
import { foreignOf, type Recognition } from './foreign.ts';
import { statOrUndefined } from './fs.ts';
import { MEMORY } from './path.ts';
import { bytesOf } from './wal.ts';

/** How a file is opened. */
export interface OpenOptions extends Recognition {
  /** True for a connection that cannot write; the file must be there. Default false. */
  readonly readonly?: boolean;
  /** True if nothing may be created. Default: true of a read-only connection. */
  readonly mustExist?: boolean;
  /** How long a write waits for another connection's, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** A file whose header has this application_id is opened without asking whose it is. 0: every file is asked. */
  readonly applicationId: number;
}

/**
 * Opens a checked path: looks before it touches, creates the file with mode 0600 where there is none, and sets the
 * pragmas.
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
      throw new InvalidInputError('options.readonly', 'is true for a database in memory, which would be empty');
    const memory = new Connection(adapter, MEMORY, { host });
    configure(memory, busyTimeoutMs);
    return memory;
  }
  adapter.load();
  const file = inspectFile(path);
  if (file.isNew) {
    if (options.mustExist ?? readonly) {
      throw new DatabaseOpenError(
        'FILE_MISSING',
        `${path} does not exist or is empty, and this opening creates nothing.`,
        {
          hint: 'Open it for writing first, or give another path.',
        },
      );
    }
    createPrivateFile(path);
  } else if (!readonly) refuseUnwritable(path);
  const filename = realFile(path);
  const present = statOrUndefined(filename);
  const deadline = performance.now() + busyTimeoutMs;
  const isReplaced = () => statOrUndefined(filename)?.ino !== present?.ino;
  const hasWal = file.hasWal || (filename !== path && bytesOf(`${filename}-wal`) > 0);
  const again = () =>
    open(adapter, path, { ...options, busyTimeoutMs: Math.max(1, Math.round(deadline - performance.now())) });
  let connection: Connection;
  try {
    connection = new Connection(adapter, filename, { ...(readonly && readingOf(filename)), host });
  } catch (error) {
    if (isReplaced() && performance.now() < deadline) return again();
    throw error;
  }
  if (hasWal) foundWithWal.add(connection);
  try {
    if (options.applicationId === 0 || file.applicationId !== options.applicationId) {
      connection.exec(`PRAGMA busy_timeout = ${Math.min(busyTimeoutMs, STEP_MS)}`);
      refuseForeign(connection, busyTimeoutMs, options, isReplaced);
    }
    configure(connection, busyTimeoutMs, isReplaced);
  } catch (error) {
    if (isReplaced() && performance.now() < deadline) {
      // A compaction or a restore put another file in its place, and waits until this one is let go of.
      connection.close();
      return again();
    }
    closeRefused(connection);
    throw openingError(error, path);
  }
  try {
    const opened = statOrUndefined(filename);
    if (!opened || opened.ino !== present?.ino) {
      // From here on none can: this connection has its lock.
      connection.close();
      return again();
    }
    connection.openFile = new OpenFile(filename, opened);
    connection.onClose(registerOpen(opened, adapter.library()));
  } catch (error) {
    connection.close();
    throw error;
  }
  closeAtExit(connection);
  return connection;
}

/** True if this user may write a file. */
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** SQLite would open it read-only, and create a -wal and a -shm with its mode that nobody can write afterwards. */
function refuseUnwritable(path: string): void {
  if (!isWritable(path)) {
    throw new DatabaseOpenError(
      'SQLITE_READONLY',
      `${path} cannot be written by this user. Nothing was created or changed.`,
      { hint: 'Look at the owner and the mode of the file and its disk, or open it with readonly: true.' },
    );
  }
}

/**
 * Runs what decides whether an opened file is taken. Where it throws, the connection is closed, and the file and its
 * -wal stay as they are.
 *
 * @throws DatabaseOpenError where the file is damaged, and else what was thrown.
 */
export function orRefuse<T>(connection: Connection, decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    closeRefused(connection);
    throw asRefusal(error, connection.filename);
  }
}

/** What was thrown while a file was read for the first time: damage, or a failing disk, as the error that refuses it. */
export function asRefusal(error: unknown, path: string): unknown {
  return isDamage(error) || isSystemError(error) ? openingError(error, path) : error;
}

const foundWithWal = new WeakSet<Connection>();

/**
 * Closes a connection to a file that is refused. Where it is the last one that can write, SQLite moves the -wal into the
 * file and deletes it, also a -wal that does not belong to the file; but it does not while a read-only connection is
 * there, nor for that one.
 */
function closeRefused(connection: Connection): void {
  const reader = foundWithWal.has(connection) && !connection.readonly ? readerOf(connection) : undefined;
  for (const one of [connection, reader]) {
    try {
      one?.close();
    } catch {
      // The refusal is the error to report.
    }
  }
}

/** A connection that has taken its lock, as each does with the first thing that it reads. */
function readerOf(connection: Connection): Connection | undefined {
  let reader: Connection | undefined;
  try {
    reader = connection.sibling(connection.filename, { readonly: true });
    // better-sqlite3 waits 5 seconds otherwise, after the caller's own wait.
    reader.exec(`PRAGMA busy_timeout = ${STEP_MS}`);
    reader.pragma('schema_version');
  } catch {
    // A damaged file says so here too; the lock is taken before.
  }
  return reader;
}

/**
 * Before closing a connection that was used from here on: gathers statistics of what it asked, for the planner, and
 * moves what is in the -wal into the file. The last connection does the latter anyway, and nothing that was committed
 * needs it, so no failure of it counts. https://sqlite.org/pragma.html#pragma_optimize
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
      connection.exec('PRAGMA optimize; PRAGMA wal_checkpoint(PASSIVE)');
    } catch {
      // Another process writes, or the disk is full: the next opening finds everything in the -wal.
    }
  });
}

/**
 * A database of another program is left as it is: it is read, and nothing is written before this has passed.
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
  if (!found) return;
  const { code, what, hint } = found;
  throw new DatabaseOpenError(code, `${connection.filename} ${what}. It was not changed.`, { hint });
}

/**
 * True for what SQLite says of a damaged file. The statements of an opening are right, so that SQLITE_ERROR also means
 * that the file is not as they expect it: `unsupported file format`, a column that is not there.
 */
function isDamage(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB|ERROR)/.test(codeOf(error) ?? '');
}

/** What SQLite finds in a file while it is opened, as the error that refuses the file. */
function openingError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (!isError(error) || code === undefined) return error;
  if (isSystemError(error)) {
    return new DatabaseOpenError(
      code,
      `${path} could not be opened. Nothing was repaired or deleted. ${error.message}`,
      {
        hint: 'Check the disk, and the owner and permissions of the file and its folder, then open it again.',
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
        ? 'Keep the file and the files next to it as they are, and restore the newest backup.'
        : 'Check the owner, the permissions and the free space of the file, its -wal, its -shm and its folder.'),
    cause: 'cause' in error ? error.cause : error,
  });
}
