import type { Connection } from '../../engine/connection/connection.ts';
import type { LegacySource, Tally } from './receipt.ts';
import type { PlannedOwners } from './row-owners.ts';

/** How far an import is. */
export interface ImportProgress {
  readonly source: LegacySource;
  /** The older file, absolute. */
  readonly path: string;
  /** The older table; `schedules` for the array of schedules.json. */
  readonly table: string;
  /** Rows that were read so far. */
  readonly rows: number;
  readonly totalRows: number;
}

/**
 * Who describes the same row better, the best last. A row that was imported from one of them is never brought up to date
 * from a lesser one: `placeholder` stands for a schedule that is gone, `copy` is a new table of a hybrid file, `release` is
 * the dork.db of a DorkOS release, which is newer than the older three. Of two releases the one that was in use later is better.
 */
export const ORIGINS: readonly string[] = ['placeholder', 'copy', 'older', 'release'] satisfies Origin[];
export type Origin = 'placeholder' | 'copy' | 'older' | 'release';

/** State that the import of one source works with. */
export interface ImportContext {
  /** dork.db. */
  readonly connection: Connection;
  /** The private copy of the source; undefined for schedules.json. */
  readonly copy: Connection | undefined;
  readonly isDryRun: boolean;
  readonly keepOrphans: boolean;
  /** Of a release's dork.db: when it was last in use, in a form that sorts by time. Empty for other sources. */
  readonly age: string;
  /** True if several releases are imported, so that each row must be known to be as new as the newest that has it. */
  readonly hasSeveralReleases: boolean;
  readonly tally: Tally;
  readonly planned: PlannedOwners;
  /** Reports how far a table is. */
  readonly progress: (table: string, rows: number, totalRows: number) => void;
}

/** Rows that were imported or looked at, one a step. The caller decides which steps share a transaction. */
export type Steps = Generator<void, void, void>;
