import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { DorkDbError, ImportError } from '../../engine/errors.ts';
import { checkOwner } from '../../engine/hints.ts';
import { isSystemError } from '../../engine/realm.ts';
import { type Instant, now } from '../../engine/time.ts';
import { newId } from '../../stores/ids.ts';
import { Batches } from './batches.ts';
import type { ImportContext, ImportProgress, Steps } from './import-context.ts';
import type { Place } from './places.ts';
import { type LegacySource, noCounts, type SourceReceipt, Tally } from './receipt.ts';
import { PlannedOwners } from './row-owners.ts';
import { type OpenSource, openSource } from './source.ts';
import { findSource, refusal, type SourceFile } from './source-file.ts';

export interface SourceImportOptions {
  readonly isDryRun: boolean;
  readonly keepOrphans: boolean;
  readonly onProgress: ((progress: ImportProgress) => void) | undefined;
  /** True if there is more than one dork.db of a release. */
  readonly hasSeveralReleases: boolean;
}

/** The committed rows of a source. */
interface Committed {
  counts: ReturnType<Tally['result']>;
  receipt?: SourceReceipt;
}

/** A source as it was found: missing, refused or ready to import. */
interface Found {
  readonly file?: SourceFile;
  readonly open?: OpenSource;
  readonly error?: ImportError;
}

/** Imports several sources into one database. */
export class SourceImports {
  readonly #connection: Connection;
  readonly #folder: string;
  readonly #options: SourceImportOptions;
  readonly #batches: Batches;
  readonly #planned = new PlannedOwners();
  readonly #failed = new Set<LegacySource>();

  /** @param folder A private folder for the copies. */
  constructor(connection: Connection, folder: string, options: SourceImportOptions) {
    this.#connection = connection;
    this.#folder = folder;
    this.#options = options;
    this.#batches = new Batches(connection, options.isDryRun);
  }

  /** Imports a source. The receipt has the error if it failed. */
  import(place: Place): SourceReceipt {
    const startedAt = now();
    const { file, open, error } = this.#find(place);
    const committed: Committed = { counts: new Tally().result() };
    try {
      if (error) throw error;
      if (!file || !open) return this.#receipt(place, startedAt, { status: 'missing' });
      return this.#importOpen(place, startedAt, file, open, committed);
    } catch (cause) {
      this.#failed.add(place.source);
      const { counts } = committed;
      const failure = this.#failure(place, cause, counts.imported + counts.updated);
      return this.#receipt(place, startedAt, { ...shown(file, open), ...counts, status: 'failed', error: failure });
    } finally {
      if (open?.copy) discard(dirname(open.copy));
    }
  }

  #find(place: Place): Found {
    let file: SourceFile | undefined;
    try {
      file = findSource(place.path);
      return file ? { file, open: openSource(this.#connection, place.source, file, this.#folder) } : {};
    } catch (error) {
      return { ...(file && { file }), error: this.#failure(place, error, 0) };
    }
  }

  #importOpen(
    place: Place,
    startedAt: Instant,
    file: SourceFile,
    open: OpenSource,
    committed: Committed,
  ): SourceReceipt {
    const { isDryRun, keepOrphans, onProgress, hasSeveralReleases } = this.#options;
    const { source, path, age } = place;
    // The copy is private and not in WAL mode: no file is created next to it, and no other process writes it.
    using copy = open.copy ? this.#connection.sibling(open.copy, { readonly: true }) : undefined;
    const tally = new Tally();
    const waitingReports: ImportProgress[] = [];
    const context: ImportContext = {
      connection: this.#connection,
      copy,
      totals: open.totals,
      isDryRun,
      keepOrphans,
      age,
      hasSeveralReleases,
      tally,
      planned: this.#planned,
      progress: (table, rows, totalRows) => waitingReports.push({ source, path, table, rows, totalRows }),
    };
    const { steps, waiting } = open.import(context, this.#failed);
    const recorded = function* (this: SourceImports): Steps {
      yield* steps;
      const receipt = this.#receipt(place, startedAt, {
        ...shown(file, open),
        ...tally.result(),
        status: 'imported',
        notRead: [...open.unknown, ...waiting],
      });
      if (!isDryRun) this.#record(receipt);
      committed.receipt = receipt;
    };
    this.#batches.run(recorded.call(this), () => {
      committed.counts = tally.result();
      for (const report of waitingReports.splice(0)) onProgress?.(report);
    });
    // The last step has set the receipt.
    return committed.receipt as SourceReceipt;
  }

  #receipt({ source, path }: Place, startedAt: Instant, known: Partial<SourceReceipt>): SourceReceipt {
    return {
      source,
      path,
      status: 'missing',
      size: 0,
      fingerprint: '',
      version: null,
      isHybrid: false,
      ...noCounts(),
      tables: [],
      adjusted: [],
      setAsideRows: [],
      setAsideReasons: [],
      notRead: [],
      startedAt,
      finishedAt: now(),
      ...known,
    };
  }

  /** Stores the receipt in the transaction of the last rows, so that it exists only if all of them do. */
  #record(receipt: SourceReceipt): void {
    const { source, path, startedAt, finishedAt, read } = receipt;
    const imported = receipt.imported + receipt.updated;
    this.#connection
      .prepare(
        `INSERT INTO main.legacy_imports (id, source, path, started_at, finished_at, rows_read, rows_imported, rows_skipped, receipt_json)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(newId(), source, path, startedAt, finishedAt, read, imported, read - imported, JSON.stringify(receipt));
  }

  /**
   * Returns the error for a failed import.
   *
   * @param rows The number of rows that were committed before.
   * @throws any error that is not a failure of the import, e.g. one that `onProgress` throws.
   */
  #failure({ path }: Place, error: unknown, rows: number): ImportError {
    if (error instanceof ImportError) return error;
    if (isSystemError(error)) {
      return refusal(
        'FILE_SYSTEM',
        path,
        `could not be copied and read (${error.code})`,
        checkOwner(`${path}, and the disk of ${this.#folder}`, 'import again'),
        error,
      );
    }
    if (!(error instanceof DorkDbError)) throw error;
    const { code, message, hint, retryable } = error;
    const done = rows === 0 ? 'nothing of it was imported' : `${rows} of its rows were imported`;
    return new ImportError(
      code,
      `${path} could not be imported into ${this.#connection.filename}: ${message} It was not changed, and ${done}.`,
      { hint: rows === 0 ? hint : `${hint} The next import adds the other rows.`, retryable, cause: error },
    );
  }
}

/** Removes a copy, to free space for the next one. A copy that cannot be removed now is removed with its parent folder. */
function discard(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The import is done, whether or not the copy was removed.
  }
}

function shown(file: SourceFile | undefined, open: OpenSource | undefined): Partial<SourceReceipt> {
  return {
    ...(file && { size: file.size, fingerprint: file.fingerprint }),
    ...(open && { version: open.version, isHybrid: open.isHybrid }),
  };
}
