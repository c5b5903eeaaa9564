import { type AnyDb, connectionOf } from '../connection/db.ts';
import { type LockHolder, lockHolders } from '../file/file-locks.ts';
import { MEMORY } from '../file/path.ts';
import { bytesOf, walState } from '../file/wal.ts';
import { lastRowid, tablesOf } from '../rows/tables.ts';
import { type Instant, now } from '../time.ts';

/** A summary of a table's activity that needs no reading of rows. */
export interface TableActivity {
  readonly name: string;
  /**
   * The greatest rowid; 0 in an empty table, null in a table without rowids. It grows by one with each added row,
   * unless rowids are given explicitly. Updates and deletions do not change it.
   */
  readonly lastRowid: number | null;
}

/** The state of a database file at one moment, including the changes of other processes. */
export interface Activity {
  readonly filename: string;
  readonly at: Instant;
  /** Bytes of the file and of its -wal; 0 in memory. */
  readonly fileBytes: number;
  readonly walBytes: number;
  /** Bytes of the -wal that are not in the file yet; absent if SQLite does not report it. */
  readonly walPendingBytes?: number;
  /** Bytes of the -wal at which a commit of this package moves it into the file. */
  readonly checkpointBytes: number;
  /** Changes with each commit of another connection. https://sqlite.org/pragma.html#pragma_data_version */
  readonly dataVersion: number;
  /** The processes that have the file open, including this one; absent if the system does not report them. */
  readonly processes?: readonly LockHolder[];
  readonly tables: readonly TableActivity[];
}

/**
 * Returns the figures that change from second to second, for the whole file instead of one connection (see
 * `monitor()`). The difference of two calls shows how many rows were added in between. Costs one look-up per table,
 * whatever its size, and writes nothing.
 *
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const { walBytes, checkpointBytes, tables } = activity(db);
 * ```
 */
export function activity(db: AnyDb): Activity {
  const connection = connectionOf(db);
  connection.assertOpen();
  const { filename } = connection;
  const isFile = filename !== MEMORY;
  const read = (pragma: string) => Number(connection.pragma(pragma, { simple: true }));
  const pageSize = read('page_size');
  const state = isFile ? walState(connection) : undefined;
  const processes = isFile ? lockHolders(filename) : undefined;
  return {
    filename,
    at: now(),
    fileBytes: isFile ? bytesOf(filename) : 0,
    walBytes: isFile ? bytesOf(`${filename}-wal`) : 0,
    ...(state && { walPendingBytes: (state.frames - state.checkpointed) * pageSize }),
    checkpointBytes: read('wal_autocheckpoint') * pageSize,
    dataVersion: read('data_version'),
    ...(processes && { processes }),
    tables: tablesOf(connection).map((table) => ({ name: table.name, lastRowid: lastRowid(connection, table) })),
  };
}
