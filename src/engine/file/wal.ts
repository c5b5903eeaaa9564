import type { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import { isAtLeast } from '../version.ts';
import { statAt } from './file.ts';

/** The state of a -wal. https://sqlite.org/wal.html */
export interface WalState {
  /** Pages written to the -wal since SQLite last started it over. */
  readonly frames: number;
  /** Number of these pages that are also in the database file. */
  readonly checkpointed: number;
}

/** The first version with `wal_checkpoint(NOOP)`; older ones would run a PASSIVE checkpoint. */
const OLDEST_WITH_NOOP = '3.51.0';

/**
 * Returns the state of the -wal without moving a page; undefined if the file has no -wal (in memory, another journal
 * mode), inside a transaction or a loop over `iterate()`, and before SQLite 3.51.0.
 * https://sqlite.org/pragma.html#pragma_wal_checkpoint
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

/** Returns the size of a file in bytes; 0 if it does not exist. */
export function bytesOf(path: string): number {
  return statAt(path)?.size ?? 0;
}
