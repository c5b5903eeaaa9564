import { statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { unlessOpen } from '../../engine/driver/process-files.ts';
import { asideStamp, asidesOf } from '../../engine/file/aside.ts';
import { realFile, statAt } from '../../engine/file/file.ts';
import { holdsLock } from '../../engine/file/file-locks.ts';
import { isSameFile } from '../../engine/file/fs.ts';
import { MEMORY } from '../../engine/file/path.ts';
import { firstBytes } from '../../engine/first-bytes.ts';
import { stampOf } from '../../engine/time.ts';
import type { LegacySource } from './receipt.ts';
import { OLDER_SOURCES } from './schema.ts';

/** The file name of a release's database in a home. Our database has the same name. */
const RELEASE = 'dork.db';

/** The path where a source is, or would be. */
export interface Place {
  readonly source: LegacySource;
  readonly path: string;
  /** When a release's dork.db was last in use, in a form that sorts by time. Empty for other sources. */
  readonly age: string;
}

/**
 * Returns the place of each source, the source with the most data of a row first.
 *
 * @param home A folder, or the dork.db of a DorkOS release.
 * @param own The target database.
 */
export function placesOf(home: string, own: string): Place[] {
  if (statAt(home)?.isFile()) return [placeOfRelease(home)];
  // A hybrid relay/index.db has copies of the other sources' rows with less data.
  const isLast = (source: LegacySource) => source === 'relay/index.db';
  const older = [...OLDER_SOURCES].sort((a, b) => Number(isLast(a)) - Number(isLast(b)));
  return [...releasesIn(home, own), ...older.map((source) => ({ source, path: join(home, source), age: '' }))];
}

/**
 * Returns the dork.db files of releases in a folder, newest first: the file `dork.db` and the files that were moved aside.
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

/** Returns true for a database other than `own` without this package's application_id. */
function isRelease(path: string, own: string): boolean {
  const stat = statAt(path);
  if (!stat?.isFile() || stat.size === 0 || isSameFile(path, own)) return false;
  // A file that this process has open is not a release. Reading it here would drop the locks of that connection.
  return holdsLock(realFile(path)) !== true && unlessOpen(stat, () => applicationIdOf(path)) === 0;
}

/** Reads the application_id from the header. Returns undefined for an unreadable file. https://sqlite.org/fileformat2.html */
function applicationIdOf(path: string): number | undefined {
  try {
    const header = firstBytes(path, 72);
    return header.length === 72 ? header.readUInt32BE(68) : undefined;
  } catch {
    return undefined;
  }
}
