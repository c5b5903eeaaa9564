import { closeSync, constants, fchownSync, fstatSync, openSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Adapter, DriverDatabase } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { FILE_MODE } from '../file/file.ts';
import { isTooLong } from '../file/path.ts';

const LOCK = '-lock';

function tooLong(path: string): BackupError {
  const message = `${path} is too long for SQLite. No copy was made, and nothing was changed.`;
  return new BackupError('PATH_TOO_LONG', message, { hint: 'Give a folder with a shorter path.' });
}

/** The temporary name of a path: one that no other maker has chosen. */
export function temporaryName(path: string): string {
  return `${path}.${process.getBuiltinModule('node:crypto').randomBytes(4).toString('hex')}.partial`;
}

/**
 * The right to a temporary name: SQLite's exclusive lock on an empty file beside it. The kernel releases it when the
 * process ends, however it ends, and shows it to the processes of every container on that disk. The number of a process
 * would show neither: containers use the same numbers, and a number is given again.
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
   * Claims a new path; the lock is held before anything can be at the path.
   *
   * @param choose Returns a path that was not tried before.
   * @throws BackupError if the file of the lock cannot be created in that folder.
   */
  static take(adapter: Adapter, choose: () => string): Claim {
    for (let attempt = 1; ; attempt++) {
      const path = choose();
      if (isTooLong(path + LOCK)) throw tooLong(path);
      const made = createLockFile(path + LOCK);
      try {
        const lock = lockOf(adapter, path + LOCK);
        // A process that looked for leftovers may have removed the file before it was locked.
        if (lock && statSync(path + LOCK, { throwIfNoEntry: false })?.ino === made) return new Claim(path, lock);
        lock?.close();
      } catch (cause) {
        rmSync(path + LOCK, { force: true });
        throw new BackupError(
          'CANNOT_LOCK',
          `${path + LOCK} cannot be locked. No copy was made, and nothing was changed.`,
          {
            hint: 'Use a folder on a file system that has locks.',
            cause,
          },
        );
      }
      if (attempt === ATTEMPTS) {
        throw new BackupError(
          'CANNOT_LOCK',
          `${path + LOCK} is taken by another process. No copy was made, and nothing was changed.`,
          {
            hint: 'Call again.',
            retryable: true,
          },
        );
      }
    }
  }

  /** Claims a path that a maker has left; undefined while its maker is alive, and if that cannot be found out. */
  static takeOver(adapter: Adapter, path: string): Claim | undefined {
    // Its maker removes the file of the lock last, so there is nobody to lock out.
    if (!statSync(path + LOCK, { throwIfNoEntry: false })) return new Claim(path, undefined);
    try {
      const lock = lockOf(adapter, path + LOCK);
      return lock && new Claim(path, lock);
    } catch {
      return undefined;
    }
  }

  /** Gives the claim back. What is at the path must be gone before. */
  release(): void {
    rmSync(this.path + LOCK, { force: true });
    this[Symbol.dispose]();
  }

  /** Lets go and leaves the file of the lock, which then shows that its maker is gone. */
  [Symbol.dispose](): void {
    this.#lock?.close();
    this.#lock = undefined;
  }
}

const ATTEMPTS = 10;

function createLockFile(path: string): number {
  try {
    const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
    try {
      // What root's process leaves when it is killed can then be swept by whoever the folder belongs to.
      if (process.getuid?.() === 0) fchownSync(fd, ...ownerOfFolder(path));
      return fstatSync(fd).ino;
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw new BackupError('CANNOT_CREATE', `${path} cannot be created. No copy was made, and nothing was changed.`, {
      hint: 'Check the owner and permissions of its folder, and the free space of the disk.',
      cause,
    });
  }
}

function ownerOfFolder(path: string): [uid: number, gid: number] {
  const { uid, gid } = statSync(dirname(path));
  return [uid, gid];
}

/** Locks an empty file; undefined while another connection has the lock. */
function lockOf(adapter: Adapter, path: string): DriverDatabase | undefined {
  const database = adapter.open(path, { readonly: false, isClosed: false });
  try {
    database.exec('PRAGMA busy_timeout = 0');
    // Nothing is written, but SQLite would create a -journal beside an empty file.
    database.exec('PRAGMA journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}
