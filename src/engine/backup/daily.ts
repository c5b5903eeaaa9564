import { renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { kitOf } from '../definition.ts';
import { BackupError } from '../errors.ts';
import { backupFolder, copyName } from '../file/copy-name.ts';
import { freePath } from '../file/free-path.ts';
import { isThere } from '../file/fs.ts';
import { databasePath } from '../file/path.ts';
import { checkOwner } from '../hints.ts';
import { flagArgument } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { type BackupOptions, type BackupReport, type BackupToOptions, backupTo, refuseMemory } from './backup.ts';
import { failureOf } from './failure.ts';
import { prepareFolder } from './folder.ts';
import { type CopyState, look } from './look.ts';

/** The result of `backupDaily()`. */
export type DailyReport = { readonly path: string } & (
  | { readonly isNew: true; readonly backup: BackupReport }
  /** The backup of this day already existed; its details are from a quick check. */
  | { readonly isNew: false; readonly backup: Pick<CopyState, 'bytes' | 'migration'> }
);

const OPTIONS: OptionNames<Pick<BackupOptions, 'deep' | 'onProgress'>> = { deep: true, onProgress: true };

/**
 * Creates the backup of this UTC day if there is none yet. It is meant for the timer of a server: calling it again on
 * the same day, even in another process, creates no second backup. An existing backup that is no longer usable is
 * renamed to `….db.1763889000000.damaged`, with the current time in milliseconds.
 *
 * @param dir Default: `backups` next to the database.
 * @throws BackupError, ClosedError, InvalidInputError like `backup()`.
 *
 * @example
 * ```ts
 * const timer = setInterval(async () => {
 *   await backupDaily(db);
 *   await pruneBackups('/home/me/notes/backups');
 * }, 3_600_000);
 * timer.unref();
 * ```
 */
export async function backupDaily(
  db: AnyDb,
  dir?: string,
  options: Pick<BackupOptions, 'deep' | 'onProgress'> = {},
): Promise<DailyReport> {
  const connection = connectionOf(db);
  flagArgument(optionsArgument(options, OPTIONS).deep, 'options.deep');
  const { filename } = connection;
  connection.assertOpen();
  refuseMemory(connection);
  const folder = dir === undefined ? backupFolder(filename) : databasePath(dir, 'dir');
  const createdFolder = prepareFolder(folder, filename);
  const path = join(folder, copyName(folder, filename, 'daily', new Date()));
  const already = running.get(path);
  if (already) {
    await already.catch(() => {});
    return await backupDaily(db, dir, options);
  }
  const made = makeDaily(connection, path, { ...options, createdFolder });
  running.set(path, made);
  try {
    return await made;
  } finally {
    running.delete(path);
  }
}

/** The daily backups that this process is creating, by path. */
const running = new Map<string, Promise<DailyReport>>();

/** Errors of the file itself. Other errors, e.g. too many open files, do not mean that the backup is unusable. */
const IS_NO_BACKUP =
  /^(DAMAGED|TRUNCATED|NOT_A_DATABASE|NO_TABLES|NO_LEDGER|NOT_OURS|FILE_MISSING|SQLITE_(CORRUPT|NOTADB).*)$/;

async function makeDaily(connection: Connection, path: string, options: BackupToOptions): Promise<DailyReport> {
  if (isThere(path)) {
    try {
      return found(connection, path);
    } catch (error) {
      if (!(error instanceof BackupError) || !IS_NO_BACKUP.test(error.code)) throw error;
      // A renamed file is not listed or deleted, and the name of the day is free.
      setAside(path);
    }
  }
  try {
    return { path, isNew: true, backup: await backupTo(connection, path, options) };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    // Another process was faster.
    if (error.code === 'TARGET_EXISTS') return found(connection, path);
    if (error.code !== 'RUNNING') throw error;
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    connection.assertOpen();
    return await makeDaily(connection, path, options);
  }
}

/** How often to check whether another process has finished the backup of this day. */
const EVERY_MS = 100;

/** @throws BackupError with the system's code. */
function setAside(path: string): void {
  try {
    renameSync(
      path,
      freePath((at) => `${path}.${at.getTime()}.damaged`),
    );
  } catch (error) {
    const what = `${path} is no longer a usable backup, but could not be renamed. It was not changed, and no backup was made.`;
    throw failureOf(BackupError, error, what, checkOwner(dirname(path), 'try again'));
  }
}

function found(connection: Connection, path: string): DailyReport {
  const { bytes, migration } = look(kitOf(connection), path);
  return { path, isNew: false, backup: { bytes, migration } };
}
