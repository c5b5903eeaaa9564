import { closeSync, constants, openSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Connection } from '../connection/connection.ts';
import { Making, targetExists } from '../copies/making.ts';
import { assertRoom } from '../copies/room.ts';
import { isCopyName, sweep } from '../copies/sweep.ts';
import { type Definition, givenOrDefault, type Kit } from '../definition.ts';
import { BackupError, DorkDbError, RestoreError } from '../errors.ts';
import { backupFolder, copyName } from '../file/copy-name.ts';
import { FILE_MODE, realFile, statAt } from '../file/file.ts';
import { flushFile } from '../file/flush.ts';
import { freePath } from '../file/free-path.ts';
import { isThere } from '../file/fs.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { databasePath } from '../file/path.ts';
import { bytesOf } from '../file/wal.ts';
import { type Host, howTo } from '../host.ts';
import { startsAs } from '../migrations/bring-up.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { startThread, type Thread } from '../worker/thread.ts';
import { mayBeDatabase } from './database-pages.ts';
import { refuseOpen } from './exclusive.ts';
import { failureOf } from './failure.ts';
import { sidecarsOf } from './file-set.ts';
import { prepareFolder, requireFolder } from './folder.ts';
import { Listener } from './listener.ts';
import { mendHeader } from './mend-header.ts';
import { recoverByShell, type ShellOutcome } from './recover-shell.ts';
import { recoverByTables } from './recover-tables.ts';
import { describeRecovered, type RecoveredState, tablesIn } from './recovered-state.ts';

/** Options for `recover()`. */
export interface RecoverOptions {
  /** The damaged database. Default: the definition's default path. */
  readonly from?: string;
  /** The file to create; it must not exist. Default: one in `backups` next to the database. */
  readonly to?: string;
  /**
   * Called before each phase, and five times a second while rows are read. If it throws, `recover()` fails with that
   * error at the end of the phase, and no file is created.
   */
  readonly onProgress?: (progress: RecoverProgress) => void;
}

const OPTIONS: OptionNames<RecoverOptions> = { from: true, to: true, onProgress: true };

/** The progress of a recovery. */
export interface RecoverProgress {
  /** `copying` the damaged file, `recovering` rows of the copy, `verifying` the result. */
  readonly phase: 'copying' | 'recovering' | 'verifying';
  /** Bytes of the new file so far; 0 while copying. */
  readonly bytes: number;
  /** Bytes of the damaged file and its -wal: about the maximum size of the result. */
  readonly totalBytes: number;
}

/** The result of a recovery. */
export interface RecoverReport extends RecoveredState {
  readonly from: string;
  /** The new file, absolute. */
  readonly to: string;
  /** With the sqlite3 shell's `.recover`, or table by table with the driver. */
  readonly method: 'shell' | 'tables';
  readonly bytes: number;
  /**
   * Number of unreadable rows by table, counted with a readable index; null if the table has none, so that the number
   * is unknown. Completely readable tables are not included.
   */
  readonly unreadable: Readonly<Record<string, number | null>>;
  /**
   * Number of rows by table that were read but not inserted, because their key is a duplicate or missing. Empty for a
   * recovery by the shell, which does not count them.
   */
  readonly refused: Readonly<Record<string, number>>;
  /** Number of warnings of the shell. Their text is not kept, because it contains values of rows. */
  readonly complaints: number;
  readonly durationMs: number;
}

/** The type of `recover()`. */
export interface Recover {
  /**
   * Saves the readable rows of a database that does not open into a new file. The damaged files are only copied, and
   * never opened, repaired or moved; no other process may have them open. Uses SQLite's own recovery if the sqlite3 shell
   * is installed and supports it; otherwise reads every table and skips the damage. When the promise resolves, the new
   * file and its name are on the disk.
   *
   * @throws RestoreError `IN_USE`, `FILE_MISSING`, `NOT_A_DATABASE`, `NOTHING_RECOVERED`, or the system's own code. No
   * file was created.
   * @throws BackupError `NO_ROOM`, `TARGET_EXISTS`, `FOLDER_MISSING`, `CANNOT_CREATE`.
   * @throws InvalidInputError for an invalid path.
   */
  (options?: RecoverOptions): Promise<RecoverReport>;
}

