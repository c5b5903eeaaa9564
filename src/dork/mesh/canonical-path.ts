import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/**
 * Returns the absolute path without symbolic links, in the spelling of the file system. For a path that does not exist
 * yet, the longest existing part is resolved, so that a folder has the same spelling before and after it is created.
 */
export function canonicalPath(path: string): string {
  try {
    // The system's own: on a file system that ignores case it gives the name as it is stored.
    return realpathSync.native(path);
  } catch {
    return withCanonicalParent(resolve(path));
  }
}

function withCanonicalParent(path: string): string {
  let missing = '';
  for (let existing = path; ; existing = dirname(existing)) {
    try {
      return join(realpathSync.native(existing), missing);
    } catch {
      if (existing === dirname(existing)) return path;
      missing = join(basename(existing), missing);
    }
  }
}
