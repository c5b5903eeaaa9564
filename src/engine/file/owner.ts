import { chownSync, existsSync, type Stats, statSync } from 'node:fs';
import { dirname } from 'node:path';

export type Owner = Pick<Stats, 'uid' | 'gid'>;

/** Whose file it is, or whose folder where there is no file. */
export function ownerOf(path: string): Owner {
  return statSync(existsSync(path) ? path : dirname(path));
}

/** Gives what root has created to whoever the database belongs to, who would be locked out of it. */
export function giveTo({ uid, gid }: Owner, path: string): void {
  if (process.getuid?.() === 0) chownSync(path, uid, gid);
}
