import { chownSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isThere } from './fs.ts';

export type Owner = Pick<Stats, 'uid' | 'gid'>;

/** Returns the owner of a file, or of its folder if the file does not exist. */
export function ownerOf(path: string): Owner {
  return statSync(isThere(path) ? path : dirname(path));
}

/** Changes the owner of files created as root to the database's owner, who could not use them otherwise. */
export function giveTo({ uid, gid }: Owner, path: string): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}
