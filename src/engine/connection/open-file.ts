import { type Stats, statSync } from 'node:fs';
import { DorkDbError } from '../errors.ts';
import { beginAsWal, firstBytes } from '../first-bytes.ts';
import { checkOwner } from '../hints.ts';
import { codeOf } from '../realm.ts';

/** Why the file that a connection has open is not the one that its path names. */
export interface FileProblem {
  readonly code: 'FILE_REPLACED' | 'FILE_UNLINKED' | 'WAL_GONE';
  /** One sentence. */
  readonly fact: string;
}

/** What to do about every {@link FileProblem}. */
export const REOPEN =
  'Stop writing and close this connection. Find out what moved or removed the file, put back the right one with its -wal, and open it again.';

/** A check costs two calls of the system, so writes that follow each other this soon share one. */
const EVERY_MS = 10;
/** A clock that a test has stopped must not stop the checks. */
const EVERY_WRITES = 1000;

/**
 * Whether the file that a connection has open is still the one at its path, with its -wal. SQLite goes on writing to a
 * file that was replaced or removed, and each commit would be gone with the connection.
 * https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use
 */
export class OpenFile {
  readonly #filename: string;
  readonly #main: FileId;
  /** Undefined until there is one with a header. */
  #wal: FileId | undefined;
  /** The size of the -wal at the last check. */
  #walSize = 0;
  #checkedAt = 0;
  #writes = 0;

  /** @param main The file that was opened; a stat of its path before and after the opening was equal. */
  constructor(filename: string, main: FileId) {
    this.#filename = filename;
    this.#main = main;
  }

  /** @throws DorkDbError with the code of the problem, at the first write that is 10 ms or more after a check. */
  assertStillThere(): void {
    const now = performance.now();
    if (++this.#writes < EVERY_WRITES && now - this.#checkedAt < EVERY_MS) return;
    const problem = this.#problem(false);
    if (problem) {
      throw new DorkDbError(problem.code, `${problem.fact} Nothing was written.`, { hint: REOPEN });
    }
    this.#writes = 0;
    this.#checkedAt = now;
  }

  /**
   * Returns true if the -wal at the path is not the one of the connection, or if two attempts to find out fail.
   * Of a file that was moved itself, SQLite leaves every -wal alone.
   */
  hasOtherWal(): boolean {
    for (let times = 1; times <= 2; times++) {
      try {
        const problem = this.problem();
        // The next write or checkpoint looks again.
        if (problem) this.#checkedAt = Number.NEGATIVE_INFINITY;
        return problem?.code === 'WAL_GONE' && statOf(`${this.#filename}-wal`) !== undefined;
      } catch {
        // A disk may fail once.
      }
    }
    return true;
  }

  /** Returns the current problem, or undefined. */
  problem(): FileProblem | undefined {
    return this.#problem(true);
  }

  #problem(readsWal: boolean): FileProblem | undefined {
    const main = statOf(this.#filename);
    if (!main) return { code: 'FILE_UNLINKED', fact: `${this.#filename} was removed or renamed while it was open.` };
    if (!isSame(main, this.#main)) {
      return { code: 'FILE_REPLACED', fact: `Another file was put at ${this.#filename} while it was open.` };
    }
    const wal = statOf(`${this.#filename}-wal`);
    if (!this.#wal) {
      // One without a header is not in use: the first write begins it again.
      if (wal && (wal.size === 0 || beginsAsWal(`${this.#filename}-wal`) !== false))
        this.#wal = { dev: wal.dev, ino: wal.ino };
      return undefined;
    }
    const what = !wal ? 'removed' : !isSame(wal, this.#wal) ? 'replaced' : this.#overwritten(wal.size, readsWal);
    return what && { code: 'WAL_GONE', fact: `${this.#filename}-wal was ${what} while the database was open.` };
  }

  /**
   * Returns what another program did to the -wal if its header is gone, e.g. because it was emptied: SQLite continues
   * after the missing header, and would later copy empty pages into the file. A write reads the header only if the
   * -wal has shrunk since the last check, or was empty.
   */
  #overwritten(size: number, reads: boolean): 'overwritten' | undefined {
    const isSuspect = size > 0 && (reads || size < this.#walSize || this.#walSize === 0);
    const isWhole = !isSuspect || beginsAsWal(`${this.#filename}-wal`);
    // Unless it is known to be whole, the next check reads it again.
    if (isWhole !== undefined) this.#walSize = isWhole ? size : 0;
    return isWhole === false ? 'overwritten' : undefined;
  }
}

/**
 * Returns undefined if the header cannot be read, e.g. because the process has no descriptor left. No lock is lost:
 * SQLite locks the database and the -shm, not the -wal.
 */
function beginsAsWal(path: string): boolean | undefined {
  try {
    const bytes = firstBytes(path, 4);
    // A checkpoint of another process may just have emptied it.
    return bytes.length < 4 ? undefined : beginAsWal(bytes);
  } catch {
    return undefined;
  }
}

type FileId = Pick<Stats, 'dev' | 'ino'>;

function isSame(a: FileId, b: FileId): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/**
 * Returns undefined only if there is nothing at the path.
 *
 * @throws DorkDbError `FILE_UNREADABLE` for every other error of the system.
 */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new DorkDbError(
      'FILE_UNREADABLE',
      `The check that ${path} still exists failed (${codeOf(cause)}). Nothing was written.`,
      { hint: checkOwner('the folder, and the disk', 'try again'), retryable: true, cause },
    );
  }
}
