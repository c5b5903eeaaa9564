import { closeSync, constants, linkSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Adapter } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { removeIfEmpty } from '../file/create.ts';
import { FILE_MODE, FOLDER_MODE } from '../file/file.ts';
import { flushFolder, fsyncPath } from '../file/flush.ts';
import { hasCode, isThere } from '../file/fs.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { checkOwner } from '../hints.ts';
import { Claim, temporaryName } from './claim.ts';

/** Files that SQLite may create next to a file that it writes. */
const SIDECARS = ['-journal', '-wal', '-shm'];

/** Options for {@link Making}. */
export interface MakingOptions {
  /** True for a folder of several files instead of one file. Default false. */
  readonly isFolder?: boolean;
  /** A folder that was created for the file: removed again if nothing is published. */
  readonly createdFolder?: string | undefined;
}

/** The unfinished files of this thread. */
const inTheMaking = new Set<Making>();

/**
 * Removes all unfinished files immediately, because the process is about to exit.
 *
 * @returns The number of unfinished files.
 */
export function discardAll(): number {
  const all = [...inTheMaking];
  for (const making of all) making.discard();
  for (const remove of [...otherRemovals].reverse()) remove();
  return all.length;
}

const otherRemovals = new Set<() => void>();

/** Calls a function in {@link discardAll} until the end of the block, e.g. to remove a lock file. It must not throw. */
export function whenDiscarded(remove: () => void): Disposable {
  otherRemovals.add(remove);
  return { [Symbol.dispose]: () => void otherRemovals.delete(remove) };
}

/**
 * A file that is being created. It has a temporary name and mode 0600 while it is written and verified; {@link publish}
 * gives it its final name. An unpublished file is removed at the end of the block or, if the process is killed, by the
 * next sweep.
 */
export class Making implements Disposable, AsyncDisposable {
  /** The final path. */
  readonly to: string;
  /** The temporary path. */
  readonly path: string;
  readonly #claim: Claim;
  readonly #createdFolder: string | undefined;
  #isPublished = false;
  #isGone = false;

  /** @throws BackupError `CANNOT_CREATE`, `CANNOT_LOCK` */
  constructor(adapter: Adapter, to: string, { isFolder = false, createdFolder }: MakingOptions = {}) {
    this.to = to;
    this.#createdFolder = createdFolder;
    this.#claim = Claim.take(adapter, () => temporaryName(to));
    this.path = this.#claim.path;
    inTheMaking.add(this);
    try {
      // VACUUM INTO would create the file with mode 0644, but it keeps the mode of an existing empty file.
      if (isFolder) mkdirSync(this.path, { mode: FOLDER_MODE });
      else closeSync(openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
    } catch (cause) {
      this.discard();
      throw new BackupError(
        'CANNOT_CREATE',
        `${this.path} cannot be created. No copy was made, and nothing was changed.`,
        {
          hint: checkOwner('its folder, and the free space of the disk'),
          cause,
        },
      );
    }
  }

  /**
   * Gives a verified file its final name, which must not exist.
   *
   * @param file Default: the file itself. For a folder, one of its files.
   * @throws BackupError `TARGET_EXISTS`; `NOT_FLUSHED` if the file was created, but its folder could not be flushed.
   */
  async publish(file = this.path): Promise<void> {
    nameFile(file, this.to);
    await this.#published();
  }

  /**
   * Gives a verified folder its final name, which must not exist.
   *
   * @throws BackupError `TARGET_EXISTS`; `NOT_FLUSHED` if the folder was created, but its parent could not be flushed.
   */
  async publishFolder(): Promise<void> {
    if (isThere(this.to)) throw targetExists(this.to);
    try {
      // This replaces an empty folder that was created meanwhile.
      renameSync(this.path, this.to);
    } catch (error) {
      throw hasCode(error, 'EEXIST', 'ENOTEMPTY', 'ENOTDIR') ? targetExists(this.to) : error;
    }
    await this.#published();
  }

  async #published(): Promise<void> {
    this.#isPublished = true;
    try {
      await flushFolder(dirname(this.to));
    } catch (cause) {
      throw new BackupError('NOT_FLUSHED', `${this.to} was made, but it may disappear in a power failure.`, {
        hint: 'Check the disk of the folder, then read the copy with verifyBackup().',
        cause,
      });
    }
  }

  /**
   * Gives a verified file its final name immediately, replacing any file there.
   *
   * @param swap Replaces the file. Default: a rename.
   */
  replace(swap = (path: string) => renameSync(path, this.to)): void {
    swap(this.path);
    this.#isPublished = true;
    fsyncPath(dirname(this.to));
  }

  /**
   * Removes the temporary file immediately. If a thread is still writing, the disk space is freed when it closes the
   * file.
   */
  discard(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    inTheMaking.delete(this);
    try {
      for (const suffix of ['', ...SIDECARS]) twice(() => rmSync(this.path + suffix, { recursive: true, force: true }));
      this.#end();
    } catch {
      // Closing a connection calls this and must not fail. The next sweep removes the rest.
      this.#claim[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.discard();
  }

  /** Removes an unpublished file. Removing a large file takes as long as flushing it, so it is done asynchronously. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    inTheMaking.delete(this);
    try {
      for (const suffix of ['', ...SIDECARS]) {
        const remove = () => fsPromises().rm(this.path + suffix, { recursive: true, force: true });
        await remove().catch(remove);
      }
      this.#end();
    } catch {
      // The copy is not affected by this failure; the next sweep tries again.
      this.#claim[Symbol.dispose]();
    }
  }

  #end(): void {
    twice(() => this.#claim.release());
    if (this.#createdFolder !== undefined && !this.#isPublished) removeIfEmpty(this.#createdFolder);
  }
}

/** A disk may fail once. */
function twice(remove: () => void): void {
  try {
    remove();
  } catch {
    remove();
  }
}

function nameFile(from: string, to: string): void {
  try {
    // A rename would replace a file that another process created meanwhile.
    linkSync(from, to);
    return;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw targetExists(to);
  }
  // For file systems without links: creates an empty file, which the rename may then replace.
  try {
    closeSync(openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
  } catch (error) {
    throw hasCode(error, 'EEXIST') ? targetExists(to) : error;
  }
  try {
    renameSync(from, to);
  } catch (error) {
    rmSync(to, { force: true });
    throw error;
  }
}

/** Returns the error for a path that already exists. */
export function targetExists(path: string): BackupError {
  return new BackupError('TARGET_EXISTS', `${path} already exists. It was not changed, and no copy was made.`, {
    hint: 'Pass the name of a new file, or a folder.',
  });
}
