import { readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { Connection } from '../connection/connection.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DatabaseBusyError, DorkDbError } from '../errors.ts';
import type { Host } from '../host.ts';
import { sleepSync } from '../sleep.ts';
import { flushIfThere, fsyncPath } from './flush.ts';
import { hasCode } from './fs.ts';

/** The identity of a file. Two paths with equal identities are the same file. */
export interface FileIdentity {
  readonly dev: bigint;
  readonly ino: bigint;
}

/** Returns the identity of the file at a path, or undefined if it does not exist. */
export function identityOf(path: string): FileIdentity | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return { dev, ino };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Returns true for the same file, or for two missing ones. */
export function isSameIdentity(a: FileIdentity | undefined, b: FileIdentity | undefined): boolean {
  return a?.dev === b?.dev && a?.ino === b?.ino;
}

/**
 * Opens a database file and locks it for this connection only, until it is closed. In exclusive locking mode SQLite
 * locks the database file itself at the first read, and keeps its -wal index in memory.
 * https://sqlite.org/wal.html#noshm
 *
 * @throws DatabaseBusyError if another connection has the file open. Its code is `REPLACED` if the file was replaced
 * while this call waited for the lock.
 */
export function openAlone(adapter: Adapter, filename: string, busyTimeoutMs: number, host?: Host): Connection {
  const before = identityOf(filename);
  const connection = new Connection(adapter, filename, { host });
  try {
    connection.exec(
      `PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA trusted_schema = OFF; PRAGMA main.locking_mode = EXCLUSIVE`,
    );
    connection.exec('BEGIN EXCLUSIVE');
    connection.exec('COMMIT');
    if (isSameIdentity(before, identityOf(filename))) return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
  // The locked file is no longer at the path. Closing it now would remove the -wal of the new file.
  leaveWal(connection);
  connection.close();
  throw new DatabaseBusyError(
    'REPLACED',
    `${filename} was replaced while this call waited for it. Nothing was changed.`,
    {
      hint: 'Another compaction or restore ran at the same time. Try again if it is still needed.',
      retryable: true,
    },
  );
}

/**
 * Moves everything into the database file itself and switches it out of WAL mode. The lock is kept. With the journal in
 * memory, closing the connection later removes no file by name, which might belong to another database by then.
 */
function leaveWal(connection: Connection): void {
  const { filename } = connection;
  const [state] = connection.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
  if (state?.busy) {
    throw new DorkDbError('WAL_LEFT', `The -wal of ${filename} is in use. Nothing was changed.`, {
      hint: 'Close every connection to the file, then try again.',
      retryable: true,
    });
  }
  // After a power failure some file systems (Btrfs) restore the old length of a file, even if it was unlinked since.
  flushIfThere(`${filename}-wal`);
  connection.pragma('journal_mode = MEMORY');
  // A killed process leaves its -shm. With an exclusive lock on the file, no other process can have it open.
  rmSync(`${filename}-shm`, { force: true });
  fsyncPath(filename.startsWith('/') ? dirname(filename) : '.');
}

/** How long to wait for other processes to close the old file. Ours do within some 100 ms. */
const LEAVE_MS = 5000;

/**
 * Runs `swap`, which replaces the database by the staged file. Both files are locked from before the swap until no
 * other process has the old one open. Processes that open the path meanwhile wait, and none can write to the old file.
 *
 * @param old The connection of {@link openAlone}.
 * @param swap Throws if the path still names the old file.
 */
export function exchange(adapter: Adapter, old: Connection, staged: string, swap: () => void): void {
  leaveWal(old);
  using next = new Connection(adapter, staged);
  next.exec('PRAGMA busy_timeout = 0; PRAGMA main.locking_mode = EXCLUSIVE');
  next.exec('BEGIN EXCLUSIVE');
  const replaced = identityOf(old.filename);
  swap();
  if (replaced) waitUntilClosed(replaced, basename(old.filename));
}

/** Waits until no other process has the file open if the system reports it (Linux does), otherwise for a moment. */
function waitUntilClosed(file: FileIdentity, name: string): void {
  const deadline = performance.now() + LEAVE_MS;
  while (performance.now() < deadline) {
    const isOpen = isOpenElsewhere(file, name);
    if (isOpen === false) return;
    sleepSync(isOpen === undefined ? 250 : 10);
    if (isOpen === undefined) return;
  }
}

function isOpenElsewhere(file: FileIdentity, name: string): boolean | undefined {
  let pids: string[];
  try {
    pids = readdirSync('/proc').filter((each) => /^\d+$/.test(each) && Number(each) !== process.pid);
  } catch {
    return undefined;
  }
  return pids.some((pid) => {
    try {
      const folder = `/proc/${pid}/fd`;
      return readdirSync(folder).some((fd) => {
        const link = `${folder}/${fd}`;
        return readlinkSync(link).includes(name) && isSameIdentity(identityOf(link), file);
      });
    } catch {
      // The process ended, or belongs to another user.
      return false;
    }
  });
}
