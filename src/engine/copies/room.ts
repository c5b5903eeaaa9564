import { statfsSync } from 'node:fs';
import type { Connection } from '../connection/connection.ts';
import { BackupError, type RestoreError } from '../errors.ts';

/** Returns the bytes that this user can still write to the file system of a folder. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/** @throws BackupError `NO_ROOM`, or an error of another class with that code. */
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
    hint: 'Free some disk space and try again.',
    retryable: true,
  });
}

/** Returns the bytes of the database without its free pages: the maximum size of a copy. */
export function databaseBytes(connection: Connection): number {
  const read = (name: string) => Number(connection.pragma(name, { simple: true }));
  return (read('page_count') - read('freelist_count')) * read('page_size');
}
