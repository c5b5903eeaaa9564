import { statfsSync } from 'node:fs';
import type { Connection } from '../connection/connection.ts';
import { BackupError, type RestoreError } from '../errors.ts';

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
