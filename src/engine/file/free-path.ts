import { isThere } from './fs.ts';

/**
 * Returns a path that does not exist, from a name with the current time in it. If it is taken, e.g. because the clock
 * was set back or is stopped, the next millisecond is tried.
 *
 * @param pathAt Returns the path for a time.
 */
export function freePath(pathAt: (at: Date) => string, isFree = (path: string) => !isThere(path)): string {
  for (let at = Date.now(); ; at++) {
    const path = pathAt(new Date(at));
    if (isFree(path)) return path;
  }
}
