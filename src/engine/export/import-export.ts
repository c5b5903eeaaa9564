import { basename, dirname, join, resolve } from 'node:path';
import { failureOf } from '../backup/failure.ts';
import { sidecarsOf } from '../backup/file-set.ts';
import { requireFolder } from '../backup/folder.ts';
import { Listener } from '../backup/listener.ts';
import { Connection } from '../connection/connection.ts';
import { Making } from '../copies/making.ts';
import { sweep } from '../copies/sweep.ts';
import { givenOrDefault, type Kit } from '../definition.ts';
import { ExportError, InvalidInputError } from '../errors.ts';
import { createPrivateFile } from '../file/create.ts';
import { flushFile } from '../file/flush.ts';
import { isThere } from '../file/fs.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { MEMORY } from '../file/path.ts';
import { bytesOf } from '../file/wal.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { type Filled, fillFrom } from './fill.ts';
import type { ExportProgress } from './progress.ts';
import { openExport, type Source } from './read-export.ts';

/** Options for `importExport()`. */
export interface ImportExportOptions {
  /** The folder of the export. */
  readonly from: string;
  /** The file to create; it must not exist. Default: the definition's default path. */
  readonly to?: string;
  /** Called ten times a second, and at the end of each table. If it throws, the import ends with that error. */
  readonly onProgress?: (progress: ExportProgress) => void;
}

const OPTIONS: OptionNames<ImportExportOptions> = { from: true, to: true, onProgress: true };

/** A database that was created from an export. */
export interface ImportExportReport extends Filled {
  /** The folder of the export, absolute. */
  readonly from: string;
  /** The new file, absolute. */
  readonly to: string;
  readonly bytes: number;
  /** When the export was made. */
  readonly exportedAt: string;
  readonly durationMs: number;
}

/** The type of `importExport()`. */
export interface ImportExport {
  /**
   * Creates a new database from an export. All rows and values are equal, which is verified by reading every row of the
   * new file. An export of an older schema is imported into that schema and then migrated. The file gets its name when it
   * is complete and on the disk; the export is only read.
   *
   * Data that the definition derives, e.g. counters, is corrected if the export has it wrong.
   * Triggers do not run, and values that violate a CHECK are kept. Rows without a key keep their order, but get new
   * rowids. Full-text indexes of other tables are rebuilt.
   *
   * @throws ExportError if the export is incomplete or from another database, with one of the codes `NOT_AN_EXPORT`,
   * `MISSING_FILE`, `CHANGED_EXPORT`, `CUT_LINE`, `WRONG_COUNT`, `OTHER_HISTORY`, `NEWER_EXPORT`, `FOREIGN_TABLE`,
   * `MISSING_TABLE`, `FOREIGN_COLUMN`, `MISSING_COLUMN`, `REFUSED_ROW`, `DANGLING`; and `TARGET_EXISTS`, `FOLDER_MISSING`
   * or the system's own code. No file was created.
   * @throws InvalidInputError for an invalid path.
   */
  (options: ImportExportOptions): Promise<ImportExportReport>;
}

/** Returns `importExport()` for a driver and a definition. */
export function importExportWith(kit: Kit): ImportExport {
  return async (options) => {
    const started = performance.now();
    const { from, to, onProgress } = optionsArgument(options, OPTIONS);
    if (typeof from !== 'string' || from === '' || from.includes('\0'))
      throw new InvalidInputError('options.from', 'must be the path of a folder');
    const filename = givenOrDefault(kit.definition, to, 'options.to');
    if (filename === MEMORY) throw new InvalidInputError('options.to', 'must be the path of a file');
    kit.adapter.load();
    const source = openExport(resolve(from));
    if (to === undefined) kit.definition.createDefaultFolder?.();
    assertFree(filename);
    const listener = new Listener(onProgress);
    try {
      const made = await make(kit, source, filename, listener);
      const { exportedAt } = source.manifest;
      return { from: source.folder, to: filename, ...made, exportedAt, durationMs: performance.now() - started };
    } catch (error) {
      if (listener.threw(error)) throw error;
      const what = `Nothing of ${source.folder} was imported, and it was not changed.`;
      throw failureOf(ExportError, error, what, `Check the disk and the folder ${dirname(filename)}, then try again.`);
    }
  };
}

/** A -wal left by another database would be used for the new file. */
function assertFree(filename: string): void {
  requireFolder(dirname(filename), ExportError, 'No database was made.');
  const [found] = ['', ...sidecarsOf(filename)].filter((suffix) => isThere(filename + suffix));
  if (found === undefined) return;
  throw new ExportError(
    'TARGET_EXISTS',
    `${filename}${found} already exists. It was not changed, and no database was made.`,
    {
      hint: 'Pass the path of a new file, or move the whole database away first, with its -wal and its -shm.',
    },
  );
}

async function make(
  kit: Kit,
  source: Source,
  to: string,
  listener: Listener<ExportProgress>,
): Promise<Filled & { bytes: number }> {
  await using making = new Making(kit.adapter, to, { isFolder: true });
  await sweep(kit.adapter, dirname(to), (name) => name === basename(to));
  const file = join(making.path, basename(to));
  createPrivateFile(file);
  const filled = await fill(kit, source, file, listener);
  giveTo(ownerOf(dirname(to)), file);
  await flushFile(file);
  const bytes = bytesOf(file);
  await making.publish(file);
  return { ...filled, bytes };
}

async function fill(kit: Kit, source: Source, file: string, listener: Listener<ExportProgress>): Promise<Filled> {
  using connection = new Connection(kit.adapter, file, { host: kit.definition });
  // No other process has the file, and it is flushed before it is used. The export's `$text` is in the encoding of the
  // exported database.
  connection.exec(
    `PRAGMA trusted_schema = OFF; PRAGMA encoding = '${source.manifest.encoding}'; PRAGMA journal_mode = MEMORY;
     PRAGMA synchronous = OFF; PRAGMA ignore_check_constraints = ON`,
  );
  const filled = await fillFrom(connection, kit.definition, source, listener);
  // Users may open it read-only.
  connection.pragma('journal_mode = WAL');
  return filled;
}
