import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { readingOf } from '../connection/closed-file.ts';
import { Connection } from '../connection/connection.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { type Kit, openingOf as recognitionOf } from '../definition.ts';
import { isOpenHere, unlessOpen } from '../driver/process-files.ts';
import { BackupError, ClosedError, DorkDbError } from '../errors.ts';
import { inspectFile } from '../file/file.ts';
import { type Foreign, foreignOf } from '../file/foreign.ts';
import { isThere } from '../file/fs.ts';
import { firstBytes } from '../first-bytes.ts';
import { checkOwner } from '../hints.ts';
import type { History } from '../migrations/history.ts';
import { loggedEntry, readLedger } from '../migrations/ledger.ts';
import { type Problem, planFor } from '../migrations/plan.ts';
import { refusal } from '../migrations/refusal.ts';
import { dataTables } from '../migrations/rows.ts';
import { isSystemError } from '../realm.ts';
import type { Thread, ThreadConnection, ThreadOpenOptions } from '../worker/thread.ts';

/** The state of a copy by its header, tables and ledger. Takes some milliseconds, whatever its size. */
export interface CopyState {
  readonly bytes: number;
  /** The newest migration. */
  readonly migration: string;
  /** Compared to this code's history, like in a MigrationStatus. */
  readonly state: 'current' | 'pending' | Problem['kind'];
  /** The pending migrations. */
  readonly pending: readonly string[];
  /** Why this code cannot open it, and what to do. */
  readonly problem?: { readonly message: string; readonly hint: string };
  readonly tables: readonly string[];
}

/**
 * Reads the header, the tables and the ledger of a copy.
 *
 * @throws BackupError if it is not a copy of a database of this definition. A truncated backup, which opens and passes
 * every check of SQLite, has no tables.
 */
export function look({ adapter, definition }: Kit, path: string): CopyState {
  const { history } = definition;
  return refusing(path, () => {
    const { isNew } = inspectFile(path);
    if (isNew) throw notABackup('FILE_MISSING', path, 'does not exist or is empty');
    if ((writeVersion(path) ?? 0) > WAL_VERSION)
      throw notABackup('DAMAGED', path, 'has a header that makes it read-only');
    using connection = new Connection(adapter, path, { ...openingOf(path), host: definition });
    connection.exec(pragmaText(CAREFUL));
    const ledger = readLedger(connection);
    const tables = dataTables(connection);
    if (tables.length === 0) throw notABackup('NO_TABLES', path, 'has no tables: it was truncated while it was made');
    const foreign = foreignOf(connection, recognitionOf(definition));
    if (foreign) throw notABackup(foreign.code, path, foreign.what, foreign.sourceHint?.(path));
    const last = ledger.at(-1);
    if (!last) throw notABackup('NO_LEDGER', path, 'has no list of its migrations');
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
 * Returns the other program of a closed file; undefined if the file belongs to this definition or is empty. Leaves no
 * files next to it.
 *
 * @throws DatabaseOpenError and others if the file is unreadable.
 */
export function foreignAt({ adapter, definition }: Kit, path: string): Foreign | undefined {
  using connection = new Connection(adapter, path, { ...openingOf(path), host: definition });
  connection.exec(pragmaText(CAREFUL));
  return foreignOf(connection, recognitionOf(definition));
}

/** Pragmas for a file that is not trusted: its views and CHECKs must not call functions. */
export const UNTRUSTING = [`busy_timeout = ${BUSY_TIMEOUT_MS}`, 'trusted_schema = OFF', 'cell_size_check = ON'];

/** Pragmas that also prevent writing, even if the file is not opened read-only. */
export const CAREFUL = [...UNTRUSTING, 'query_only = ON'];

/** Returns the SQL that sets pragmas. */
export function pragmaText(pragmas: readonly string[]): string {
  return pragmas.map((pragma) => `PRAGMA ${pragma};`).join('');
}

/** Opens a closed file in another thread. */
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

/** Runs a function and converts its errors to a BackupError for an unusable backup. */
export function refusing<T>(path: string, fn: () => T): T {
  try {
    return fn();
  } catch (error) {
    throw asBackupError(path, error);
  }
}

/** Converts an error to a BackupError. */
export function asBackupError(path: string, error: unknown): unknown {
  if (error instanceof BackupError || error instanceof ClosedError) return error;
  if (isSystemError(error)) {
    return new BackupError(error.code, `${path} could not be read, and was not changed. ${error.message}`, {
      hint: checkOwner('the file and its folder, and the disk', 'try again'),
      cause: error,
    });
  }
  if (!(error instanceof DorkDbError)) return error;
  return new BackupError(error.code, `${path} is not a usable backup. ${error.message}`, {
    hint: USE_ANOTHER,
    cause: error,
  });
}

const USE_ANOTHER = 'Use another backup. The list of backups shows which are usable.';

export function notABackup(code: string, path: string, problem: string, hint = USE_ANOTHER): BackupError {
  return new BackupError(code, `${path} ${problem}. It was not changed.`, { hint });
}

/** Returns true for a file that a writer could change by opening it, or that is not writable. */
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
 * Returns true if a closed file must be opened read-only. Otherwise SQLite would repair a truncated copy into an empty
 * one instead of failing with SQLITE_READONLY_ROLLBACK, and would move the -wal of a set that was copied by hand into
 * the file. But a read-only connection to a closed file in WAL mode leaves a -wal and a -shm, which only a writer
 * removes.
 */
export function isReadonly(path: string): boolean {
  return mustStayReadonly(path) || !isInWalMode(path);
}

/**
 * Returns the options for opening a closed file, including one on read-only media.
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

/**
 * Returns 1 or 2; a file with a greater version is read-only for SQLite. Undefined if this process has the file open.
 * https://sqlite.org/fileformat2.html#file_format_version_numbers
 */
function writeVersion(path: string): number | undefined {
  return unlessOpen(statSync(path), () => firstBytes(path, 20)[18] ?? 0);
}

/** Returns the name of a migration, even if only the file itself knows it. */
function tagOf(connection: Connection, hash: string, history: History): string {
  const known = history.migrations.find((migration) => migration.hash === hash);
  return known?.tag ?? loggedEntry(connection, hash)?.tag ?? hash.slice(0, 12);
}
