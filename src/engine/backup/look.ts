import { accessSync, closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readingOf } from '../connection/closed-file.ts';
import { Connection } from '../connection/connection.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { type Kit, openingOf as recognitionOf } from '../definition.ts';
import { isOpenHere } from '../driver/register.ts';
import { BackupError, ClosedError, DorkDbError } from '../errors.ts';
import { inspectFile } from '../file/file.ts';
import { type Foreign, foreignOf } from '../file/foreign.ts';
import { isThere } from '../file/fs.ts';
import type { History } from '../migrations/history.ts';
import { loggedEntry, readLedger } from '../migrations/ledger.ts';
import { type Problem, planFor } from '../migrations/plan.ts';
import { refusal } from '../migrations/refusal.ts';
import { dataTables } from '../migrations/rows.ts';
import { isSystemError } from '../realm.ts';
import type { Thread, ThreadConnection, ThreadOpenOptions } from '../worker/thread.ts';

/** What a copy is by its header, its tables and its ledger: some milliseconds, whatever its size. */
export interface CopyState {
  readonly bytes: number;
  /** The newest migration that it has. */
  readonly migration: string;
  /** Against this code's history, as in a MigrationStatus. */
  readonly state: 'current' | 'pending' | Problem['kind'];
  /** The migrations that it lacks. */
  readonly pending: readonly string[];
  /** Why this code cannot open it, and the way out. */
  readonly problem?: { readonly message: string; readonly hint: string };
  readonly tables: readonly string[];
}

/**
 * Reads the header, the tables and the ledger of a copy.
 *
 * @throws BackupError where it is not a copy of a database of ours. A backup that was cut off, which opens and passes
 * every check of SQLite, has no tables.
 */
export function look({ adapter, definition }: Kit, path: string): CopyState {
  const { history } = definition;
  return refusing(path, () => {
    const { isNew } = inspectFile(path);
    if (isNew) throw notABackup('FILE_MISSING', path, 'does not exist or is empty');
    // Closing a descriptor of a file drops the locks that this process has on it.
    if (!isOpenHere(statSync(path)) && writeVersion(path) > WAL_VERSION)
      throw notABackup('DAMAGED', path, 'has a header that forbids to write it');
    using connection = new Connection(adapter, path, { ...openingOf(path), host: definition });
    connection.exec(pragmaText(CAREFUL));
    const ledger = readLedger(connection);
    const tables = dataTables(connection);
    if (tables.length === 0) throw notABackup('NO_TABLES', path, 'holds no tables: it was cut off while it was made');
    const foreign = foreignOf(connection, recognitionOf(definition));
    if (foreign) throw notABackup(foreign.code, path, foreign.what, foreign.sourceHint?.(path));
    const last = ledger.at(-1);
    if (!last) throw notABackup('NO_LEDGER', path, 'does not say which migrations it has');
    const { pending, problem } = planFor(connection, history);
    const refused = problem && refusal(problem, path, undefined, definition);
    return {
      bytes: statSync(path).size,
      migration: tagOf(connection, last.hash, history),
      state: problem?.kind ?? (pending.length > 0 ? 'pending' : 'current'),
      pending: pending.map(({ tag }) => tag),
      ...(refused && { problem: { message: refused.message, hint: refused.hint } }),
      tables,
    };
  });
}

/**
 * Answers whose a closed file is, and leaves nothing beside it: undefined for one of the definition, or an empty one.
 *
 * @throws DatabaseOpenError and others if it cannot be read.
 */
export function foreignAt({ adapter, definition }: Kit, path: string): Foreign | undefined {
  using connection = new Connection(adapter, path, { ...openingOf(path), host: definition });
  connection.exec(pragmaText(CAREFUL));
  return foreignOf(connection, recognitionOf(definition));
}

/** A file that was given is not trusted: its views and CHECKs call no functions. */
export const UNTRUSTING = [`busy_timeout = ${BUSY_TIMEOUT_MS}`, 'trusted_schema = OFF', 'cell_size_check = ON'];

/** And nothing is written to it, also where it is not opened read-only. */
export const CAREFUL = [...UNTRUSTING, 'query_only = ON'];

/** One text that sets pragmas. */
export function pragmaText(pragmas: readonly string[]): string {
  return pragmas.map((pragma) => `PRAGMA ${pragma};`).join('');
}

/** A closed file in another thread, opened with care. */
export async function openThere(
  thread: Thread,
  path: string,
  pragmas: readonly string[] = CAREFUL,
  readonly = isReadonly(path),
): Promise<ThreadConnection> {
  const connection = await thread.open(path, openingOf(path, readonly));
  for (const pragma of pragmas) await connection.all(`PRAGMA ${pragma}`);
  return connection;
}

/** Passes on what a function gives, and makes every other error one that says that the file is no usable backup. */
export function refusing<T>(path: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    throw asBackupError(path, error);
  }
}

/** What was thrown, as a BackupError. */
export function asBackupError(path: string, error: unknown): unknown {
  if (error instanceof BackupError || error instanceof ClosedError) return error;
  if (isSystemError(error)) {
    return new BackupError(error.code, `${path} could not be read, and was not changed. ${error.message}`, {
      hint: 'Check the disk, and the owner and permissions of the file and its folder, then call again.',
      cause: error,
    });
  }
  if (!(error instanceof DorkDbError)) return error;
  return new BackupError(error.code, `${path} is not a backup that can be used. ${error.message}`, {
    hint: USE_ANOTHER,
    cause: error,
  });
}

const USE_ANOTHER = 'Use another backup: the list of backups shows which can be used.';

export function notABackup(code: string, path: string, problem: string, hint = USE_ANOTHER): BackupError {
  return new BackupError(code, `${path} ${problem}. It was not changed.`, { hint });
}

/** True for a file that a writer could change by opening it, or that cannot be written at all. */
export function mustStayReadonly(path: string): boolean {
  if (isOpenHere(statSync(path))) return true;
  if (isThere(`${path}-wal`) || isThere(`${path}-journal`) || isThere(`${path}-shm`)) return true;
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/**
 * How a closed file is opened so that nothing stays beside it. Read-only, a cut-off copy answers
 * SQLITE_READONLY_ROLLBACK instead of being repaired into an empty one, and the -wal of a set that was copied by hand is
 * not moved into it. But a read-only connection to a closed file in WAL mode leaves a -wal and a -shm, which only a
 * writer removes.
 */
export function isReadonly(path: string): boolean {
  return mustStayReadonly(path) || !isInWalMode(path);
}

/**
 * How a closed file is opened, also one on read-only media.
 *
 * @throws DatabaseOpenError `WAL_UNREAD`
 */
export function openingOf(path: string, readonly = isReadonly(path)): ThreadOpenOptions {
  return readonly ? readingOf(path) : { readonly };
}

const WAL_VERSION = 2;

function isInWalMode(path: string): boolean {
  return writeVersion(path) === WAL_VERSION;
}

/** 1 or 2; SQLite only reads a file with a greater one. https://sqlite.org/fileformat2.html#file_format_version_numbers */
function writeVersion(path: string): number {
  const header = Buffer.alloc(20);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, header, 0, 20, 0);
  } finally {
    closeSync(fd);
  }
  return header[18] ?? 0;
}

/** The name of a migration, also of one that only the file itself knows. */
function tagOf(connection: Connection, hash: string, history: History): string {
  const known = history.migrations.find((migration) => migration.hash === hash);
  return known?.tag ?? loggedEntry(connection, hash)?.tag ?? hash.slice(0, 12);
}
