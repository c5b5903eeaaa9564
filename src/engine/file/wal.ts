import type { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import { isAtLeast } from '../version.ts';
import { statAt } from './file.ts';

/** What a -wal holds. https://sqlite.org/wal.html */
export interface WalState {
  /** Pages that were written to the -wal since it was last begun anew. */
  readonly frames: number;
  /** Those of them that are in the database file too. */
  readonly checkpointed: number;
}

/** The first version with `wal_checkpoint(NOOP)`; older ones would take it for PASSIVE and write. */
const OLDEST_WITH_NOOP = '3.51.0';

/**
 * What the -wal holds, found out without moving a page; undefined where the file has no -wal (in memory, another
 * journal mode), inside a transaction or a loop over `iterate()`, and before SQLite 3.51.0. https://sqlite.org/pragma.html#pragma_wal_checkpoint
 */
export function walState(connection: Connection): WalState | undefined {
  if (connection.inTransaction || connection.isIterating || !isAtLeast(connection.sqliteVersion, OLDEST_WITH_NOOP))
    return undefined;
  try {
    const [row] = connection.pragma('wal_checkpoint(NOOP)') as { log: number; checkpointed: number }[];
    return row && row.log >= 0 ? { frames: row.log, checkpointed: row.checkpointed } : undefined;
  } catch (error) {
    if (isBusy(error)) return undefined;
    throw error;
  }
}

/** Bytes of a file; 0 where there is none. */
export function bytesOf(path: string): number {
  return statAt(path)?.size ?? 0;
}
