import { constants, copyFileSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { temporaryName } from '../copies/claim.ts';
import { FILE_MODE, FOLDER_MODE } from '../file/file.ts';
import { fsyncPath } from '../file/flush.ts';
import { isThere } from '../file/fs.ts';
import { markerText, readMarker } from '../file/marker.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { SIDECARS } from '../file/path.ts';

/** The files that will replace a database: the main one in the same folder, the others anywhere. */
export interface Incoming {
  readonly main: string;
  /** Paths by suffix. */
  readonly sidecars: Readonly<Record<string, string>>;
  /** True if these are the previous files, i.e. a restore is undone. */
  readonly isUndo?: boolean;
}

/** Returns the suffixes of the existing sidecars. */
export function sidecarsOf(filename: string): string[] {
  return SIDECARS.filter((suffix) => isThere(filename + suffix));
}

/** Removes a database and its sidecars. */
export function removeSet(filename: string): void {
  for (const suffix of [...SIDECARS, '']) rmSync(filename + suffix, { force: true });
}

/**
 * Links the files of a database into a new folder, so that they are kept when others replace them. The folder gets its
 * name when it is complete.
 */
export function keepSet(filename: string, folder: string): void {
  const partial = temporaryName(folder);
  mkdirSync(partial, { mode: FOLDER_MODE });
  try {
    giveTo(ownerOf(filename), partial);
    for (const suffix of ['', ...sidecarsOf(filename)]) {
      if (isThere(filename + suffix)) keepFile(filename + suffix, join(partial, basename(filename) + suffix));
    }
    fsyncPath(partial);
    renameSync(partial, folder);
    fsyncPath(dirname(folder));
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Links a file. If links are not supported, another process copies it: opening and closing the file in this process
 * would release the lock that keeps others from writing.
 * https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
 */
function keepFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    process.getBuiltinModule('node:child_process').execFileSync('cp', ['-p', '--', from, to], { stdio: 'pipe' });
    fsyncPath(to);
  }
}

/**
 * Links a file, which takes no space or time, or copies it if it is on another disk or the file system has no links.
 */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    fsyncPath(to);
  }
}

/**
 * Replaces the files of a database. The caller ensures that no process has it open. If neither set has sidecars, this
 * is a single rename. Otherwise a marker, which is not a database, replaces the main file while the sidecars are
 * exchanged, so that a main file never has the -wal of another one. A killed process leaves the marker, and {@link
 * finishInstall} does the rest.
 */
export function install(filename: string, incoming: Incoming, replaced: string, finish: string): void {
  if (sidecarsOf(filename).length > 0 || Object.keys(incoming.sidecars).length > 0) {
    // SQLite rebuilds the -shm, so the old set is complete without it. Opening is refused for a marker with a -shm.
    rmSync(`${filename}-shm`, { force: true });
    placeMarker(filename, { ...incoming, replaced }, finish);
    exchangeSidecars(filename, incoming);
  }
  renameSync(incoming.main, filename);
  fsyncPath(dirname(filename));
}

function exchangeSidecars(filename: string, { sidecars }: Incoming): void {
  for (const suffix of SIDECARS) rmSync(filename + suffix, { force: true });
  for (const [suffix, path] of Object.entries(sidecars)) linkOrCopy(path, filename + suffix);
  fsyncPath(dirname(filename));
}

/** The steps left by a restore that was killed. */
export interface Unfinished extends Incoming {
  /** The folder with the previous files. */
  readonly replaced: string;
}

function placeMarker(filename: string, unfinished: Unfinished, finish: string): void {
  const partial = `${filename}.marker`;
  // Relative paths, so that the whole folder can be moved meanwhile.
  const described = withPaths(unfinished, (path) => relative(dirname(filename), path));
  try {
    writeFileSync(partial, markerText('restore', finish, described), { mode: FILE_MODE });
    giveTo(ownerOf(filename), partial);
    fsyncPath(partial);
    renameSync(partial, filename);
  } catch (error) {
    rmSync(partial, { force: true });
    throw error;
  }
  fsyncPath(dirname(filename));
}

/** Returns the remaining steps of a restore into this path that was killed; undefined if there are none. */
export function unfinishedAt(filename: string): Unfinished | undefined {
  const described = readMarker('restore', filename) as Unfinished | undefined;
  return described && withPaths(described, (path) => resolve(dirname(filename), path));
}

function withPaths({ main, sidecars, replaced, isUndo }: Unfinished, map: (path: string) => string): Unfinished {
  const mapped = Object.entries(sidecars).map(([suffix, path]) => [suffix, map(path)]);
  return {
    main: map(main),
    sidecars: Object.fromEntries(mapped),
    replaced: map(replaced),
    ...(isUndo && { isUndo }),
  };
}

/** Does the remaining steps of a killed restore. Repeating them is fine. */
export function finishInstall(filename: string, unfinished: Unfinished): void {
  exchangeSidecars(filename, unfinished);
  renameSync(unfinished.main, filename);
  fsyncPath(dirname(filename));
}
