import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { unlessOpen } from '../../engine/driver/process-files.ts';
import { asideStamp, asidesOf } from '../../engine/file/aside.ts';
import { realFile, statAt } from '../../engine/file/file.ts';
import { holdsLock } from '../../engine/file/file-locks.ts';
import { isSameFile } from '../../engine/file/fs.ts';
import { MEMORY } from '../../engine/file/path.ts';
import { stampOf } from '../../engine/time.ts';
import type { LegacySource } from './receipt.ts';
import { OLDER_SOURCES } from './schema.ts';

/** The name of the dork.db of a release in a home; ours has the same. */
const RELEASE = 'dork.db';

/** Where a source is, or would be. */
export interface Place {
  readonly source: LegacySource;
  readonly path: string;
  /** Of a release's dork.db: when it was last in use, in a form that sorts by time. Empty for other sources. */
  readonly age: string;
}

/**
 * Returns where each source is, or would be, the one that says most of a row first.
 *
 * @param home A folder, or the dork.db of a DorkOS release itself.
 * @param own The database that is imported into.
 */
export function placesOf(home: string, own: string): Place[] {
  if (statAt(home)?.isFile()) return [placeOfRelease(home)];
  // A hybrid relay/index.db holds poorer copies of what the others hold.
  const isLast = (source: LegacySource) => source === 'relay/index.db';
  const older = [...OLDER_SOURCES].sort((a, b) => Number(isLast(a)) - Number(isLast(b)));
  return [...releasesIn(home, own), ...older.map((source) => ({ source, path: join(home, source), age: '' }))];
}

/**
 * Returns the dork.db files of releases in a folder, newest first: the one under its own name, and those that were moved
 * aside there.
 */
export function releasesIn(home: string, own: string): Place[] {
  const release = join(home, RELEASE);
  const beside = own !== MEMORY && isSameFolder(dirname(own), home) ? asidesOf(own) : [];
  return [...new Set([release, ...beside, ...asidesOf(release)])]
    .filter((path) => isRelease(path, own))
    .map(placeOfRelease)
    .sort((a, b) => (a.age < b.age ? 1 : a.age > b.age ? -1 : 0));
}

function placeOfRelease(path: string): Place {
  return { source: 'dork.db', path, age: asideStamp(path) ?? lastWritten(path) };
}

function lastWritten(path: string): string {
  const written = ['', '-wal'].map((end) => statSync(path + end, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  // A time in the future would make every later release older than this one.
  return stampOf(new Date(Math.min(Math.max(...written), Date.now())));
}

function isSameFolder(a: string, b: string): boolean {
  return resolve(a) === resolve(b) || isSameFile(a, b);
}

/** True for a database without the mark of this package that is another file than the given one. */
function isRelease(path: string, own: string): boolean {
  const stat = statAt(path);
  if (!stat?.isFile() || stat.size === 0 || isSameFile(path, own)) return false;
  // What this process has open is its own. Closing a descriptor of it would drop the locks of that connection.
  return holdsLock(realFile(path)) !== true && unlessOpen(stat, () => applicationIdOf(path)) === 0;
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
