import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Connection } from '../../engine/connection/connection.ts';
import { DorkDbError, ImportError } from '../../engine/errors.ts';
import { codeOf, isError } from '../../engine/realm.ts';
import { type Instant, now } from '../../engine/time.ts';
import { newId } from '../../stores/ids.ts';
import { ATTACHED, type ImportContext, type ImportProgress } from './import-context.ts';
import { type LegacySource, noCounts, type SourceReceipt, Tally } from './receipt.ts';
import { type OpenSource, openSource } from './source.ts';
import { findSource, refusal, type SourceFile } from './source-file.ts';

export interface SourceImportOptions {
  readonly isDryRun: boolean;
  readonly keepOrphans: boolean;
  readonly onProgress: ((progress: ImportProgress) => void) | undefined;
}

/** What was found at the place of a source: nothing, something that cannot be imported, or a source. */
interface Found {
  readonly file?: SourceFile;
  readonly open?: OpenSource;
  readonly error?: ImportError;
}

const HYBRID: LegacySource = 'relay/index.db';

/** The imports of the sources of one home, each a transaction of its own. */
export class SourceImports {
  readonly #connection: Connection;
  readonly #home: string;
  readonly #folder: string;
  readonly #options: SourceImportOptions;
  readonly #failed = new Set<LegacySource>();
  /** Found first, since a dry run must know whether rows of the others are repeated in it. */
  readonly #hybrid: Found;

  /** @param folder Private, for the copies. */
  constructor(connection: Connection, home: string, folder: string, options: SourceImportOptions) {
    this.#connection = connection;
    this.#home = home;
    this.#folder = folder;
    this.#options = options;
    this.#hybrid = this.#find(HYBRID);
  }

  /** Imports a source, or tells why it could not be. */
  import(source: LegacySource): SourceReceipt {
    const startedAt = now();
    const { file, open, error } = source === HYBRID ? this.#hybrid : this.#find(source);
    try {
      if (error) throw error;
      if (!file || !open) return this.#receipt(source, startedAt, { status: 'missing' });
      return this.#importOpen(source, startedAt, file, open);
    } catch (cause) {
      this.#failed.add(source);
      const failure = this.#failure(source, cause);
      return this.#receipt(source, startedAt, { ...shown(file, open), status: 'failed', error: failure });
    } finally {
      if (open?.copy) discard(dirname(open.copy));
    }
  }

  #find(source: LegacySource): Found {
    let file: SourceFile | undefined;
    try {
      file = findSource(join(this.#home, source));
      return file ? { file, open: openSource(this.#connection, source, file, this.#folder) } : {};
    } catch (error) {
      return { ...(file && { file }), error: this.#failure(source, error) };
    }
  }

  #importOpen(source: LegacySource, startedAt: Instant, file: SourceFile, open: OpenSource): SourceReceipt {
    const { isDryRun, keepOrphans, onProgress } = this.#options;
    const tally = new Tally();
    const context: ImportContext = {
      connection: this.#connection,
      isDryRun,
      keepOrphans,
      isHybrid: this.#hybrid.open?.isHybrid ?? false,
      tally,
      progress: (table, rows, totalRows) => onProgress?.({ source, table, rows, totalRows }),
    };
    // No file can be attached or detached within a transaction.
    if (open.copy) this.#connection.prepare(`ATTACH ? AS ${ATTACHED}`).run(open.copy);
    try {
      return this.#connection.transaction(
        () => {
          const waiting = open.import(context, this.#failed);
          const receipt = this.#receipt(source, startedAt, {
            ...shown(file, open),
            ...tally.result(),
            status: 'imported',
            notRead: [...open.unknown, ...waiting],
          });
          if (!isDryRun) this.#record(receipt);
          return receipt;
        },
        isDryRun ? 'deferred' : 'immediate',
      );
    } finally {
      if (open.copy) this.#connection.exec(`DETACH ${ATTACHED}`);
    }
  }

  #receipt(source: LegacySource, startedAt: Instant, known: Partial<SourceReceipt>): SourceReceipt {
    return {
      source,
      path: join(this.#home, source),
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

  /** In the transaction of the rows: both are there, or neither. */
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

  /** @throws what is no failure of an import, such as what `onProgress` throws. */
  #failure(source: LegacySource, error: unknown): ImportError {
    if (error instanceof ImportError) return error;
    const path = join(this.#home, source);
    if (isSystemError(error)) {
      return refusal(
        'FILE_SYSTEM',
        path,
        `could not be copied and read (${error.code})`,
        `Check the disk of ${this.#folder}, and the owner and permissions of ${path}. Then import again.`,
        error,
      );
    }
    if (!(error instanceof DorkDbError)) throw error;
    const { code, message, hint, retryable } = error;
    return new ImportError(
      code,
      `${path} could not be imported into ${this.#connection.filename}: ${message} It was not changed, and nothing of it was imported.`,
      { hint, retryable, cause: error },
    );
  }
}

/** Frees the room for the next copy. What cannot be removed now goes with the folder that holds it. */
function discard(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // An import is not undone by what is left of its copy.
  }
}

/** True for a system call that failed, such as `mkdir`. */
function isSystemError(error: unknown): error is Error & { code: string } {
  return codeOf(error) !== undefined && isError(error) && 'syscall' in error;
}

function shown(file: SourceFile | undefined, open: OpenSource | undefined): Partial<SourceReceipt> {
  return {
    ...(file && { size: file.size, fingerprint: file.fingerprint }),
    ...(open && { version: open.version, isHybrid: open.isHybrid }),
  };
}