/** Returns `recover()` for a driver and a definition. */
export function recoverWith(kit: Kit): Recover {
  return async (options = {}) => {
    const { onProgress } = optionsArgument(options, OPTIONS);
    const started = performance.now();
    const from = damagedFile(kit.definition, options.from);
    const { to, createdFolder } = targetOf(from, options.to);
    kit.adapter.load();
    const listener = new Listener(onProgress);
    try {
      const recovered = await recoverFile(kit, from, to, createdFolder, listener);
      return { from, to, ...recovered, durationMs: performance.now() - started };
    } catch (error) {
      if (error instanceof BackupError || listener.threw(error)) throw error;
      const what = `Nothing of ${from} was recovered, and it was not changed.`;
      throw failureOf(RestoreError, error, what, 'Check the file, the folder of the new one, and their disks.');
    }
  };
}

async function recoverFile(
  kit: Kit,
  from: string,
  to: string,
  createdFolder: string | undefined,
  listener: Listener<RecoverProgress>,
): Promise<Omit<RecoverReport, 'from' | 'to' | 'durationMs'>> {
  const { adapter } = kit;
  await using making = new Making(adapter, to, { isFolder: true, createdFolder });
  await sweep(adapter, dirname(to), (name) => isCopyName(name) || name === basename(to));
  refuseOpen(from);
  if (!(await mayBeDatabase(from))) throw notADatabase(from, kit.definition);
  const suffixes = ['', ...sidecarsOf(from)].filter((suffix) => suffix !== '-shm' && statAt(from + suffix)?.isFile());
  const totalBytes = suffixes.reduce((sum, suffix) => sum + bytesOf(from + suffix), 0);
  assertRoom(dirname(to), 2 * totalBytes, `a copy of ${from} and what is recovered`);
  const work = making.path;
  const damaged = join(work, 'damaged.db');
  listener.tell({ phase: 'copying', bytes: 0, totalBytes });
  for (const suffix of suffixes)
    await fsPromises().copyFile(from + suffix, damaged + suffix, constants.COPYFILE_FICLONE);
  mendHeader(damaged);
  await using thread = await startThread(adapter);
  const stopTelling = listener.every(EVERY_MS, () => ({
    phase: 'recovering',
    bytes: recoveredBytes(work),
    totalBytes,
  }));
  const recovered = await recoverInto(kit, thread, damaged, work, from).finally(stopTelling);
  listener.tell({ phase: 'verifying', bytes: bytesOf(recovered.path), totalBytes });
  const state = await describeRecovered(kit, thread, recovered.path, to);
  giveTo(ownerOf(from), recovered.path);
  await flushFile(recovered.path);
  const bytes = bytesOf(recovered.path);
  await making.publish(recovered.path);
  const { path: _, ...how } = recovered;
  return { ...how, bytes, ...state };
}

interface Recovered extends Pick<RecoverReport, 'method' | 'unreadable' | 'refused' | 'complaints'> {
  readonly path: string;
}

const EVERY_MS = 200;

/** Returns the bytes written by the shell or the thread, which runs if the shell fails. */
function recoveredBytes(work: string): number {
  return Math.max(...['shell.db', 'tables.db'].map((name) => bytesOf(join(work, name))));
}

/** Tries the shell first, because it also reads pages that no longer belong to a table. */
async function recoverInto(kit: Kit, thread: Thread, damaged: string, work: string, from: string): Promise<Recovered> {
  const { adapter } = kit;
  const byShell = emptyFile(join(work, 'shell.db'));
  const outcome = await recoverByShell(damaged, byShell);
  const complaints = outcome?.complaints ?? 0;
  const shell = { path: byShell, method: 'shell', unreadable: {}, refused: {}, complaints } as const;
  if (outcome?.isDone && isOurs(kit, byShell)) return shell;
  const byTables = emptyFile(join(work, 'tables.db'));
  let cause: unknown;
  try {
    const notCopied = await recoverByTables(thread, damaged, byTables);
    // A missing ledger only means that the file cannot be restored.
    isOurs(kit, byTables);
    if (tablesIn(adapter, byTables).length > 0)
      return { path: byTables, method: 'tables', ...notCopied, complaints: 0 };
  } catch (error) {
    if (!(error instanceof DorkDbError) || OF_THE_NEW_FILE.test(error.code)) throw error;
    cause = error;
  }
  if (outcome?.isDone && tablesIn(adapter, byShell).length > 0) return shell;
  throw nothing(from, outcome, kit.definition, cause);
}

