import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { freeBytes } from '../../engine/copies/room.ts';
import { DatabaseBusyError, ImportError } from '../../engine/errors.ts';
import { FILE_MODE } from '../../engine/file/file.ts';
import { lockHolders } from '../../engine/file/file-locks.ts';
import { checkOwner } from '../../engine/hints.ts';
import { isError } from '../../engine/realm.ts';
import { sleepSync } from '../../engine/sleep.ts';

/** What belongs to a database besides its file. A -shm is only what its readers share. */
const COMPANIONS = ['-wal', '-journal'] as const;

/** How long a lock on an older file is waited for, in milliseconds. */
const LOCK_TIMEOUT_MS = 2000;

/** How often a copy is made anew where the file was written meanwhile. */
const COPY_TRIES = 20;

/** File systems tell the time of a write in ticks; a file that was written within one may be written again in it. */
const TICK_MS = 20;

/** What is at the place of an older file. */
export interface SourceFile {
  /** As it was found, through links. */
  readonly path: string;
  /** Bytes of the file and its -wal. */
  readonly size: number;
  /** Changes when the file or its -wal is written. */
  readonly fingerprint: string;
}

/** Why nothing of a source was imported. Its file is as it was. */
export function refusal(code: string, path: string, problem: string, hint: string, cause?: unknown): ImportError {
  const retryable = code === 'SOURCE_LOCKED' || code === 'SOURCE_BUSY';
  const message = `${path} ${problem}. Nothing of it was imported, and it was not changed.`;
  return new ImportError(code, message, { hint, retryable, cause });
}

/**
 * Looks at the place of an older file.
 *
 * @returns undefined where there is nothing.
 * @throws ImportError where something else than a file is there, or it cannot be looked at.
 */
export function findSource(path: string): SourceFile | undefined {
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) return undefined;
    const target = realpathSync(path);
    const { size, isFile } = describe(target);
    if (!isFile) throw refusal('NOT_A_FILE', path, 'is not a regular file', 'Look at what is there, and move it away.');
    return { path: target, size: size + describe(`${target}-wal`).size, fingerprint: fingerprintOf(target) };
  } catch (error) {
    if (error instanceof ImportError) throw error;
    throw unreadable(path, error);
  }
}

function describe(path: string): { size: number; isFile: boolean } {
  const stat = statSync(path, { throwIfNoEntry: false });
  return { size: stat?.size ?? 0, isFile: stat?.isFile() ?? false };
}

/** Sizes and times of a file and of what belongs to it. */
function fingerprintOf(path: string): string {
  return ['', ...COMPANIONS]
    .map((end) => {
      const stat = statSync(path + end, { throwIfNoEntry: false, bigint: true });
      return stat?.size ? `${end}${stat.size}@${stat.mtimeNs}` : '';
    })
    .filter(Boolean)
    .join(' ');
}

function unreadable(path: string, cause: unknown): ImportError {
  const code = isError(cause) && 'code' in cause ? ` (${cause.code})` : '';
  return refusal('UNREADABLE', path, `cannot be read${code}`, checkOwner('the file'), cause);
}

/**
 * Copies a database with its -wal into a folder, so that SQLite can recover and read the copy and leaves the file and
 * its folder alone: even reading a WAL-mode file writes beside it. The copy has mode 0600.
 *
 * @returns The copy's path.
 * @throws ImportError where the file is locked, is written all the time, or cannot be read.
 */
export function copySource(connection: Connection, source: SourceFile, folder: string): string {
  assertNotLocked(connection, source.path);
  const free = freeBytes(folder);
  if (free < source.size) {
    throw refusal(
      'NO_ROOM',
      source.path,
      `has ${source.size} bytes, and the folder for its copy, ${folder}, has ${free} bytes free`,
      'Make room on the disk and import again.',
    );
  }
  const to = join(folder, basename(source.path));
  for (let tries = 0; tries < COPY_TRIES; tries++) {
    const before = settledFingerprint(source.path);
    if (before === undefined) continue;
    copyFiles(source.path, to);
    if (fingerprintOf(source.path) === before) return to;
  }
  throw refusal(
    'SOURCE_BUSY',
    source.path,
    'is written all the time',
    'Stop the older server, then import again; or import again when it has less to do.',
  );
}

/** The fingerprint of a file; undefined where it was written just now, so that another write may not show in it. */
function settledFingerprint(path: string): string | undefined {
  if (isFresh(path)) sleepSync(2 * TICK_MS);
  return isFresh(path) ? undefined : fingerprintOf(path);
}

function isFresh(path: string): boolean {
  const ages = ['', ...COMPANIONS].map(
    (end) => Date.now() - (statSync(path + end, { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
  // A time in the future says nothing.
  return ages.some((age) => age >= 0 && age < TICK_MS);
}

function copyFiles(from: string, to: string): void {
  for (const end of ['', ...COMPANIONS]) {
    rmSync(to + end, { force: true });
    if (!isThere(from + end)) continue;
    try {
      copyFile(from + end, to + end, isOpenHere(from));
      chmodSync(to + end, FILE_MODE);
    } catch (error) {
      // A -wal may go at any moment; the fingerprint then differs, and the copy is made again.
      if (end === '' || isThere(from + end)) throw unreadable(from + end, error);
    }
  }
}

/**
 * False only if there is nothing: a copy without a -wal that could not be looked at would lack commits.
 *
 * @throws ImportError `UNREADABLE`
 */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** True where this process has the file open, or may have: SQLite has a -shm beside a file that is open in WAL mode. */
function isOpenHere(path: string): boolean {
  // There, locks belong to the descriptor that took them.
  if (process.platform === 'win32') return false;
  const folder = '/proc/self/fd';
  if (!isThere(folder)) return isThere(`${path}-shm`);
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === path;
    } catch {
      // The descriptor by which the folder was read is gone.
      return false;
    }
  });
}

/** Closing a descriptor drops the locks that the process has on the file, so a file that is open here is copied elsewhere. */
function copyFile(from: string, to: string, inOtherProcess: boolean): void {
  // Loaded here: an import costs Bun 3 ms at each start.
  if (inOtherProcess)
    process.getBuiltinModule('node:child_process').execFileSync('cp', ['--', from, to], { stdio: 'ignore' });
  else copyFileSync(from, to, constants.COPYFILE_FICLONE);
}

/**
 * A server that locks others out is waited for a while. The question changes nothing: a read-only connection that asks
 * for exclusive access either meets the other's lock first, or is refused its own (or, where the file is not in WAL
 * mode, reads), and never comes to open or to create a -wal or a -shm.
 */
function assertNotLocked(connection: Connection, path: string): void {
  // It would meet the locks of this process as well.
  if (isOpenHere(path)) {
    if (lockHolders(path)?.some(({ locks }) => locks.includes('exclusive'))) throw locked(path);
    return;
  }
  try {
    using probe = connection.sibling(path, { readonly: true });
    probe.exec(`PRAGMA busy_timeout = ${LOCK_TIMEOUT_MS}`);
    probe.exec('PRAGMA locking_mode = EXCLUSIVE');
    probe.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (cause) {
    if (cause instanceof DatabaseBusyError) throw locked(path, cause);
  }
}

function locked(path: string, cause?: unknown): ImportError {
  return refusal('SOURCE_LOCKED', path, 'is locked', 'Stop the older server, then import again.', cause);
}
