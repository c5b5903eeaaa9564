import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { connectionOf } from '../../engine/connection/db.ts';
import { temporaryFolder } from '../../engine/copies/temporary-folder.ts';
import { ImportError, InvalidInputError } from '../../engine/errors.ts';
import { statAt } from '../../engine/file/file.ts';
import { flushCommits } from '../../engine/file/flush.ts';
import { MEMORY, shellQuoted } from '../../engine/file/path.ts';
import { flagArgument } from '../../engine/input.ts';
import { type OptionNames, optionsArgument } from '../../engine/options.ts';
import { gatherIfFree } from '../../engine/rows/statistics.ts';
import { now } from '../../engine/time.ts';
import { defaultHome } from '../home.ts';
import type { ImportProgress } from './import-context.ts';
import { CREATE_PLANNED, DROP_PLANNED } from './memory.ts';
import { placesOf } from './places.ts';
import { type ImportReceipt, type SourceReceipt, sumOf } from './receipt.ts';
import { LEGACY_SOURCES } from './schema.ts';
import { SourceImports } from './source-imports.ts';

/** Options for `importLegacy()`. */
export interface ImportLegacyOptions {
  /**
   * The folder of the older DorkOS, or the dork.db of a DorkOS release (0.4.0 and later). Default: `$DORK_HOME`, else
   * `~/.dork`.
   */
  readonly home?: string;
  /** True to write nothing and get the same receipt. Default false. */
  readonly dryRun?: boolean;
  /**
   * True to attach runs whose schedule is missing to a paused, disabled schedule that is named after the missing id.
   * Default false: the runs are set aside.
   */
  readonly keepOrphans?: boolean;
  /** Called with the progress of each table, between two transactions. If it throws, the import ends; it can be repeated. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

const OPTIONS: OptionNames<ImportLegacyOptions> = { home: true, dryRun: true, keepOrphans: true, onProgress: true };

/**
 * Imports everything from the older DorkOS files (schedules.json, pulse.db, relay/index.db, mesh/mesh.db) and from the
 * dork.db of a DorkOS release into this dork.db.
 *
 * Rows are written in short transactions, so that a server can use dork.db meanwhile. The next import completes one that
 * ended early. A missing file is not an error. If a file cannot be imported, the receipt has its error, and the other
 * files are still imported. The files are never changed: databases are copied with their -wal into a private folder next
 * to dork.db (for a dry run into the system's temporary folder), and the copies are read and removed.
 *
 * You may run it as often as you like. It imports new rows of the older files, and updates rows that changed there but not
 * here. Rows that were changed or deleted in dork.db stay as they are. If there are several releases' files, e.g. moved
 * aside one after the other, all are read, and each row is taken from the newest file that has it. Invalid rows are in the
 * receipt, with the reason. Every complete import of a file adds a row to `legacy_imports`.
 * When it returns, everything that the receipt counts is on the disk. A power loss before that may lose the last
 * transactions, which the next import repeats.
 *
 * @throws ImportError if the home does not exist, or dork.db is in a transaction, lacks migrations or is read-only.
 * @example
 * ```ts
 * const receipt = importLegacy(db);
 * for (const { path, error } of receipt.sources) if (error) console.error(path, error.message);
 * ```
 */
export function importLegacy(db: { readonly $client: Connection }, options: ImportLegacyOptions = {}): ImportReceipt {
  optionsArgument(options, OPTIONS);
  const connection = connectionOf(db);
  const home = homeOf(options.home);
  const isDryRun = flagArgument(options.dryRun, 'options.dryRun');
  const keepOrphans = flagArgument(options.keepOrphans, 'options.keepOrphans');
  assertReady(connection, isDryRun);
  const startedAt = now();
  let imported: SourceReceipt[];
  connection.exec(DROP_PLANNED);
  if (isDryRun) connection.exec(CREATE_PLANNED);
  try {
    using folder = temporaryFolder(connection.adapter, placeOf(connection, isDryRun), 'dork-import');
    const places = placesOf(home, connection.filename);
    const run = new SourceImports(connection, folder.path, {
      isDryRun,
      keepOrphans,
      onProgress: options.onProgress,
      hasSeveralReleases: places.filter(({ source }) => source === 'dork.db').length > 1,
    });
    imported = places.map((place) => run.import(place));
    // Without statistics, SQLite's query plans assume other table sizes.
    if (imported.some((source) => source.imported > 0) && !isDryRun) gatherIfFree(connection);
    if (!isDryRun) flushCommits(connection.filename, 'has the older files');
  } finally {
    connection.exec(DROP_PLANNED);
  }
  const receipts = LEGACY_SOURCES.flatMap((each) => imported.filter(({ source }) => source === each));
  return {
    home,
    filename: connection.filename,
    dryRun: isDryRun,
    keepOrphans,
    ...sumOf(receipts),
    failed: receipts.filter(({ status }) => status === 'failed').length,
    sources: receipts,
    startedAt,
    finishedAt: now(),
  };
}

/**
 * Returns the folder for copies of older files. Next to dork.db, a copy can share its blocks with the older file. A dry
 * run, which writes nothing there, and a database in memory use the system's temporary folder.
 */
function placeOf({ filename }: Connection, isDryRun: boolean): string {
  return isDryRun || filename === MEMORY ? tmpdir() : dirname(filename);
}

function homeOf(given: unknown): string {
  if (given === undefined) return defaultHome();
  if (typeof given !== 'string' || given === '' || given.includes('\0'))
    throw new InvalidInputError('options.home', 'must be the path of a folder or file');
  const home = resolve(given);
  const found = statAt(home);
  if (!found?.isDirectory() && !found?.isFile()) {
    throw new ImportError('HOME_MISSING', `${home} is neither a folder nor a file. Nothing was imported.`, {
      hint: 'Pass the folder of the older DorkOS, or the dork.db of a DorkOS release: --from HOME.',
    });
  }
  return home;
}

function assertReady(connection: Connection, isDryRun: boolean): void {
  const refuse = (code: string, problem: string, hint: string): never => {
    throw new ImportError(code, `${connection.filename} ${problem}. Nothing was imported.`, { hint });
  };
  if (connection.inTransaction) {
    refuse(
      'IN_TRANSACTION',
      'is in a transaction, but an import needs its own transactions',
      'Import after the transaction has ended.',
    );
  }
  if (connection.readonly && !isDryRun) {
    refuse('READ_ONLY', 'was opened read-only', 'Open it for writing, or use a dry run.');
  }
  const table = connection.prepare("SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'legacy_rows'");
  if (!table.get())
    refuse('NOT_MIGRATED', 'lacks migrations', `Run dork-db migrate --db ${shellQuoted(connection.filename)}.`);
}
