import { closeSync, constants, fsyncSync, openSync } from 'node:fs';
import { DorkDbError } from '../errors.ts';
import { statAt } from './file.ts';
import { hasCode } from './fs.ts';
import { fsPromises } from './fs-promises.ts';
import { MEMORY } from './path.ts';

/**
 * Error codes for a folder that the file system cannot flush (SMB, some FUSE), or that is writable but not readable.
 */
const CANNOT_FLUSH_FOLDER = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EPERM', 'EACCES', 'EISDIR'];

/** Code of the warning that a folder cannot be flushed. */
const WARNING = 'DORK_DB_FOLDER_NOT_FLUSHED';

let hasWarned = false;

/**
 * Flushes a file, or the names in a folder, so that they survive a power failure. A folder that the file system cannot
 * flush is reported once per process, with a process warning; its names are still written.
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

/**
 * Flushes a file if it exists. A -wal can be opened and closed independently of SQLite, because its locks are on other
 * files.
 */
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
 * Flushes all commits, so that they survive a power failure. With synchronous = NORMAL this otherwise happens at the
 * next checkpoint, which flushes the -wal first.
 *
 * @param done What was committed, for the error, e.g. `was migrated`.
 * @throws DorkDbError `NOT_FLUSHED`
 */
export function flushCommits(filename: string, done: string): void {
  if (filename === MEMORY) return;
  try {
    flushIfThere(`${filename}-wal`);
  } catch (cause) {
    throw new DorkDbError('NOT_FLUSHED', `${filename} ${done}, but this may be undone by a power failure.`, {
      hint: 'Check the disk. Nothing needs to be done again.',
      cause,
    });
  }
}

/** Flushes a written file. Unlike {@link flushFolder}, it throws all errors. */
export async function flushFile(path: string): Promise<void> {
  const handle = await fsPromises().open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes the names in a folder like {@link fsyncPath}, without blocking this thread. */
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
    `The folder ${folder} cannot be flushed to the disk (${code}). A new file in it may disappear in a power failure.`,
    { type: 'DorkDbWarning', code: WARNING },
  );
}