/** Errors of the new file, not of the damaged one, e.g. a full disk. */
const OF_THE_NEW_FILE = /^SQLITE_(FULL|NOMEM|READONLY|IOERR_(WRITE|FSYNC|DIR_FSYNC|TRUNCATE|NOMEM))/;

function emptyFile(path: string): string {
  closeSync(openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
  return path;
}

/** If a file has the ledger of this definition, sets its application_id and recomputes its derived tables. */
function isOurs({ adapter, definition }: Kit, path: string): boolean {
  using connection = new Connection(adapter, path, { host: definition });
  connection.exec('PRAGMA trusted_schema = OFF');
  if (!startsAs(connection, definition.history)) return false;
  connection.exec(`PRAGMA application_id = ${definition.applicationId}`);
  recompute(connection, definition.afterRecover ?? []);
  return true;
}

/** Runs statements that may fail on a file with older migrations or without a table; it is then unchanged. */
function recompute(connection: Connection, statements: readonly string[]): void {
  try {
    connection.runTransaction(() => {
      for (const sql of statements) connection.exec(sql);
    }, 'immediate');
  } catch (error) {
    if (!(error instanceof DorkDbError) || error.code !== 'SQLITE_ERROR') throw error;
  }
}

function notADatabase(from: string, host: Host): RestoreError {
  const why = bytesOf(from) === 0 ? 'it is empty' : 'it has neither the header nor a page of one';
  const what = `${from} is not a SQLite database: ${why}.`;
  return new RestoreError('NOT_A_DATABASE', `${what} Nothing was recovered, and it was not changed.`, {
    hint: `Pass the damaged database. If this was it, restore its newest backup: ${listOfBackups(host)} lists them.`,
  });
}

const listOfBackups = (host: Host) => howTo(host, 'backups', 'listBackups(folder)');

function nothing(from: string, shell: ShellOutcome | undefined, host: Host, cause: unknown): RestoreError {
  const better = shell
    ? 'or install a sqlite3 shell with .recover (Debian 12 has one without it) and try again.'
    : 'or install a sqlite3 shell with .recover, which reads more, and try again.';
  return new RestoreError('NOTHING_RECOVERED', `No table of ${from} could be read. It was not changed.`, {
    hint: shell?.isDone
      ? `Restore the newest backup: ${listOfBackups(host)} lists them.`
      : `Restore the newest backup, ${better}`,
    cause,
  });
}

function damagedFile(definition: Definition, path: unknown): string {
  const given = givenOrDefault(definition, path, 'options.from');
  const from = isThere(given) ? realFile(given) : given;
  if (statAt(from)?.isFile()) return from;
  throw new RestoreError('FILE_MISSING', `${from} is not a file. Nothing was done.`, {
    hint: 'Pass the path of the damaged file.',
  });
}

function targetOf(from: string, to: unknown): { readonly to: string; readonly createdFolder?: string | undefined } {
  const isOurChoice = to === undefined;
  const path = isOurChoice
    ? freePath((at) => join(backupFolder(from), copyName(backupFolder(from), from, 'recovered', at)))
    : databasePath(to, 'options.to');
  const undone = 'Nothing was recovered.';
  const createdFolder = isOurChoice ? prepareFolder(dirname(path), from, BackupError, undone) : undefined;
  if (!isOurChoice) requireFolder(dirname(path), BackupError, undone);
  if (isThere(path)) throw targetExists(path);
  return { to: path, createdFolder };
}
