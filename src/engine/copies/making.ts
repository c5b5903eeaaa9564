import { closeSync, constants, linkSync, mkdirSync, openSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Adapter } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { FILE_MODE, FOLDER_MODE } from '../file/file.ts';
import { flushFolder, fsyncPath } from '../file/flush.ts';
import { hasCode, isThere } from '../file/fs.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { Claim, temporaryName } from './claim.ts';

/** What SQLite keeps beside a file that it writes. */
const SIDECARS = ['-journal', '-wal', '-shm'];

/** Options of {@link Making}. */
export interface MakingOptions {
  /** True to make a folder for several files instead of one file. Default false. */
  readonly isFolder?: boolean;
  /** A folder that was created for the file: removed again if nothing is published. */
  readonly createdFolder?: string | undefined;
}

/** Those that this thread makes at this moment. */
const inTheMaking = new Set<Making>();

/**
 * Removes everything that is in the making at once, because the process is about to end.
 *
 * @returns How many there were.
 */
export function discardAll(): number {
  const all = [...inTheMaking];
  for (const making of all) making.discard();
  return all.length;
}

/**
 * A file in the making. It has a temporary name and mode 0600 while it is filled and read back; {@link publish} gives it
 * its own name. What is not published is removed at the end of the block, and if the process is killed before that, by
 * the next one that looks for leftovers.
 */
export class Making implements Disposable, AsyncDisposable {
  /** The name that the file is to get. */
  readonly to: string;
  /** The temporary name. */
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
      // VACUUM INTO would create the file with mode 0644; an empty file keeps its mode.
      if (isFolder) mkdirSync(this.path, { mode: FOLDER_MODE });
      else closeSync(openSync(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
    } catch (cause) {
      this.discard();
      throw new BackupError(
        'CANNOT_CREATE',
        `${this.path} cannot be created. No copy was made, and nothing was changed.`,
        {
          hint: 'Check the owner and permissions of its folder, and the free space of the disk.',
          cause,
        },
      );
    }
  }

  /**
   * Gives a proved file its own name, which no other file may have.
   *
   * @param file Default: the file itself; in a folder, one of its files.
   * @throws BackupError `TARGET_EXISTS`; `NOT_FLUSHED` if it is made and its folder could not be flushed.
   */
  async publish(file = this.path): Promise<void> {
    nameFile(file, this.to);
    await this.#published();
  }

  /**
   * Gives a proved folder its own name, which nothing else may have.
   *
   * @throws BackupError `TARGET_EXISTS`; `NOT_FLUSHED` if it is made and its folder could not be flushed.
   */
  async publishFolder(): Promise<void> {
    if (isThere(this.to)) throw targetExists(this.to);
    try {
      // An empty folder that came into being meanwhile is replaced.
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
      throw new BackupError('NOT_FLUSHED', `${this.to} was made, but its name may not last a loss of power.`, {
        hint: 'Check the disk of the folder, then read the copy with verifyBackup().',
        cause,
      });
    }
  }

  /**
   * Gives a proved file its own name at once, and replaces the file that has it.
   *
   * @param swap Does it. Default: a rename.
   */
  replace(swap = (path: string) => renameSync(path, this.to)): void {
    swap(this.path);
    this.#isPublished = true;
    fsyncPath(dirname(this.to));
  }

  /** Removes the temporary name at once. A thread that still writes keeps the bytes until it closes the file. */
  discard(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    inTheMaking.delete(this);
    try {
      for (const suffix of ['', ...SIDECARS]) rmSync(this.path + suffix, { recursive: true, force: true });
      this.#end();
    } catch {
      // It is called while a connection closes, which it must not stop. The next sweep removes what is left.
      this.#claim[Symbol.dispose]();
    }
  }

  [Symbol.dispose](): void {
    this.discard();
  }

  /** Removes what was not published. Removing a large file takes as long as flushing it, so another thread does it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isGone) return;
    this.#isGone = true;
    inTheMaking.delete(this);
    try {
      for (const suffix of ['', ...SIDECARS])
        await fsPromises().rm(this.path + suffix, { recursive: true, force: true });
      this.#end();
    } catch {
      // What cannot be removed says nothing of the copy; the next sweep tries again.
      this.#claim[Symbol.dispose]();
    }
  }

  #end(): void {
    this.#claim.release();
    if (this.#createdFolder === undefined || this.#isPublished) return;
    try {
      rmdirSync(this.#createdFolder);
    } catch {
      // Something else is in it.
    }
  }
}

function nameFile(from: string, to: string): void {
  try {
    // A rename would replace what another process put there meanwhile.
    linkSync(from, to);
    return;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw targetExists(to);
  }
  // Some file systems have no links: a name of our own is made, which the rename may replace.
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

/** The error for a name that another file has. */
export function targetExists(path: string): BackupError {
  return new BackupError('TARGET_EXISTS', `${path} exists already. It was not changed, and no copy was made.`, {
    hint: 'Give the name of a new file, or a folder.',
  });
}
