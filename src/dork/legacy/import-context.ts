import type { Connection } from '../../engine/connection/connection.ts';
import type { AgentPaths } from './agent-paths.ts';
import type { LegacySource, Tally } from './receipt.ts';

/** How far an import is. */
export interface ImportProgress {
  readonly source: LegacySource;
  /** The older table; `schedules` for the array of schedules.json. */
  readonly table: string;
  /** Rows that were read so far. */
  readonly rows: number;
  readonly totalRows: number;
}

/**
 * Who describes the same row better, the best last. A row that was imported from one of them is never brought up to date
 * from a lesser one: `placeholder` stands for a schedule that is gone, `copy` is a new table of a hybrid file, `release` is
 * the dork.db of a DorkOS release, which is newer than the older three.
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
  readonly tally: Tally;
  readonly paths: AgentPaths;
  /** Reports how far a table is. */
  readonly progress: (table: string, rows: number, totalRows: number) => void;
}

/** Rows that were imported or looked at, one a step. The caller decides which steps share a transaction. */
export type Steps = Generator<void, void, void>;
