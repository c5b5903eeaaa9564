import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { connectionOf } from '../../engine/connection/db.ts';
import { optimizeIfFree } from '../../engine/connection/statistics.ts';
import { temporaryFolder } from '../../engine/copies/temporary-folder.ts';
import { ImportError, InvalidInputError } from '../../engine/errors.ts';
import { statAt } from '../../engine/file/file.ts';
import { flushCommits } from '../../engine/file/flush.ts';
import { MEMORY, shellQuoted } from '../../engine/file/path.ts';
import { flagArgument } from '../../engine/input.ts';
import { type OptionNames, optionsArgument } from '../../engine/options.ts';
import { now } from '../../engine/time.ts';
import { defaultHome } from '../home.ts';
import type { ImportProgress } from './import-context.ts';
import { CREATE_PLANNED, DROP_PLANNED } from './memory.ts';
import { placesOf } from './places.ts';
import { type ImportReceipt, type SourceReceipt, sumOf } from './receipt.ts';
import { LEGACY_SOURCES } from './schema.ts';
import { SourceImports } from './source-imports.ts';

/** What `importLegacy()` takes. */
export interface ImportLegacyOptions {
  /**
   * The folder of the older DorkOS, or the dork.db of a DorkOS release (0.4.0 and later). Default: `$DORK_HOME`, else
   * `~/.dork`.
   */
  readonly home?: string;
  /** True to write nothing and get the same receipt. Default false. */
  readonly dryRun?: boolean;
  /**
   * True to attach runs whose schedule is gone to a paused, disabled schedule that is named after the missing id.
   * Default false: they are set aside.
   */
  readonly keepOrphans?: boolean;
  /** Called with how far each table is, between two transactions. What it throws ends the import, which can be repeated. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

const OPTIONS: OptionNames<ImportLegacyOptions> = { home: true, dryRun: true, keepOrphans: true, onProgress: true };

/**
 * Brings everything from the older DorkOS files (schedules.json, pulse.db, relay/index.db, mesh/mesh.db) and from the
 * dork.db of a DorkOS release into this dork.db.
 *
 * Rows are written in short transactions, so that a server can use dork.db meanwhile. An import that ends early is
 * completed by the next one. A missing file is not an error. A file that cannot be imported has an error in the receipt,
 * and the others go on. The files are never changed: databases are copied with their -wal into a private folder next to
 * dork.db (for a dry run into the system's temporary folder), read there, and removed.
 *
 * It may be run as often as you like. It brings rows that are new in the older files, and brings rows up to date that
 * moved on there and were not changed here. Rows that were changed or deleted in dork.db stay so. Of several releases'
 * files, e.g. moved aside one after the other, all are read, and the newest that has a row has the last word. Rows that do
 * not fit are in the receipt, with the reason. Every complete import of a file adds a row to `legacy_imports`.
 * When it returns, everything that the receipt counts is on the disk; a loss of power before that may take the last
 * transactions, which the next import brings again.
 *
 * @throws ImportError where the home is no folder, or dork.db itself cannot take part: within a transaction, before its
 * migrations, read-only.
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
    // Without statistics SQLite plans for tables of other sizes.
    if (imported.some((source) => source.imported > 0) && !isDryRun) optimizeIfFree(connection);
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
 * Where older files are copied to: beside dork.db, where a copy may share its blocks with the older file; for a dry run,
 * which writes nothing there, and for a database in memory where the system keeps temporary files.
 */
function placeOf({ filename }: Connection, isDryRun: boolean): string {
  return isDryRun || filename === MEMORY ? tmpdir() : dirname(filename);
}

function homeOf(given: unknown): string {
  if (given === undefined) return defaultHome();
  if (typeof given !== 'string' || given === '' || given.includes('\0'))
    throw new InvalidInputError('options.home', 'is not the path of a folder');
  const home = resolve(given);
  const found = statAt(home);
  if (!found?.isDirectory() && !found?.isFile()) {
    throw new ImportError('HOME_MISSING', `${home} is neither a folder nor a file. Nothing was imported.`, {
      hint: 'Give the folder of the older DorkOS, or the dork.db of a DorkOS release: --from HOME.',
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
      'is within a transaction, and SQLite attaches no file there',
      'Import after it has ended.',
    );
  }
  if (connection.readonly && !isDryRun) {
    refuse('READ_ONLY', 'was opened read-only', 'Open it for writing, or ask for a dry run.');
  }
  const table = connection.prepare("SELECT 1 FROM main.sqlite_schema WHERE type = 'table' AND name = 'legacy_rows'");
  if (!table.get())
    refuse('NOT_MIGRATED', 'lacks migrations', `Run dork-db migrate --db ${shellQuoted(connection.filename)}.`);
}
