import { closeSync, constants, fchownSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Adapter, DriverDatabase } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { FILE_MODE } from '../file/file.ts';
import { isTooLong } from '../file/path.ts';
import { checkOwner } from '../hints.ts';

const LOCK = '-lock';

function tooLong(path: string): BackupError {
  const message = `${path} is too long for SQLite. No copy was made, and nothing was changed.`;
  return new BackupError('PATH_TOO_LONG', message, { hint: 'Use a folder with a shorter path.' });
}

/** Returns a unique temporary name for a path. */
export function temporaryName(path: string): string {
  return `${path}.${process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex')}.partial`;
}

/**
 * The claim to a temporary name: SQLite's exclusive lock on an empty file next to it. The kernel releases the lock when
 * the process ends for any reason, and shows it to the processes of every container on the disk. A process id would do
 * neither: containers use the same ids, and ids are reused.
 */
export class Claim implements Disposable {
  /** The claimed path. */
  readonly path: string;
  #lock: DriverDatabase | undefined;

  private constructor(path: string, lock: DriverDatabase | undefined) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Claims a new path. The lock is held before a file exists at the path.
   *
   * @param choose Returns a path that was not tried before.
   * @throws BackupError if the lock file cannot be created in the folder.
   */
  static take(adapter: Adapter, choose: () => string): Claim {
    for (let attempt = 1; ; attempt++) {
      const path = choose();
      if (isTooLong(path + LOCK)) throw tooLong(path);
      const made = createLockFile(path + LOCK);
      try {
        const lock = lockOf(adapter, path + LOCK);
        // A process that swept leftovers may have removed the file before it was locked.
        if (lock && statSync(path + LOCK, { throwIfNoEntry: false })?.ino === made) return new Claim(path, lock);
        lock?.close();
      } catch (cause) {
        // Removed by such a process before it was opened.
        if (attempt < ATTEMPTS && !statSync(path + LOCK, { throwIfNoEntry: false })) continue;
        rmSync(path + LOCK, { force: true });
        throw new BackupError(
          'CANNOT_LOCK',
          `${path + LOCK} cannot be locked. No copy was made, and nothing was changed.`,
          {
            hint: 'Use a folder on a file system that supports locks.',
            cause,
          },
        );
      }
      if (attempt === ATTEMPTS) {
        throw new BackupError(
          'CANNOT_LOCK',
          `${path + LOCK} is taken by another process. No copy was made, and nothing was changed.`,
          {
            hint: 'Try again.',
            retryable: true,
          },
        );
      }
    }
  }

  /** Claims a path that was left by another process; undefined if that process is alive or this is unknown. */
  static takeOver(adapter: Adapter, path: string): Claim | undefined {
    // Its process removes the lock file last, so no lock can be held.
    if (!statSync(path + LOCK, { throwIfNoEntry: false })) return new Claim(path, undefined);
    try {
      const lock = lockOf(adapter, path + LOCK);
      return lock && new Claim(path, lock);
    } catch {
      return undefined;
    }
  }

  /** Releases the claim. The file at the path must have been removed before. */
  release(): void {
    rmSync(this.path + LOCK, { force: true });
    this[Symbol.dispose]();
  }

  /** Releases the lock but keeps its file, which shows that the process is gone. */
  [Symbol.dispose](): void {
    this.#lock?.close();
    this.#lock = undefined;
  }
}

const ATTEMPTS = 10;

function createLockFile(path: string): number {
  let isCreated = false;
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
    isCreated = true;
    try {
      // Lets the owner of the folder sweep the leftovers of a killed process of root.
      if (process.getuid?.() === 0) fchownSync(fd, ...ownerOfFolder(path));
      return fstatSync(fd).ino;
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (isCreated) rmSync(path, { force: true });
    throw new BackupError('CANNOT_CREATE', `${path} cannot be created. No copy was made, and nothing was changed.`, {
      hint: checkOwner('its folder, and the free space of the disk'),
      cause,
    });
  }
}

function ownerOfFolder(path: string): [uid: number, gid: number] {
  const { uid, gid } = statSync(dirname(path));
  return [uid, gid];
}

/** Locks an empty file; returns undefined if another connection has the lock. */
function lockOf(adapter: Adapter, path: string): DriverDatabase | undefined {
  const database = adapter.open(path, { readonly: false, isClosed: false });
  try {
    database.exec('PRAGMA busy_timeout = 0');
    // Nothing is written, but SQLite would create a -journal next to an empty file.
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}
