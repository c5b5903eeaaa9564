import { closeSync, constants, fsyncSync, openSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Connection } from './connection.ts';
import { BackupError, type RestoreError } from './errors.ts';
import { FILE_MODE } from './file.ts';

/** The temporary name of a copy that this process makes, until it is proved to be one. */
export function partialOf(path: string): string {
  return `${path}.${process.pid}.partial`;
}

/** Bytes that the file system of a folder still takes from us. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** @throws BackupError `NO_ROOM`, or an error of another kind with that code. */
export function assertRoom(
  folder: string,
  needed: number,
  what: string,
  Kind: typeof BackupError | typeof RestoreError = BackupError,
  undone = 'Nothing was written.',
): void {
  const free = freeBytes(folder);
  if (free >= needed) return;
  throw new Kind('NO_ROOM', `${folder} has ${free} bytes free; ${what} may need ${needed}. ${undone}`, {
    hint: 'Make room on the disk and call again.',
    retryable: true,
  });
}

/** Bytes of the database without its free pages: what a copy of it needs at most. */
export function databaseBytes(connection: Connection): number {
  const read = (name: string) => Number(connection.pragma(name, { simple: true }));
  return (read('page_count') - read('freelist_count')) * read('page_size');
}

/** Makes what was written last a crash. A folder holds the names of its files. */
export function fsyncPath(path: string): void {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Copies a database, as it is at this moment, into a new file: under a temporary name with mode 0600, flushed to the
 * disk, read back by `verify`, and only then under its own name. https://sqlite.org/lang_vacuum.html#vacuuminto
 *
 * @param source A connection without a transaction; other connections may write meanwhile.
 * @param verify Throws where the copy, open read-only, is not what it should be.
 * @param publish Gives the finished copy its name. Default: a rename.
 * @throws BackupError where there is no room; nothing is left behind.
 */
export function copyDatabase(
  source: Connection,
  to: string,
  verify: (copy: Connection) => void,
  publish: (partial: string) => void = (partial) => renameSync(partial, to),
): void {
  const folder = dirname(to);
  assertRoom(folder, databaseBytes(source), `a copy of ${source.filename}`);
  const partial = partialOf(to);
  try {
    // VACUUM INTO would create it with mode 0644; an empty file that is there keeps its mode.
    closeSync(openSync(partial, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
    source.prepare('VACUUM INTO ?').run(partial);
    fsyncPath(partial);
    // Read-only: a copy that was cut off answers SQLITE_READONLY_ROLLBACK instead of being repaired into an empty one.
    using copy = source.sibling(partial, { readonly: true });
    verify(copy);
    copy.close();
    publish(partial);
    fsyncPath(folder);
  } catch (error) {
    rmSync(partial, { force: true });
    rmSync(`${partial}-journal`, { force: true });
    throw error;
  }
}
