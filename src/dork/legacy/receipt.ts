import type { ImportError } from '../../engine/errors.ts';
import type { Instant } from '../../engine/time.ts';
import type { LEGACY_SOURCES } from './schema.ts';

/** An older file by its place in a DorkOS home. */
export type LegacySource = (typeof LEGACY_SOURCES)[number];

/** What became of the rows of a table. `read` is the sum of the others. */
export interface ImportCounts {
  /** Rows of the older file. */
  readonly read: number;
  /** Rows that dork.db did not have. */
  readonly imported: number;
  /** Rows that an earlier import took, that have moved on in the older file since, and that nobody changed in dork.db. */
  readonly updated: number;
  /** Rows that dork.db has as they are in the older file, or that were changed there; they stay as they are. */
  readonly alreadyThere: number;
  /** Rows that an earlier import took and that were deleted from dork.db since; they stay deleted. */
  readonly deletedSince: number;
  /** Rows that do not fit. */
  readonly setAside: number;
}

/** What became of the rows of one table of an older file. */
export interface TableReceipt extends ImportCounts {
  /** The older table; `schedules` for the array of schedules.json. */
  readonly table: string;
}

/** Rows that were not taken quite as they came, by the rule that was applied. */
export interface Adjustment {
  readonly table: string;
  /** As `started_at_from_created_at`. */
  readonly rule: string;
  readonly rows: number;
}

/** A row that does not fit: it is left in the older file. */
export interface SetAsideRow {
  readonly table: string;
  /** The rowid of the older table, as text; the position from 0 in schedules.json. */
  readonly row: string;
  /** The row's own id, cut after 200 characters; null where it has none. */
  readonly id: string | null;
  /** As `status is not one that is known`. No value of the row is shown. */
  readonly reason: string;
}

/** How many rows do not fit, by the reason. */
export interface SetAsideReason {
  readonly table: string;
  readonly reason: string;
  readonly rows: number;
}

/** What became of one older file. */
export interface SourceReceipt extends ImportCounts {
  readonly source: LegacySource;
  /** The file, absolute. */
  readonly path: string;
  /** `failed`: not all of this file was imported, and `error` says why. The counts are of the rows that were. */
  readonly status: 'imported' | 'missing' | 'failed';
  /** Bytes of the file and its -wal. 0 where it is missing. */
  readonly size: number;
  /** Sizes and times of the file and its -wal, by which a later change of it is noticed. */
  readonly fingerprint: string;
  /** `PRAGMA user_version`; null where there is none. */
  readonly version: number | null;
  /** True where the older tables stand beside the new ones. */
  readonly isHybrid: boolean;
  readonly tables: readonly TableReceipt[];
  readonly adjusted: readonly Adjustment[];
  /** The first 1000 rows that do not fit; `setAside` counts them all. */
  readonly setAsideRows: readonly SetAsideRow[];
  /** Every reason with its count. */
  readonly setAsideReasons: readonly SetAsideReason[];
  /**
   * Tables and columns that were not read since dork.db has no place for them, with the number of their rows or values,
   * e.g. `rooms (20 rows)` and `messages.color (3 values)`; and tables of a hybrid file that wait for another source, e.g.
   * `agents (waits for mesh/mesh.db)`.
   */
  readonly notRead: readonly string[];
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  readonly error?: ImportError;
}

/** What became of the older files of a home. */
export interface ImportReceipt extends ImportCounts {
  /** The folder that was looked into, absolute. */
  readonly home: string;
  /** The database that was imported into. */
  readonly filename: string;
  /** True where nothing was written. */
  readonly dryRun: boolean;
  readonly keepOrphans: boolean;
  /** How many of the files could not be imported. */
  readonly failed: number;
  /** One for each older file, in the order of {@link LEGACY_SOURCES}; for each dork.db of a DorkOS release, newest first. */
  readonly sources: readonly SourceReceipt[];
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
}

/** How many rows that do not fit a receipt lists one by one. */
export const LISTED_ROWS = 1000;

/** A longer id is cut in a receipt. */
const LISTED_ID = 200;

export type Outcome = Exclude<keyof ImportCounts, 'read'>;

const OUTCOMES: readonly Outcome[] = ['imported', 'updated', 'alreadyThere', 'deletedSince', 'setAside'];

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export function noCounts(): Writable<ImportCounts> {
  return { read: 0, imported: 0, updated: 0, alreadyThere: 0, deletedSince: 0, setAside: 0 };
}

/** The sum of several counts. */
export function sumOf(counts: readonly ImportCounts[]): ImportCounts {
  const sum = noCounts();
  for (const each of counts) {
    for (const name of ['read', ...OUTCOMES] as const) sum[name] += each[name];
  }
  return sum;
}

/** Counts what becomes of the rows of one source while they are imported. */
export class Tally {
  readonly #tables = new Map<string, Writable<ImportCounts>>();
  readonly #adjusted = new Map<string, Writable<Adjustment>>();
  readonly #reasons = new Map<string, Writable<SetAsideReason>>();
  readonly #setAside: SetAsideRow[] = [];

  /** Makes a table appear in the receipt, also where it has no row. */
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

  /** How many rows may still be listed. */
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
