import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseOpenError, DorkDbError } from '../errors.ts';

/** Files next to a database that is open somewhere, or that a killed process left. */
const SIDECARS = ['-wal', '-shm', '-journal'];

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Returns the sidecars that are not empty; a -shm counts in any case. */
function sidecarsOf(filename: string): string[] {
  return SIDECARS.filter((end) => (statOf(filename + end)?.size ?? -1) >= (end === '-shm' ? 0 : 1));
}

/** Returns true if this user may write a file, or create files in a folder. */
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns true if SQLite can only read a file as immutable: a file in WAL mode needs a -shm, and SQLite cannot create it
 * on a read-only mount or in another user's folder. False for a file with a -wal or a -journal, whose content would be
 * missing. https://sqlite.org/wal.html#read_only_databases
 */
function isOnReadonlyMedia(filename: string): boolean {
  return !isWritable(dirname(filename)) && sidecarsOf(filename).length === 0;
}

/**
 * Returns the options to open a file for reading only.
 *
 * @throws DatabaseOpenError `WAL_UNREAD` if a killed process left a -wal, which SQLite can read only with a -shm, and
 * a -shm cannot be created.
 */
export function readingOf(filename: string): { readonly readonly: true; readonly isClosed: boolean } {
  const walBytes = statOf(`${filename}-wal`)?.size ?? 0;
  if (walBytes > 0 && !statOf(`${filename}-shm`) && !isWritable(dirname(filename))) {
    throw new DatabaseOpenError(
      'WAL_UNREAD',
      `${filename} has a -wal of ${walBytes} bytes, which SQLite cannot read in a folder without write permission. Nothing was changed.`,
      { hint: 'Copy the file and its -wal to a folder that can be written, and open that copy.' },
    );
  }
  return { readonly: true, isClosed: isOnReadonlyMedia(filename) };
}

/**
 * A file that is read without locks, because it is taken to be immutable. Another process may still write it, and a read
 * may then be torn, so each statement checks that the file is unchanged.
 */
export class ClosedFile {
  readonly #filename: string;
  readonly #before: string;

  constructor(filename: string) {
    this.#filename = filename;
    this.#before = this.#state();
  }

  /** Returns the error for every further statement, or undefined if the file is unchanged. */
  change(): DorkDbError | undefined {
    if (this.#state() === this.#before) return undefined;
    return new DorkDbError(
      'FILE_CHANGED',
      `${this.#filename} was opened or changed by another process, and this connection reads it without locks.`,
      { hint: 'Close this connection and open the file again.', retryable: true },
    );
  }

  #state(): string {
    const main = statOf(this.#filename);
    return [main?.dev, main?.ino, main?.size, main?.mtimeMs, ...sidecarsOf(this.#filename)].join();
  }
}
