import type { Kit } from '../definition.ts';

import { realFile } from '../file/file.ts';
import { isThere } from '../file/fs.ts';
import { databasePath } from '../file/path.ts';
import { flagArgument } from '../input.ts';
import { quoted, type RowCounts } from '../migrations/rows.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { startThread, type Thread, type ThreadConnection } from '../worker/thread.ts';
import { asBackupError, type CopyState, look, notABackup, openThere } from './look.ts';

/** Options for `verifyBackup()`. */
export interface VerifyBackupOptions {
  /** True to also compare every index with its table and check every foreign key. Default false. */
  readonly deep?: boolean;
}

const OPTIONS: OptionNames<VerifyBackupOptions> = { deep: true };

/** The content of a backup, completely read. */
export interface VerifyReport {
  /** The file, absolute. */
  readonly path: string;
  readonly bytes: number;
  /**
   * SHA-256 of the file in hexadecimal; absent if it has a -wal or a -journal, because the file alone is then
   * incomplete.
   */
  readonly sha256?: string;
  readonly rows: RowCounts;
  /** The newest migration. */
  readonly migration: string;
  /** `current`, `pending` if a restore will migrate it, or why this code cannot open it. */
  readonly state: CopyState['state'];
  /** The migrations that a restore will apply. */
  readonly pending: readonly string[];
  /** Why this code cannot open it, and what to do. */
  readonly problem?: CopyState['problem'];
  readonly deep: boolean;
  readonly durationMs: number;
}

/** The type of `verifyBackup()`. */
export interface VerifyBackup {
  /**
   * Reads a backup and changes nothing: its header, application_id, tables and ledger, every page (`quick_check`), and
   * the position of every row; with `deep` also every index (`integrity_check`) and every foreign key. Runs in a separate
   * thread.
   *
   * @throws BackupError if the backup is unusable, with the reason as its code (`NO_TABLES` for a truncated one,
   * `DAMAGED`, `DANGLING_ROWS`, `NOT_OURS`, SQLite's own).
   * @throws InvalidInputError for an invalid path, or if `deep` is not a boolean.
   * @throws UnsupportedRuntimeError if this runtime cannot run the driver.
   */
  (path: string, options?: VerifyBackupOptions): Promise<VerifyReport>;
}

/** Returns `verifyBackup()` for a driver and a definition. */
export function verifyBackupWith(kit: Kit): VerifyBackup {
  return async (path, options = {}) => {
    const deep = flagArgument(optionsArgument(options, OPTIONS).deep, 'options.deep');
    const file = databasePath(path);
    kit.adapter.load();
    await using thread = await startThread(kit.adapter);
    return await verify(kit, thread, realOrMissing(file), deep);
  };
}

function realOrMissing(path: string): string {
  return isThere(path) ? realFile(path) : path;
}

/** Reads a copy, and throws if it is not a usable backup. */
export async function verify(kit: Kit, thread: Thread, path: string, deep: boolean): Promise<VerifyReport> {
  const started = performance.now();
  const { tables, ...state } = look(kit, path);
  try {
    const rows = await readAll(thread, path, tables, deep);
    const isWhole = !['-wal', '-journal', '-shm'].some((suffix) => isThere(path + suffix));
    const sha256 = isWhole ? await thread.sha256(path) : undefined;
    return { path, ...state, ...(sha256 && { sha256 }), rows, deep, durationMs: performance.now() - started };
  } catch (error) {
    throw asBackupError(path, error);
  }
}

async function readAll(thread: Thread, path: string, tables: readonly string[], deep: boolean): Promise<RowCounts> {
  const connection = await openThere(thread, path);
  try {
    await check(connection, deep);
    return await countRowsThere(connection, tables);
  } finally {
    await connection.close();
  }
}

/** Number of lines of damage in an error; one broken page can cause thousands. */
const SHOWN = 3;

async function check(connection: ThreadConnection, deep: boolean): Promise<void> {
  const name = deep ? 'integrity_check' : 'quick_check';
  const lines = (await connection.all(`PRAGMA ${name}(100)`)).map((row) => String(Object.values(row)[0]));
  if (lines[0] !== 'ok') {
    const more = lines.length > SHOWN ? `; and ${lines.length - SHOWN} more` : '';
    throw notABackup('DAMAGED', connection.filename, `is damaged: ${lines.slice(0, SHOWN).join('; ')}${more}`);
  }
  if (!deep) return;
  const dangling = await connection.all<{ table: string }>('PRAGMA foreign_key_check');
  if (dangling.length === 0) return;
  const tables = [...new Set(dangling.map(({ table }) => table))].join(', ');
  throw notABackup(
    'DANGLING_ROWS',
    connection.filename,
    `has ${dangling.length} rows that refer to missing rows, in ${tables}`,
  );
}

/** Counts the rows of each table in the thread. */
export async function countRowsThere(connection: ThreadConnection, tables: readonly string[]): Promise<RowCounts> {
  const counts: [string, number][] = [];
  for (const name of tables) {
    const [row] = await connection.all<{ n: number }>(`SELECT count(*) AS n FROM ${quoted(name)}`);
    counts.push([name, row?.n ?? 0]);
  }
  return Object.fromEntries(counts);
}
