import { basename, dirname, join } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { Making, targetExists } from '../copies/making.ts';
import { assertRoom } from '../copies/room.ts';
import { isCopyName, isInTheMaking, sweep } from '../copies/sweep.ts';
import { kitOf } from '../definition.ts';
import { BackupError, ClosedError, DorkDbError, InvalidInputError } from '../errors.ts';
import { backupFolder, copyName } from '../file/copy-name.ts';
import { isThere } from '../file/fs.ts';
import { ownerOf } from '../file/owner.ts';
import { databasePath, MEMORY } from '../file/path.ts';
import { flagArgument } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { startThread, type Thread, type ThreadConnection } from '../worker/thread.ts';
import { type BackupProgress, fillFrom } from './copy.ts';
import { failureOf } from './failure.ts';
import { prepareFolder, requireFolder } from './folder.ts';
import { labelTag } from './label.ts';
import { Listener } from './listener.ts';
import { pauseCheckpoints, whileOpen } from './running.ts';
import { type VerifyReport, verify } from './verify.ts';

/** What `backup()` takes. */
export interface BackupOptions {
  /** The file to make; it must not exist, and its folder must. */
  readonly to?: string;
  /** The folder to make a file in. Default: `backups` beside the database. It is created with mode 0700. */
  readonly dir?: string;
  /** What it is for, as `before the upgrade`: it becomes a part of the file's name. Only without `to`. */
  readonly label?: string;
  /** True to compare every index with its table and follow every foreign key of the copy too. Default false. */
  readonly deep?: boolean;
  /** Called ten times a second. What it throws is what the caller gets, when the copy is made; the copy is removed. */
  readonly onProgress?: (progress: BackupProgress) => void;
}

const OPTIONS: OptionNames<BackupOptions> = { to: true, dir: true, label: true, deep: true, onProgress: true };

/** A backup that was made and read back. */
export type BackupReport = VerifyReport;

/**
 * Copies a database, as it is at this moment, into a new file, while others write. The copy is made and read back by a
 * thread of its own, under a temporary name that no listing counts; it gets its name when it is proved, flushed to the
 * disk, with mode 0600.
 *
 * Closing the database meanwhile ends it: nothing is left behind, though the process may need until the copy's end to
 * exit.
 *
 * @throws BackupError; the code says why (`NO_ROOM`, `TARGET_EXISTS`, `FOLDER_MISSING`, `IN_MEMORY`, those of
 * `verifyBackup()`, SQLite's own). No file was made.
 * @throws ClosedError where the database is closed, or was closed before the backup was done.
 * @throws InvalidInputError for a path or a label that cannot be one, and where `deep` is not true or false.
 *
 * @example
 * ```ts
 * const { path, bytes, sha256 } = await backup(db, { label: 'before the upgrade' });
 * ```
 */
export async function backup(db: AnyDb, options: BackupOptions = {}): Promise<BackupReport> {
  const connection = connectionOf(db);
  optionsArgument(options, OPTIONS);
  const deep = flagArgument(options.deep, 'options.deep');
  const { to, createdFolder } = targetOf(connection, options);
  return await backupTo(connection, to, { ...options, deep, createdFolder });
}

/** Options of {@link backupTo}. */
export interface BackupToOptions extends Pick<BackupOptions, 'deep' | 'onProgress'> {
  /** A folder that was created for the backup: it goes if no backup is made. */
  readonly createdFolder?: string | undefined;
}

/** Makes a backup at a path. */
export async function backupTo(
  connection: Connection,
  to: string,
  { deep = false, onProgress, createdFolder }: BackupToOptions,
): Promise<BackupReport> {
  const started = performance.now();
  const { filename } = connection;
  const listener = new Listener(onProgress);
  // Before anything is waited for, so that no other backup of this process takes the name.
  if (isInTheMaking(connection.adapter, to)) throw beingMade(to);
  await using copy = new Making(connection.adapter, to, { createdFolder });
  let thread: Thread | undefined;
  const stopWatching = whileOpen(connection, () => {
    thread?.abandon(new ClosedError(filename));
    copy.discard();
  });
  try {
    await sweepFor(connection, to);
    thread = await startThread(connection.adapter);
    connection.assertOpen();
    await fill(thread, connection, copy, listener);
    const report = await verify(kitOf(connection), thread, copy.path, deep);
    connection.assertOpen();
    await copy.publish();
    return { ...report, path: to, durationMs: performance.now() - started };
  } catch (error) {
    if (listener.threw(error)) throw error;
    const what = `No backup of ${filename} was made, and it was not changed.`;
    throw failureOf(BackupError, error, what, 'Look at the folder of the backup and its disk, and call again.');
  } finally {
    stopWatching();
    await thread?.[Symbol.asyncDispose]();
  }
}

