import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { asidesOf } from '../../engine/file/aside.ts';
import { realFile, statAt } from '../../engine/file/file.ts';
import { holdsLock } from '../../engine/file/file-locks.ts';
import { isSameFile } from '../../engine/file/fs.ts';
import { MEMORY } from '../../engine/file/path.ts';
import type { LegacySource } from './receipt.ts';
import { OLDER_SOURCES } from './schema.ts';

/** The name of the dork.db of a release in a home; ours has the same. */
const RELEASE = 'dork.db';

/**
 * Returns where each source is, or would be, the one that says most of a row first.
 *
 * @param home A folder, or the dork.db of a DorkOS release itself.
 * @param own The database that is imported into.
 */
export function placesOf(home: string, own: string): Map<LegacySource, string> {
  if (statAt(home)?.isFile()) return new Map([['dork.db', home]]);
  const places = new Map<LegacySource, string>();
  const release = releaseIn(home, own);
  if (release !== undefined) places.set('dork.db', release);
  // A hybrid relay/index.db holds poorer copies of what the others hold.
  const isLast = (source: LegacySource) => source === 'relay/index.db';
  const older = [...OLDER_SOURCES].sort((a, b) => Number(isLast(a)) - Number(isLast(b)));
  for (const source of older) places.set(source, join(home, source));
  return places;
}

/**
 * Returns the dork.db of a release that is in a folder: under its own name, else the newest that was moved aside there,
 * which has what the earlier ones have.
 */
export function releaseIn(home: string, own: string): string | undefined {
  const release = join(home, RELEASE);
  if (isRelease(release, own)) return release;
  const beside = own !== MEMORY && isSameFolder(dirname(own), home) ? asidesOf(own) : [];
  return [...beside, ...asidesOf(release)].find((path) => isRelease(path, own));
}

function isSameFolder(a: string, b: string): boolean {
  return resolve(a) === resolve(b) || isSameFile(a, b);
}

/** True for a database without the mark of this package that is another file than the given one. */
function isRelease(path: string, own: string): boolean {
  const stat = statAt(path);
  if (!stat?.isFile() || stat.size === 0 || isSameFile(path, own)) return false;
  // What this process has open is its own. Closing a descriptor of it would drop the locks of that connection.
  return holdsLock(realFile(path)) !== true && applicationIdOf(path) === 0;
}

/** Reads the application_id from the header; undefined if the file cannot be read. https://sqlite.org/fileformat2.html */
function applicationIdOf(path: string): number | undefined {
  try {
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(4);
      return readSync(fd, bytes, 0, 4, 68) === 4 ? bytes.readUInt32BE() : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
