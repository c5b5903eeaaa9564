import { constants, copyFileSync, linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { temporaryName } from '../copies/claim.ts';
import { FILE_MODE, FOLDER_MODE, mayBeMarker } from '../file/file.ts';
import { fsyncPath } from '../file/flush.ts';
import { isThere } from '../file/fs.ts';
import { markerText, readMarker } from '../file/marker.ts';
import { giveTo, ownerOf } from '../file/owner.ts';

/**
 * What belongs to a database file: its -shm, its -wal, and the -journal of a file that is not in WAL mode. SQLite would
 * apply a -wal or a -journal to whatever file lies beside it. https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use
 */
const SIDECARS = ['-shm', '-wal', '-journal'] as const;

/** The files of a database that are to be put in place: the main one under a name beside its own, others anywhere. */
export interface Incoming {
  readonly main: string;
  /** Paths by suffix. */
  readonly sidecars: Readonly<Record<string, string>>;
  /** True if they are the previous files, which are put back. */
  readonly isUndo?: boolean;
}

/** The suffixes of the sidecars that are there. */
export function sidecarsOf(filename: string): string[] {
  return SIDECARS.filter((suffix) => isThere(filename + suffix));
}

/** Removes a database and its sidecars. */
export function removeSet(filename: string): void {
  for (const suffix of [...SIDECARS, '']) rmSync(filename + suffix, { force: true });
}

/**
 * Gives the files of a database a second name in a new folder, so that they stay when others are put in their place.
 * The folder gets its name when it is complete.
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
 * Where a file cannot have a second name, another process copies it: if this one opened it and closed it again, it would
 * lose the lock that keeps others from writing meanwhile.
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

/** A second name costs no room and no time; another disk, and some file systems, have none to give. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
    fsyncPath(to);
  }
}

/**
 * Puts files in the place of a database's. The caller sees to it that nobody has it open. In one step, where no sidecar
 * is in the way or comes along; else a marker that nobody can take for a database stands in the file's place while the
 * sidecars are exchanged, so that at no moment a main file lies beside another one's -wal. A process that is killed then
 * leaves the marker, and {@link finishInstall} does the rest.
 */
export function install(filename: string, incoming: Incoming, replaced: string, finish: string): void {
  if (sidecarsOf(filename).length > 0 || Object.keys(incoming.sidecars).length > 0) {
    // Without its -shm, which SQLite rebuilds, the old set is still whole. A file that has one is not looked into.
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

/** What a restore that was killed half-way was about to do. */
export interface Unfinished extends Incoming {
  /** The folder with the set that was there. */
  readonly replaced: string;
}

function placeMarker(filename: string, unfinished: Unfinished, finish: string): void {
  const partial = `${filename}.marker`;
  // Relative, so that the whole may be moved meanwhile.
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

/** What a restore into this path was about to do when it was killed; undefined where there was none. */
export function unfinishedAt(filename: string): Unfinished | undefined {
  if (!mayBeMarker(filename)) return undefined;
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

/** Does what a killed restore had not yet done; doing it twice is fine. */
export function finishInstall(filename: string, unfinished: Unfinished): void {
  exchangeSidecars(filename, unfinished);
  renameSync(unfinished.main, filename);
  fsyncPath(dirname(filename));
}