function beingMade(to: string): BackupError {
  return new BackupError('RUNNING', `${to} is being made. No other copy was made.`, {
    hint: 'Wait for the other one.',
    retryable: true,
  });
}

/** Removes what killed processes left: half copies in the folder of this one, and of a compaction next to the file. */
async function sweepFor({ adapter, filename }: Connection, to: string): Promise<void> {
  await sweep(adapter, dirname(to), (name) => isCopyName(name) || name === basename(to));
  await sweep(adapter, dirname(filename), (name) => name === basename(filename));
}

async function fill(
  thread: Thread,
  connection: Connection,
  copy: Making,
  listener: Listener<BackupProgress>,
): Promise<void> {
  const { filename, readonly, isImmutable: isClosed } = connection;
  // Of the thread's own connection, since the other may be in the midst of a loop over rows.
  const source = await thread.open(filename, { readonly, isClosed });
  await source.all(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const totalBytes = await contentBytes(source);
  assertRoom(dirname(copy.path), totalBytes, `a copy of ${filename}`);
  const resumeCheckpoints = pauseCheckpoints(connection);
  try {
    await fillFrom(source, copy, totalBytes, ownerOf(filename), listener);
    if (!readonly) await checkpoint(source);
  } finally {
    resumeCheckpoints();
  }
  await source.close();
}

/** What a copy has at most: free pages are not copied. */
async function contentBytes(source: ThreadConnection): Promise<number> {
  const read = async (name: string) => Number(Object.values((await source.all(`PRAGMA ${name}`))[0] ?? {})[0]);
  return ((await read('page_count')) - (await read('freelist_count'))) * (await read('page_size'));
}

/** Passive: it waits for nobody, and nobody for it. While others write, each round leaves less to the next. */
const ROUNDS = 5;
/** So little is left to the next write. */
const FEW_PAGES = 1000;

/** Moves what the copy kept in the -wal into the file, since the event loop would otherwise have to. */
async function checkpoint(source: ThreadConnection): Promise<void> {
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const [state] = await source.all<{ log: number; checkpointed: number }>('PRAGMA wal_checkpoint(PASSIVE)');
      if (!state || state.log - state.checkpointed < FEW_PAGES) return;
    }
  } catch (error) {
    // The next write does it.
    if (!(error instanceof DorkDbError) || error instanceof ClosedError) throw error;
  }
}

/** The file to make, in a folder that is there. */
function targetOf(
  connection: Connection,
  { to, dir, label }: BackupOptions,
): { readonly to: string; readonly createdFolder?: string | undefined } {
  const { filename } = connection;
  connection.assertOpen();
  refuseMemory(connection);
  const tag = labelTag(label);
  if (to === undefined) {
    const folder = dir === undefined ? backupFolder(filename) : databasePath(dir, 'options.dir');
    const createdFolder = prepareFolder(folder, filename);
    return { to: freeName(connection, folder, tag), createdFolder };
  }
  if (dir !== undefined) throw new InvalidInputError('options.dir', 'is given beside options.to');
  if (tag !== undefined) throw new InvalidInputError('options.label', 'is given beside options.to, which has a name');
  const path = databasePath(to, 'options.to');
  if (path === MEMORY) throw new InvalidInputError('options.to', 'is not the path of a file');
  requireFolder(dirname(path), BackupError, 'No backup was made.');
  if (isThere(path)) throw targetExists(path);
  return { to: path };
}

/** @throws BackupError `IN_MEMORY` */
export function refuseMemory({ filename }: Connection): void {
  if (filename !== MEMORY) return;
  throw new BackupError('IN_MEMORY', 'A database in memory has no file that could be copied. No backup was made.', {
    hint: 'Open a file, or copy it with VACUUM INTO.',
  });
}

/** Two backups of one millisecond get two names. */
function freeName({ adapter, filename }: Connection, folder: string, tag: string | undefined): string {
  for (let at = Date.now(); ; at++) {
    const path = join(folder, copyName(folder, filename, 'backup', new Date(at), tag));
    if (!isThere(path) && !isInTheMaking(adapter, path)) return path;
  }
}
