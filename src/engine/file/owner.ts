import { chownSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isThere } from './fs.ts';

export type Owner = Pick<Stats, 'uid' | 'gid'>;

/** Whose file it is, or whose folder where there is no file. */
export function ownerOf(path: string): Owner {
  return statSync(isThere(path) ? path : dirname(path));
}

/** Gives what root has created to whoever the database belongs to, who would be locked out of it. */
export function giveTo({ uid, gid }: Owner, path: string): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}
