import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseOpenError, DorkDbError } from '../errors.ts';

/** What lies beside a file that SQLite may have open somewhere, or that a killed process left. */
const SIDECARS = ['-wal', '-shm', '-journal'];

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

/** Which of a file's sidecars hold something; a -shm counts by being there. */
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
 * True if SQLite can read a file only by taking it for one that never changes: it needs a -shm for a file in WAL mode,
 * and can make none beside this one (a read-only mount, another user's folder). A file with a -wal or a -journal is not
 * such a file: what they hold would be missing. https://sqlite.org/wal.html#read_only_databases
 */
function isOnReadonlyMedia(filename: string): boolean {
  return !isWritable(dirname(filename)) && sidecarsOf(filename).length === 0;
}

/**
 * How a file is opened that is only to be read.
 *
 * @throws DatabaseOpenError `WAL_UNREAD` if a killed process left a -wal, which SQLite reads with a -shm alone, and no
 * -shm can be made.
 */
export function readingOf(filename: string): { readonly readonly: true; readonly isClosed: boolean } {
  const walBytes = statOf(`${filename}-wal`)?.size ?? 0;
  if (walBytes > 0 && !statOf(`${filename}-shm`) && !isWritable(dirname(filename))) {
    throw new DatabaseOpenError(
      'WAL_UNREAD',
      `${filename} has a -wal of ${walBytes} bytes, which cannot be read in a folder where nothing can be created. Nothing was changed.`,
      { hint: 'Copy the file and its -wal to a folder that can be written, and open that copy.' },
    );
  }
  return { readonly: true, isClosed: isOnReadonlyMedia(filename) };
}

/**
 * A file that is read without locks, as one that nobody writes. Another process may write it all the same, and what is
 * read then may be torn, so each statement asks whether it did.
 */
export class ClosedFile {
  readonly #filename: string;
  readonly #before: string;

  constructor(filename: string) {
    this.#filename = filename;
    this.#before = this.#state();
  }

  /** The error of everything that is read from now on, or undefined if the file is as it was. */
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
