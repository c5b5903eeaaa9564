import { closeSync, constants, existsSync, openSync, rmSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { partialOf } from '../core/copy.ts';
import { wreckageOf } from '../core/copy-name.ts';
import { BackupError } from '../core/errors.ts';
import { FILE_MODE, hasCode } from '../core/file.ts';
import { fsPromises } from '../core/fs-promises.ts';
import { giveTo, type Owner } from '../core/owner.ts';
import { bytesOf } from '../core/wal.ts';
import type { Listener } from './listener.ts';
import type { ThreadConnection } from './thread.ts';

/** Where a backup or a restore is. */
export interface BackupProgress {
  /** `verifying` reads back what was copied, and tells no bytes of its own. */
  readonly phase: 'copying' | 'verifying';
  /** Bytes that the copy has. */
  readonly bytes: number;
  /** Bytes that it will have at most. */
  readonly totalBytes: number;
}

/** How often the copy's size is looked at, in milliseconds. */
const EVERY_MS = 100;

/** So many new bytes are flushed to the disk at a time; all at the end would make other flushes wait for seconds. */
const FLUSH_BYTES = 32 * 2 ** 20;

/** A copy in the making: a file with mode 0600 under a temporary name. */
export class PartialCopy implements AsyncDisposable {
  /** The name that it has until it is proved. */
  readonly path: string;
  readonly #to: string;
  #isPublished = false;

  /** @throws BackupError `RUNNING` where this process makes the same copy at this moment. */
  constructor(to: string) {
    this.#to = to;
    this.path = partialOf(to);
    // In a container each process has the same number: that of an earlier one which was killed.
    if (wreckageOf(this.path) !== undefined) rmSync(this.path, { force: true });
    try {
      // VACUUM INTO would create it with mode 0644; an empty file that is there keeps its mode.
      closeSync(openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
    } catch (cause) {
      const isThere = hasCode(cause, 'EEXIST');
      const why = isThere ? `${this.path} is being made` : `${this.path} cannot be created`;
      throw new BackupError(isThere ? 'RUNNING' : 'CANNOT_CREATE', `${why}. No copy was made.`, {
        hint: isThere ? 'Wait for the other one.' : 'Look at the owner and the mode of the folder.',
        cause,
      });
    }
  }

  /**
   * Writes the database as it is at this moment and flushes it. https://sqlite.org/lang_vacuum.html#vacuuminto
   *
   * @param owner Whose file it shall be.
   */
  async fill(
    source: ThreadConnection,
    totalBytes: number,
    owner: Owner,
    listener: Listener<BackupProgress>,
  ): Promise<void> {
    const handle = await fsPromises().open(this.path, 'r');
    const stopFlushing = flushWhileWritten(this.path, handle);
    const stopTelling = listener.every(EVERY_MS, () => ({ phase: 'copying', bytes: bytesOf(this.path), totalBytes }));
    try {
      await source.all('VACUUM INTO ?', this.path);
      await stopFlushing();
      await handle.sync();
      giveTo(owner, this.path);
    } finally {
      stopTelling();
      await stopFlushing();
      await handle.close();
    }
    const bytes = bytesOf(this.path);
    listener.tell({ phase: 'verifying', bytes, totalBytes: bytes });
  }

  /**
   * Gives the copy its own name, which no other file has.
   *
   * @throws BackupError `TARGET_EXISTS`, `NOT_FLUSHED`
   */
  async publish(): Promise<void> {
    await nameCopy(this.path, this.#to);
    this.#isPublished = true;
    await settle(this.path, this.#to);
  }

  /** Takes the name away at once; the bytes go when the thread that writes them lets go of the file. */
  discard(): void {
    if (this.#isPublished) return;
    try {
      rmSync(this.path, { force: true });
      rmSync(`${this.path}-journal`, { force: true });
    } catch {
      // It is called while a connection closes, which it must not stop; wreckage is removed later.
    }
  }

  /** Removing a large file takes as long as flushing it, so it is not done in this thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isPublished) return;
    for (const suffix of ['', '-journal', '-wal', '-shm']) await fsPromises().rm(this.path + suffix, { force: true });
  }
}

/**
 * Gives a proved copy its own name, for good.
 *
 * @throws BackupError `TARGET_EXISTS`; `NOT_FLUSHED` where it is made and its folder cannot be flushed.
 */
export async function publish(partial: string, to: string): Promise<void> {
  await nameCopy(partial, to);
  await settle(partial, to);
}

async function nameCopy(partial: string, to: string): Promise<void> {
  try {
    // A rename would replace what another process put there meanwhile.
    await fsPromises().link(partial, to);
  } catch (error) {
    if (hasCode(error, 'EEXIST') || existsSync(to)) throw targetExists(to);
    // Some file systems have no links.
    await fsPromises().rename(partial, to);
  }
}

/** The copy has its name: what fails here does not undo that. */
async function settle(partial: string, to: string): Promise<void> {
  // A second name that stays is wreckage, which the next copy removes.
  await fsPromises()
    .rm(partial, { force: true })
    .catch(() => {});
  try {
    await flush(dirname(to));
  } catch (cause) {
    // A folder that may be written and not read cannot be opened to be flushed.
    if (hasCode(cause, 'EACCES')) return;
    throw new BackupError('NOT_FLUSHED', `${to} was made, but its name may not last a loss of power.`, {
      hint: 'Look at the disk of the folder, then verify the copy: dork-db verify.',
      cause,
    });
  }
}

export function targetExists(path: string): BackupError {
  return new BackupError('TARGET_EXISTS', `${path} exists already. It was not changed, and no copy was made.`, {
    hint: 'Give the name of a new file, or a folder.',
  });
}

/** Makes what was written, or the names in a folder, last a crash. */
export async function flush(path: string): Promise<void> {
  const handle = await fsPromises().open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes what another thread writes into a file bit by bit. */
function flushWhileWritten(path: string, handle: FileHandle): () => Promise<void> {
  let flushed = 0;
  let flushing: Promise<void> | undefined;
  const look = () => {
    const bytes = bytesOf(path);
    if (flushing || bytes - flushed < FLUSH_BYTES) return;
    flushed = bytes;
    // What fails here fails again at the end, where it counts.
    flushing = handle
      .datasync()
      .catch(() => {})
      .then(() => {
        flushing = undefined;
      });
  };
  const timer = setInterval(look, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await flushing;
  };
}
