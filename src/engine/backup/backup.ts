import { basename, dirname, join } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { Making, targetExists } from '../copies/making.ts';
import { assertRoom } from '../copies/room.ts';
import { isCopyName, isInTheMaking, sweep } from '../copies/sweep.ts';
import { definitionOf, kitOf, openingOf } from '../definition.ts';
import { BackupError, ClosedError, DorkDbError, InvalidInputError } from '../errors.ts';
import { backupFolder, copyName } from '../file/copy-name.ts';
import { foreignOf } from '../file/foreign.ts';
import { freePath } from '../file/free-path.ts';
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

/** Options for `backup()`. */
export interface BackupOptions {
  /** The file to create. It must not exist, but its folder must. */
  readonly to?: string;
  /** The folder for the new file. Default: `backups` next to the database. It is created with mode 0700. */
  readonly dir?: string;
  /** A label that becomes part of the file's name, e.g. `before the upgrade`. Only without `to`. */
  readonly label?: string;
  /** True to also compare every index of the copy with its table and check every foreign key. Default false. */
  readonly deep?: boolean;
  /**
   * Called ten times a second. If it throws, the copy is removed, and `backup()` fails with that error after the
   * copying.
   */
  readonly onProgress?: (progress: BackupProgress) => void;
}

const OPTIONS: OptionNames<BackupOptions> = { to: true, dir: true, label: true, deep: true, onProgress: true };

/** A finished and verified backup. */
export type BackupReport = VerifyReport;

/**
 * Copies the current state of a database into a new file, while others write. A separate thread creates and verifies
 * the copy under a temporary name, which is not listed as a backup. The copy gets its name, with mode 0600, when it is
 * verified and flushed to the disk, and that name is on the disk when the promise resolves.
 *
 * Closing the database meanwhile cancels the backup and leaves no file, but the process may not exit before the copying
 * ends.
 *
 * @throws BackupError with the reason as its code (`NO_ROOM`, `TARGET_EXISTS`, `FOLDER_MISSING`, `IN_MEMORY`, those of
 * `verifyBackup()`, SQLite's own). No file was created.
 * @throws ClosedError if the database is closed, or is closed before the backup is done.
 * @throws InvalidInputError for an invalid path or label, or if `deep` is not a boolean.
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

/** Options for {@link backupTo}. */
export interface BackupToOptions extends Pick<BackupOptions, 'deep' | 'onProgress'> {
  /** A folder that was created for the backup. It is removed if the backup fails. */
  readonly createdFolder?: string | undefined;
}

/** Creates a backup at a path. */
export async function backupTo(
  connection: Connection,
  to: string,
  { deep = false, onProgress, createdFolder }: BackupToOptions,
): Promise<BackupReport> {
  const started = performance.now();
  const { filename } = connection;
  const listener = new Listener(onProgress);
  // Before the first await, so that no other backup of this process takes the name.
  if (isInTheMaking(connection.adapter, to)) throw beingMade(to);
  await using copy = new Making(connection.adapter, to, { createdFolder });
  const foreign = foreignOf(connection, openingOf(definitionOf(connection)));
  if (foreign) {
    const what = `${filename} ${foreign.what}. No backup of it was made, and it was not changed.`;
    throw new BackupError(foreign.code, what, { hint: foreign.hint });
  }
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
    throw failureOf(BackupError, error, what, 'Check the folder of the backup and its disk, then try again.');
  } finally {
    stopWatching();
    await thread?.[Symbol.asyncDispose]();
  }
}

function beingMade(to: string): BackupError {
  return new BackupError('RUNNING', `${to} is already being created. No other copy was made.`, {
    hint: 'Wait until it is finished.',
    retryable: true,
  });
}

/**
 * Removes the leftovers of killed processes: unfinished copies in the backup folder, and those of compactions next to
 * the file.
 */
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
  // A separate connection, because the other one may be iterating over rows.
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

/** Returns the maximum size of a copy, which does not include free pages. */
async function contentBytes(source: ThreadConnection): Promise<number> {
  const read = async (name: string) => Number(Object.values((await source.all(`PRAGMA ${name}`))[0] ?? {})[0]);
  return ((await read('page_count')) - (await read('freelist_count'))) * (await read('page_size'));
}

/**
 * Passive checkpoints do not wait for other connections or block them. While others write, each round leaves fewer
 * pages.
 */
const ROUNDS = 5;
/** This few pages are left to the next write. */
const FEW_PAGES = 1000;

/**
 * Moves the pages that gathered in the -wal during the copying into the file. Otherwise the event loop would have to.
 */
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

/** Returns the file to create, in an existing folder. */
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
  if (dir !== undefined) throw new InvalidInputError('options.dir', 'cannot be used with options.to');
  if (tag !== undefined) throw new InvalidInputError('options.label', 'cannot be used with options.to');
  const path = databasePath(to, 'options.to');
  if (path === MEMORY) throw new InvalidInputError('options.to', 'must be the path of a file');
  requireFolder(dirname(path), BackupError, 'No backup was made.');
  if (isThere(path)) throw targetExists(path);
  return { to: path };
}

/** @throws BackupError `IN_MEMORY` */
export function refuseMemory({ filename }: Connection): void {
  if (filename !== MEMORY) return;
  throw new BackupError('IN_MEMORY', 'A database in memory has no file to copy. No backup was made.', {
    hint: 'Open a file, or copy it with VACUUM INTO.',
  });
}

/** Returns a new path, also for two backups in the same millisecond. */
function freeName({ adapter, filename }: Connection, folder: string, tag: string | undefined): string {
  return freePath(
    (at) => join(folder, copyName(folder, filename, 'backup', at, tag)),
    (path) => !isThere(path) && !isInTheMaking(adapter, path),
  );
}
