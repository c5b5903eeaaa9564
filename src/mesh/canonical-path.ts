import { realpathSync } from 'node:fs';

/** A path without symbolic links, as the system itself writes it; one that leads nowhere as it was given. */
export function canonicalPath(path: string): string {
  try {
    // The system's own: on a file system that ignores case it gives the name as it is stored.
    return realpathSync.native(path);
  } catch {
    return path;
  }
}
