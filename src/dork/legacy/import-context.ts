import type { Connection } from '../../engine/connection/connection.ts';
import type { LegacySource, Tally } from './receipt.ts';

/** How far an import is. */
export interface ImportProgress {
  readonly source: LegacySource;
  /** The older table; `schedules` for the array of schedules.json. */
  readonly table: string;
  /** Rows that were looked at until now. */
  readonly rows: number;
  readonly totalRows: number;
}

/** What the import of a source works with. */
export interface ImportContext {
  /** dork.db; the older file is attached to it as {@link ATTACHED}. */
  readonly connection: Connection;
  readonly isDryRun: boolean;
  readonly keepOrphans: boolean;
  /** True where relay/index.db holds copies of what the other sources hold. */
  readonly isHybrid: boolean;
  readonly tally: Tally;
  /** Tells how far a table is. */
  readonly progress: (table: string, rows: number, totalRows: number) => void;
}

/** The name under which the older file is attached. */
export const ATTACHED = 'dork_legacy';

/** Rows that are looked at and written together, and between two tellings of the progress. */
export const CHUNK_ROWS = 20_000;
