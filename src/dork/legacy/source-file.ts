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

/** The endings of files that belong to a database. A -shm holds no data: its readers only share it. */
const COMPANIONS = ['-wal', '-journal'] as const;

/** Milliseconds to wait for a lock on an older file. */
const LOCK_TIMEOUT_MS = 2000;

/** How often a copy is repeated if the file was written meanwhile. */
const COPY_TRIES = 20;

/** The resolution of file times. A file that was just written may be written again without a change of its time. */
const TICK_MS = 20;

/** An older file, before it is opened. */
export interface SourceFile {
  /** The path, with symbolic links resolved. */
  readonly path: string;
  /** Bytes of the file and its -wal. */
  readonly size: number;
  /** Changes when the file or its -wal is written. */
  readonly fingerprint: string;
}

/** Returns the error for a source of which nothing was imported. Its file is unchanged. */
export function refusal(code: string, path: string, problem: string, hint: string, cause?: unknown): ImportError {
  const retryable = code === 'SOURCE_LOCKED' || code === 'SOURCE_BUSY';
  const message = `${path} ${problem}. Nothing of it was imported, and it was not changed.`;
  return new ImportError(code, message, { hint, retryable, cause });
}

/**
 * Finds an older file.
 *
 * @returns undefined if there is no file.
 * @throws ImportError if it is not a regular file or is not accessible.
 */
export function findSource(path: string): SourceFile | undefined {
  try {
    if (!lstatSync(path, { throwIfNoEntry: false })) return undefined;
    const target = realpathSync(path);
    const { size, isFile } = describe(target);
    if (!isFile) throw refusal('NOT_A_FILE', path, 'must be a regular file', 'Move it away, and import again.');
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

/** Returns the sizes and times of a file and its companions. */
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
 * Copies a database with its -wal into a folder. SQLite recovers and reads the copy, so that the original's folder is not
 * written: even reading a WAL-mode file creates files next to it. The copy has mode 0600.
 *
 * @returns The copy's path.
 * @throws ImportError if the file is locked, unreadable, or written continuously.
 */
export function copySource(connection: Connection, source: SourceFile, folder: string): string {
  assertNotLocked(connection, source.path);
  const free = freeBytes(folder);
  if (free < source.size) {
    throw refusal(
      'NO_ROOM',
      source.path,
      `has ${source.size} bytes, and the folder for its copy, ${folder}, has ${free} bytes free`,
      'Free space on the disk, and import again.',
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
    'is written continuously',
    'Stop the older server and import again, or import again when the server is less busy.',
  );
}

/** Returns the fingerprint of a file; undefined if the file was just written, so that another write may not change it. */
function settledFingerprint(path: string): string | undefined {
  if (isFresh(path)) sleepSync(2 * TICK_MS);
  return isFresh(path) ? undefined : fingerprintOf(path);
}

function isFresh(path: string): boolean {
  const ages = ['', ...COMPANIONS].map(
    (end) => Date.now() - (statSync(path + end, { throwIfNoEntry: false })?.mtimeMs ?? 0),
  );
  // A time in the future is ignored.
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
      // A -wal may be removed at any moment. The fingerprint then differs, and the copy is repeated.
      if (end === '' || isThere(from + end)) throw unreadable(from + end, error);
    }
  }
}

/**
 * Returns false only if there is no file: a copy without an inaccessible -wal would lack commits.
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

/** Returns true if this process may have the file open. In WAL mode, an open file has a -shm next to it. */
function isOpenHere(path: string): boolean {
  // On Windows, locks belong to the descriptor that took them.
  if (process.platform === 'win32') return false;
  const folder = '/proc/self/fd';
  if (!isThere(folder)) return isThere(`${path}-shm`);
  return readdirSync(folder).some((fd) => {
    try {
      return readlinkSync(join(folder, fd)) === path;
    } catch {
      // This was the descriptor for reading the folder, which is closed again.
      return false;
    }
  });
}

/** Copies a file. Closing a descriptor drops this process's locks on a file, so another process copies a file open here. */
function copyFile(from: string, to: string, inOtherProcess: boolean): void {
  // Loaded here: an import costs Bun 3 ms at each start.
  if (inOtherProcess)
    process.getBuiltinModule('node:child_process').execFileSync('cp', ['--', from, to], { stdio: 'ignore' });
  else copyFileSync(from, to, constants.COPYFILE_FICLONE);
}

/**
 * Waits a while for a server that locks others out. The check changes nothing: a read-only connection with exclusive
 * locking either finds the other's lock first, or is refused its own (or reads, if the file is not in WAL mode). It never
 * opens or creates a -wal or -shm.
 */
function assertNotLocked(connection: Connection, path: string): void {
  // The check would also find the locks of this process.
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
