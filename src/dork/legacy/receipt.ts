import type { ImportError } from '../../engine/errors.ts';
import type { Instant } from '../../engine/time.ts';
import type { LEGACY_SOURCES } from './schema.ts';

/** An older file by its path in a DorkOS home. */
export type LegacySource = (typeof LEGACY_SOURCES)[number];

/** Numbers of rows by result. `read` is the sum of the others. */
export interface ImportCounts {
  /** Rows of the older file. */
  readonly read: number;
  /** Rows that dork.db did not have. */
  readonly imported: number;
  /** Rows of an earlier import that changed in the older file since, but not in dork.db. */
  readonly updated: number;
  /** Rows that are the same in dork.db, or were changed in dork.db. They stay as they are. */
  readonly alreadyThere: number;
  /** Rows of an earlier import that were deleted from dork.db since. They stay deleted. */
  readonly deletedSince: number;
  /** Invalid rows, which were not imported. */
  readonly setAside: number;
}

/** The result for one table of an older file. */
export interface TableReceipt extends ImportCounts {
  /** The older table; `schedules` for the array of schedules.json. */
  readonly table: string;
}

/** The number of rows that were changed by a rule. */
export interface Adjustment {
  readonly table: string;
  /** E.g. `started_at_from_created_at`. */
  readonly rule: string;
  readonly rows: number;
}

/** An invalid row, which was not imported. The older file still has it. */
export interface SetAsideRow {
  readonly table: string;
  /** The rowid in the older table, as text. In schedules.json, the position from 0. */
  readonly row: string;
  /** The row's own id, cut after 200 characters. Null if it has no id. */
  readonly id: string | null;
  /** E.g. `status must be a known value`. It contains no value of the row. */
  readonly reason: string;
}

/** The number of invalid rows with the same reason. */
export interface SetAsideReason {
  readonly table: string;
  readonly reason: string;
  readonly rows: number;
}

/** The result for one older file. */
export interface SourceReceipt extends ImportCounts {
  readonly source: LegacySource;
  /** The file, absolute. */
  readonly path: string;
  /** `failed`: the file was not imported completely, and `error` has the reason. The counts are of the imported rows. */
  readonly status: 'imported' | 'missing' | 'failed';
  /** Bytes of the file and its -wal. 0 if the file is missing. */
  readonly size: number;
  /** Sizes and times of the file and its -wal, to detect later changes. */
  readonly fingerprint: string;
  /** `PRAGMA user_version`. Null if the file has none. */
  readonly version: number | null;
  /** True if the file has both older and new tables. */
  readonly isHybrid: boolean;
  readonly tables: readonly TableReceipt[];
  readonly adjusted: readonly Adjustment[];
  /** The first 1000 invalid rows. `setAside` counts them all. */
  readonly setAsideRows: readonly SetAsideRow[];
  /** Every reason with its count. */
  readonly setAsideReasons: readonly SetAsideReason[];
  /**
   * Tables and columns that were not read because dork.db does not have them, with the number of their rows or values, e.g.
   * `rooms (20 rows)` and `messages.color (3 values)`. Also tables of a hybrid file that wait for another source, e.g.
   * `agents (waits for mesh/mesh.db)`.
   */
  readonly notRead: readonly string[];
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  readonly error?: ImportError;
}

/** The result of an import. */
export interface ImportReceipt extends ImportCounts {
  /** The folder of the older files, absolute. */
  readonly home: string;
  /** The target database. */
  readonly filename: string;
  /** True for a dry run: nothing was written. */
  readonly dryRun: boolean;
  readonly keepOrphans: boolean;
  /** Number of files that could not be imported. */
  readonly failed: number;
  /** One for each older file, in the order of {@link LEGACY_SOURCES}, and for each dork.db of a DorkOS release, newest first. */
  readonly sources: readonly SourceReceipt[];
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
}

/** The most invalid rows that a receipt lists one by one. */
export const LISTED_ROWS = 1000;

/** The most characters of an id in a receipt. */
const LISTED_ID = 200;

export type Outcome = Exclude<keyof ImportCounts, 'read'>;

const OUTCOMES: readonly Outcome[] = ['imported', 'updated', 'alreadyThere', 'deletedSince', 'setAside'];

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function noCounts(): Writable<ImportCounts> {
  return { read: 0, imported: 0, updated: 0, alreadyThere: 0, deletedSince: 0, setAside: 0 };
}

/** Returns the sum of several counts. */
export function sumOf(counts: readonly ImportCounts[]): ImportCounts {
  const sum = noCounts();
  for (const each of counts) {
    for (const name of ['read', ...OUTCOMES] as const) sum[name] += each[name];
  }
  return sum;
}

/** Counts the rows of one source by result during its import. */
export class Tally {
  readonly #tables = new Map<string, Writable<ImportCounts>>();
  readonly #adjusted = new Map<string, Writable<Adjustment>>();
  readonly #reasons = new Map<string, Writable<SetAsideReason>>();
  readonly #setAside: SetAsideRow[] = [];

  /** Adds a table to the receipt, even if it has no rows. */
  begin(table: string): void {
    if (!this.#tables.has(table)) this.#tables.set(table, noCounts());
  }

  add(table: string, outcome: Outcome, rows = 1): void {
    this.begin(table);
    const counts = this.#tables.get(table) as Writable<ImportCounts>;
    counts.read += rows;
    counts[outcome] += rows;
  }

  adjust(table: string, rule: string, rows = 1): void {
    const key = `${table} ${rule}`;
    const adjustment = this.#adjusted.get(key) ?? { table, rule, rows: 0 };
    adjustment.rows += rows;
    this.#adjusted.set(key, adjustment);
  }

  setAside(table: string, reason: string, rows = 1): void {
    this.add(table, 'setAside', rows);
    const key = `${table} ${reason}`;
    const counted = this.#reasons.get(key) ?? { table, reason, rows: 0 };
    counted.rows += rows;
    this.#reasons.set(key, counted);
  }

  /** Number of invalid rows that can still be listed. */
  get room(): number {
    return LISTED_ROWS - this.#setAside.length;
  }

  list(row: SetAsideRow): void {
    if (this.room > 0) this.#setAside.push({ ...row, id: row.id?.slice(0, LISTED_ID) ?? null });
  }

  result(): Pick<SourceReceipt, 'tables' | 'adjusted' | 'setAsideRows' | 'setAsideReasons' | keyof ImportCounts> {
    const tables = [...this.#tables].map(([table, counts]) => ({ table, ...counts }));
    return {
      ...sumOf(tables),
      tables,
      adjusted: [...this.#adjusted.values()],
      setAsideRows: this.#setAside,
      setAsideReasons: [...this.#reasons.values()],
    };
  }
}
