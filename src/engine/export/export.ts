import { basename, dirname, join } from 'node:path';
import { failureOf } from '../backup/failure.ts';
import { requireFolder } from '../backup/folder.ts';
import { Listener } from '../backup/listener.ts';
import { whileOpen } from '../backup/running.ts';
import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { Making } from '../copies/making.ts';
import { sweep } from '../copies/sweep.ts';
import { ClosedError, ExportError, InvalidInputError } from '../errors.ts';
import { freePath } from '../file/free-path.ts';
import { isThere } from '../file/fs.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { databasePath, MEMORY } from '../file/path.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { exportName, isExportName, type Manifest } from './format.ts';
import type { ExportProgress } from './progress.ts';
import { writeExport } from './write-export.ts';

/** Options for `exportDb()`. */
export interface ExportOptions {
  /** The folder to create. It must not exist, but its parent must. Default: a dated one next to the database. */
  readonly to?: string;
  /** The tables to export. Default: all tables with data of their own. */
  readonly tables?: readonly string[];
  /** Called ten times a second, and at the end of each table. If it throws, the export ends with that error. */
  readonly onProgress?: (progress: ExportProgress) => void;
}

const OPTIONS: OptionNames<ExportOptions> = { to: true, tables: true, onProgress: true };

/** A finished export. */
export interface ExportReport {
  readonly filename: string;
  /** The folder, absolute. */
  readonly to: string;
  /** Total size of the files with rows. */
  readonly bytes: number;
  /** Number of rows by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Tables without data of their own, with the reason. */
  readonly leftOut: readonly { readonly table: string; readonly reason: string }[];
  readonly durationMs: number;
}

/**
 * Writes the current state of every table as JSON lines into a new folder, while others write: `notes.jsonl` with one
 * row per line, `notes.schema.json` with its columns and SQL, and `export.json` with counts and SHA-256. The folder has
 * mode 0700 and its files 0600. It gets its name when it is complete and on the disk.
 *
 * Every value is exact. A value that JSON cannot represent is an object with one key: `$int` (beyond 2^53), `$real`
 * (infinite, or would read as an integer), `$blob` (base64), `$text` (invalid text as base64). Generated columns,
 * indexes and search tables without data of their own are left out.
 *
 * It reads through its own connection, in one transaction, and lets other work of this thread run every 10 ms. A
 * database in memory is read without interruption.
 *
 * @throws ExportError if the export fails, with the reason as its code (`TARGET_EXISTS`, `FOLDER_MISSING`, `ENOSPC`,
 * SQLite's own). No folder with that name was created.
 * @throws ClosedError if the database is closed before the export is done.
 * @throws InvalidInputError for an invalid path or an unknown table.
 * @example
 * ```ts
 * const { to, rows } = await exportDb(db, { to: './notes-export' });
 * ```
 */
export async function exportDb(db: AnyDb, options: ExportOptions = {}): Promise<ExportReport> {
  const connection = connectionOf(db);
  const { onProgress, tables } = optionsArgument(options, OPTIONS);
  const started = performance.now();
  checkTables(tables);
  connection.assertOpen();
  connection.assertStillThere();
  const { filename, adapter } = connection;
  const to = targetOf(connection, options.to);
  requireFolder(dirname(to), ExportError, 'No export was made.');
  if (isThere(to)) throw taken(to);
  const listener = new Listener(onProgress);
  try {
    await sweep(adapter, dirname(to), (name) => name === basename(to) || isExportName(name, stemOf(filename)));
    await using making = new Making(adapter, to, { isFolder: true });
    giveTo(ownerOf(dirname(to)), making.path);
    const manifest = await written(connection, making.path, tables, listener);
    connection.assertOpen();
    await making.publishFolder();
    const bytes = manifest.tables.reduce((sum, table) => sum + table.bytes, 0);
    const rows = Object.fromEntries(manifest.tables.map(({ table, rows: n }) => [table, n]));
    return { filename, to, bytes, rows, leftOut: manifest.leftOut, durationMs: performance.now() - started };
  } catch (error) {
    if (listener.threw(error) || error instanceof InvalidInputError) throw error;
    const what = `No export of ${filename} was made, and it was not changed.`;
    throw failureOf(ExportError, error, what, `Check the disk and the folder ${dirname(to)}, then try again.`);
  }
}

/** Reads through a new connection, except for a database in memory. */
async function written(
  connection: Connection,
  folder: string,
  tables: readonly string[] | undefined,
  listener: Listener<ExportProgress>,
): Promise<Manifest> {
  const { filename } = connection;
  if (filename === MEMORY) return await inTransaction(connection, folder, tables, listener, undefined);
  let isOpen = true;
  const stopWatching = whileOpen(connection, () => {
    isOpen = false;
  });
  // The last connection to close removes the -wal, unless it is read-only.
  using reader = connection.sibling(filename, { readonly: connection.readonly });
  reader.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  const assertWanted = () => {
    if (!isOpen) throw new ClosedError(filename);
  };
  try {
    return await inTransaction(reader, folder, tables, listener, assertWanted);
  } finally {
    stopWatching();
  }
}

/** @param assertWanted Called after other work of this thread; undefined if no other work may run. */
async function inTransaction(
  connection: Connection,
  folder: string,
  tables: readonly string[] | undefined,
  listener: Listener<ExportProgress>,
  assertWanted: (() => void) | undefined,
): Promise<Manifest> {
  const begins = !connection.inTransaction;
  if (begins) connection.exec('BEGIN');
  try {
    return await writeExport(connection, folder, tables, listener, assertWanted);
  } finally {
    if (begins && connection.isOpen) connection.exec('ROLLBACK');
  }
}

function checkTables(tables: unknown): void {
  if (tables === undefined) return;
  if (!Array.isArray(tables) || tables.length === 0 || !tables.every((table) => typeof table === 'string'))
    throw new InvalidInputError('options.tables', 'must be a list of table names');
}

function targetOf({ filename }: Connection, to: unknown): string {
  if (to !== undefined) {
    const path = databasePath(to, 'options.to');
    if (path === MEMORY) throw new InvalidInputError('options.to', 'must be the path of a folder');
    return path;
  }
  if (filename === MEMORY)
    throw new InvalidInputError('options.to', 'is missing, and a database in memory has no folder');
  const stem = stemOf(filename);
  return freePath((at) => join(dirname(filename), exportName(stem, at)));
}

function stemOf(filename: string): string {
  return basename(filename).replace(/(?<=.)\.(db|sqlite3?)$/, '');
}

function taken(to: string): ExportError {
  return new ExportError('TARGET_EXISTS', `${to} already exists. It was not changed, and no export was made.`, {
    hint: 'Pass the name of a new folder.',
  });
}
