import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { unlessOpen } from '../driver/process-files.ts';
import { DatabaseOpenError } from '../errors.ts';
import { firstBytes, MAGIC } from '../first-bytes.ts';
import { checkOwner } from '../hints.ts';
import { backupFolder, isOf, parseCopyName } from './copy-name.ts';
import { hasCode, isThere, LOOP_HINT, linkLoop, statOrUndefined } from './fs.ts';
import { markerRefusal, mayBeMarker } from './marker.ts';
import { shellQuoted } from './path.ts';

/** Read and write for the owner only. SQLite creates the -wal and -shm with the mode of their database. */
export const FILE_MODE = 0o600;
export const FOLDER_MODE = 0o700;

function refuse(code: string, message: string, hint: string, cause?: unknown): never {
  throw new DatabaseOpenError(code, `${message} Nothing was created or changed.`, { hint, cause });
}

/** Runs a file system operation, and refuses the opening if it fails. */
export function attempt<T>(act: () => T, code: string, message: string, hint: string): T {
  try {
    return act();
  } catch (cause) {
    refuse(code, message, hint, cause);
  }
}

/**
 * Returns the stat of a path, following links; undefined if it does not exist, or if a part of the path is
 * inaccessible, not a folder, or an invalid name.
 */
export function statAt(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function sizeOf(path: string): number | undefined {
  return statAt(path)?.size;
}

/** Returns true if the backup folder has a snapshot or a backup of this file. */
function hasBackups(filename: string): boolean {
  const folder = backupFolder(filename);
  if (!statOrUndefined(folder)?.isDirectory()) return false;
  const names = attempt(
    () => readdirSync(folder),
    'FOLDER_UNREADABLE',
    `${filename} is missing or empty, and the folder of its backups, ${folder}, is unreadable.`,
    checkOwner('that folder'),
  );
  return names.some((name) => {
    const parsed = parseCopyName(name);
    return parsed !== undefined && isOf(parsed, folder, filename);
  });
}

/** The reason why no file can be created in a folder, and what to do. */
export interface FolderProblem {
  readonly code: 'FOLDER_MISSING' | 'FOLDER_UNREADABLE';
  readonly problem: string;
  readonly hint: string;
  readonly cause?: unknown;
}

/** Returns undefined for an existing folder. SQLite's own message for a missing one is only "unable to open". */
export function folderProblem(folder: string): FolderProblem | undefined {
  let stat: Stats | undefined;
  try {
    stat = statSync(folder, { throwIfNoEntry: false });
  } catch (cause) {
    const isLoop = hasCode(cause, 'ELOOP');
    return {
      code: 'FOLDER_UNREADABLE',
      problem: isLoop ? `${folder} is a symbolic link that leads to itself.` : `The folder ${folder} cannot be read.`,
      hint: isLoop ? LOOP_HINT : checkOwner('the folder and of those above it'),
      cause,
    };
  }
  if (stat?.isDirectory()) return undefined;
  if (stat) {
    return {
      code: 'FOLDER_MISSING',
      problem: `${folder} is not a folder.`,
      hint: 'Pass the path of a file in an existing folder.',
    };
  }
  return {
    code: 'FOLDER_MISSING',
    problem: `The folder ${folder} does not exist (or its disk is not mounted).`,
    hint: `Create it first: mkdir -m 700 -p ${shellQuoted(folder)}`,
  };
}

function checkFolder(filename: string): void {
  const found = folderProblem(dirname(filename));
  if (found) refuse(found.code, found.problem, found.hint, found.cause);
}

/** Throws unless the path is unused or a regular file. */
function checkKind(filename: string): Stats | undefined {
  const [code, message] = ['FOLDER_UNREADABLE', `The folder ${dirname(filename)} cannot be entered.`];
  const hint = checkOwner('the folder and of those above it');
  const entry = attempt(() => lstatSync(filename, { throwIfNoEntry: false }), code, message, hint);
  let target: Stats | undefined;
  try {
    target = statSync(filename, { throwIfNoEntry: false });
  } catch (cause) {
    if (hasCode(cause, 'ELOOP')) throw linkLoop(`${filename} is a symbolic link`, cause);
    refuse(code, message, hint, cause);
  }
  if (!entry) return undefined;
  if (!target)
    refuse(
      'DANGLING_LINK',
      `${filename} is a symbolic link to a file that does not exist.`,
      'Mount or restore what the link points to, or remove the link.',
    );
  if (target.isDirectory()) refuse('IS_A_FOLDER', `${filename} is a folder.`, 'Pass the path of a file in it.');
  if (!target.isFile()) refuse('NOT_A_FILE', `${filename} is not a regular file.`, 'Pass the path of a database file.');
  return target;
}

/** Reads the first 100 bytes; those that a shorter file lacks are 0. https://sqlite.org/fileformat2.html#the_database_header */
function readHeader(filename: string): Buffer {
  try {
    return Buffer.concat([firstBytes(filename, 100)], 100);
  } catch (cause) {
    refuse('FILE_UNREADABLE', `${filename} cannot be read.`, checkOwner('the file'), cause);
  }
}

function refuseMarker(filename: string, header: Buffer): void {
  const found = markerRefusal(filename, header);
  if (found) refuse(found.code, found.message, found.hint);
}

/**
 * Checks that the header is SQLite's and that the file has the length in its header, unless a -wal or a -journal has
 * the rest.
 *
 * @returns The application_id.
 */
function checkHeader(filename: string, header: Buffer, size: number, hasLog: boolean): number {
  if (header.toString('latin1', 0, 16) !== MAGIC) {
    refuse(
      'NOT_A_DATABASE',
      `${filename} is not a SQLite database.`,
      'Pass another path. If this was a database, restore its newest backup.',
    );
  }
  const applicationId = header.readUInt32BE(68);
  if (hasLog) return applicationId;
  const pageSize = header.readUInt16BE(16) === 1 ? 65536 : header.readUInt16BE(16);
  const isCountValid = header.readUInt32BE(24) === header.readUInt32BE(92);
  const pages = isCountValid ? header.readUInt32BE(28) : 1;
  if (size % pageSize !== 0 || size < pages * pageSize) {
    refuse(
      'TRUNCATED',
      `${filename} is cut off: its header has ${pages} pages of ${pageSize} bytes, but the file has only ${size} bytes.`,
      'Keep the file and the files next to it unchanged, and restore the newest backup.',
    );
  }
  return applicationId;
}

/** The state of a file by its bytes. */
export interface FileState {
  /** True if there is no file, or an empty one without related files that indicate lost data. */
  readonly isNew: boolean;
  /** `PRAGMA application_id` in the header; a -wal may have a newer one. 0 if the header was not read. */
  readonly applicationId: number;
  /** True if the file has a -wal that is not empty. */
  readonly hasWal: boolean;
  /** The file as it was before its header was read; undefined if it is new. */
  readonly present?: Stats;
}

/** Looks at a path whose answers contradict each other, e.g. on a disk that fails at every second call. */
const MOST_LOOKS = 5;

/**
 * Checks the file at a path before it is opened by a driver.
 *
 * @param path The path that errors name.
 * @param filename The real file: of a link, the -wal and the -shm are next to what it leads to.
 * @param looks How many times the path was looked at, with this one: a file may be created between two looks.
 * @throws DatabaseOpenError, having changed nothing.
 */
export function inspectFile(path: string, filename = realFileIfAny(path), looks = 1): FileState {
  // The -wal is checked before the file, so that a file that another process is just filling is not considered to have
  // lost its content.
  const wal = sizeOf(`${filename}-wal`) ?? 0;
  const file = statAt(filename);
  if (file?.isFile() && file.size > 0) {
    const hasWal = wal > 0;
    // Each of our connections has a -shm. A file that SQLite may have open, in this or another process, must only be
    // opened by SQLite: not every connection of this process is one of ours, and closing a descriptor of the file
    // releases the locks of this process.
    const isOpen = isThere(`${filename}-shm`);
    // A power failure may bring back a -shm that was removed before the marker was created.
    const isRead = !isOpen || mayBeMarker(file);
    const header = isRead ? unlessOpen(file, () => readHeader(path)) : undefined;
    if (header) refuseMarker(path, header);
    // A process that was killed while writing may leave half a first page, which SQLite restores from the -journal.
    const isWhole = header && !isOpen && !sizeOf(`${filename}-journal`);
    const applicationId = isWhole ? checkHeader(path, header, file.size, hasWal) : 0;
    return { isNew: false, applicationId, hasWal, present: file };
  }
  checkFolder(path);
  const found = checkKind(path);
  if (!file && found && found.size > 0) {
    // Another process has just created it, or the first look failed.
    if (looks < MOST_LOOKS) return inspectFile(path, realFileIfAny(path), looks + 1);
    refuse('FILE_UNREADABLE', `It is unknown whether ${path} exists.`, 'Check the disk, then try again.');
  }
  const state = file ? 'is empty' : 'is missing';
  if (wal > 0) {
    refuse(
      'LOST_MAIN_FILE',
      `${path} ${state}, but its -wal of ${wal} bytes exists: it held data.`,
      'Put the file back next to its -wal, or move the -wal away and restore the newest backup.',
    );
  }
  if (hasBackups(path)) {
    refuse(
      file ? 'LOST_CONTENT' : 'LOST_MAIN_FILE',
      `${path} ${state}, but there are backups of it in ${backupFolder(path)}: it held data.`,
      'Restore the newest backup, or move the backups away to begin with an empty database.',
    );
  }
  return { isNew: true, applicationId: 0, hasWal: false };
}

/** @throws DatabaseOpenError if there is no database. */
export function requireFile(filename: string, hint = 'Pass the path of a database.'): void {
  if (inspectFile(filename).isNew) refuse('FILE_MISSING', `${filename} does not exist or is empty.`, hint);
}

/** Resolves a symbolic link, because the -wal and the backups are next to the real file. */
export function realFile(filename: string): string {
  try {
    return realpathSync.native(filename);
  } catch {
    return join(realpathSync.native(dirname(filename)), basename(filename));
  }
}

/** Is {@link realFile}, but returns the path itself if its folder does not exist or is inaccessible. */
export function realFileIfAny(path: string): string {
  try {
    return realFile(path);
  } catch {
    return path;
  }
}
