import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { DorkDbError } from '../errors.ts';
import { statAt } from './file.ts';
import { hasCode } from './fs.ts';
import { fsPromises } from './fs-promises.ts';
import { MEMORY } from './path.ts';

/** Codes of a folder that its file system cannot flush (SMB, some FUSE), or that may be written and not read. */
const CANNOT_FLUSH_FOLDER = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EACCES', 'EISDIR'];

/** Code of the warning that a folder cannot be flushed. */
const WARNING = 'DORK_DB_FOLDER_NOT_FLUSHED';

let hasWarned = false;

/**
 * Makes what was written to a file, or the names in a folder, last a loss of power. A folder that its file system cannot
 * flush is reported once for each process, as a warning of the process; its names are written all the same.
 */
export function fsyncPath(path: string): void {
  try {
    const fd = openSync(path, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!statAt(path)?.isDirectory()) throw error;
    tolerate(path, error);
  }
}

/** Flushes a file if there is one. A -wal may be opened and closed beside SQLite: its locks are on other files. */
export function flushIfThere(path: string): void {
  let fd: number;
  try {
    fd = openSync(path, 'r+');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
    throw error;
  }
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes every commit so far last a loss of power. With synchronous = NORMAL commits otherwise wait for the next
 * checkpoint, which flushes the -wal first.
 *
 * @param done What was committed, for the error, e.g. `was migrated`.
 * @throws DorkDbError `NOT_FLUSHED`
 */
export function flushCommits(filename: string, done: string): void {
  if (filename === MEMORY) return;
  try {
    flushIfThere(`${filename}-wal`);
  } catch (cause) {
    throw new DorkDbError('NOT_FLUSHED', `${filename} ${done}, but that may not last a loss of power.`, {
      hint: 'Check the disk. Nothing needs to be done again.',
      cause,
    });
  }
}

/** Flushes a file that was written. Unlike {@link flushFolder} it never lets a failure pass. */
export async function flushFile(path: string): Promise<void> {
  const handle = await fsPromises().open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes the names in a folder, as {@link fsyncPath} does, without blocking this thread. */
export async function flushFolder(path: string): Promise<void> {
  try {
    await flushFile(path);
  } catch (error) {
    tolerate(path, error);
  }
}

function tolerate(folder: string, error: unknown): void {
  if (!hasCode(error, ...CANNOT_FLUSH_FOLDER)) throw error;
  if (hasWarned) return;
  hasWarned = true;
  const { code } = error as NodeJS.ErrnoException;
  process.emitWarning(
    `The folder ${folder} cannot be flushed to the disk (${code}). A file that was just made in it may lose its name if the power fails now.`,
    { type: 'DorkDbWarning', code: WARNING },
  );
}
