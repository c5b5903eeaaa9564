import type { Connection } from '../../engine/connection/connection.ts';
import type { LegacySource, Tally } from './receipt.ts';
import type { PlannedOwners } from './row-owners.ts';

/** The progress of an import. */
export interface ImportProgress {
  readonly source: LegacySource;
  /** The older file, absolute. */
  readonly path: string;
  /** The older table; `schedules` for the array of schedules.json. */
  readonly table: string;
  /** Rows read so far. */
  readonly rows: number;
  readonly totalRows: number;
}

/**
 * The origins of a row, the best last. A row is never updated from a worse origin than the one it was imported from.
 * `placeholder` replaces a missing schedule. `copy` is a new table of a hybrid file. `release` is the dork.db of a DorkOS
 * release, which is newer than the older three files. Of two releases, the one in use later is better.
 */
export const ORIGINS: readonly string[] = ['placeholder', 'copy', 'older', 'release'] satisfies Origin[];
export type Origin = 'placeholder' | 'copy' | 'older' | 'release';

/** The state of the import of one source. */
export interface ImportContext {
  /** dork.db. */
  readonly connection: Connection;
  /** The private copy of the source; undefined for schedules.json. */
  readonly copy: Connection | undefined;
  /** Rows of each table of the copy. Counted before the import: a batch holds dork.db's write lock. */
  readonly totals: ReadonlyMap<string, number>;
  readonly isDryRun: boolean;
  readonly keepOrphans: boolean;
  /** When a release's dork.db was last in use, in a form that sorts by time. Empty for other sources. */
  readonly age: string;
  /** True if several releases are imported. Then each row must record the newest release that has it. */
  readonly hasSeveralReleases: boolean;
  readonly tally: Tally;
  readonly planned: PlannedOwners;
  /** Reports the progress of a table. */
  readonly progress: (table: string, rows: number, totalRows: number) => void;
}

/** The steps of an import, one row each. The caller decides which steps share a transaction. */
export type Steps = Generator<void, void, void>;
