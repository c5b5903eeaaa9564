import { chownSync, renameSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { copyDatabase } from '../copies/copy-database.ts';
import { sweepSync } from '../copies/sweep.ts';
import { type Kit, openingOf } from '../definition.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DorkDbError, InvalidInputError } from '../errors.ts';
import { realFile, requireFile } from '../file/file.ts';
import { isSystemError } from '../file/fs.ts';
import { openConnection } from '../file/open.ts';
import { databasePath, MEMORY } from '../file/path.ts';
import { assertReplaceable } from '../file/place.ts';
import { exchange } from '../file/replace.ts';
import { bytesOf } from '../file/wal.ts';
import { howTo } from '../host.ts';
import { checkTimeout } from '../input.ts';
import { countRows, type RowCounts } from '../migrations/rows.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { withoutOthers } from './exclusive.ts';

/** What `compact()` takes. */
export interface CompactOptions {
  /** How long to wait for others to let go of the file, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** Called before each phase. What it throws ends the compaction; the file is as it was. */
  readonly onProgress?: (progress: CompactProgress) => void;
}

const OPTIONS: OptionNames<CompactOptions> = { busyTimeoutMs: true, onProgress: true };

/** Where a compaction is. Each phase is one statement, which tells nothing meanwhile. */
export interface CompactProgress {
  /** `copying` the rows into a new file, `verifying` it before it takes the place of the old one. */
  readonly phase: 'copying' | 'verifying';
  /** Bytes that are to be copied at most, or to be read back. */
  readonly bytes: number;
}

/** What a compaction did. */
export interface CompactReport {
  readonly filename: string;
  /** Bytes of the file and its -wal before, and of the file after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Bytes given back to the disk. */
  readonly gained: number;
  readonly rows: RowCounts;
  readonly durationMs: number;
}

/**
 * Gives the free pages of a file back to the disk and puts its rows in order: the content is written into a new file
 * beside it, read back, and put in its place in one step. At every moment the one or the other stands at the path, so
 * a crash loses nothing; what it leaves beside the file is removed by the next call.
 *
 * Nobody else may have the file open, this process included: close the Db first. From the start to the end others
 * wait, or fail with SQLITE_BUSY; that is as long as a copy of the file takes.
 *
 * @throws DatabaseBusyError `HELD` where a process has the file open, which it names where the system tells; `REPLACED`
 * where another compaction or a restore replaced it meanwhile.
 * @throws BackupError `NO_ROOM` where the disk has no room for the copy.
 * @throws DatabaseOpenError where the file is not a database of ours.
 * @throws DorkDbError `COPY_DIFFERS`, `NOT_OWNER`, `WAL_LEFT`; the file is as it was.
 * @throws InvalidInputError for a path or an option that cannot be one.
 */
export type Compact = (path: string, options?: CompactOptions) => CompactReport;

/** Returns `compact()` for a driver and a definition. */
export function compactWith(kit: Kit): Compact {
  return (path, options = {}) => {
    const { busyTimeoutMs = BUSY_TIMEOUT_MS, onProgress } = optionsArgument(options, OPTIONS);
    checkTimeout(busyTimeoutMs);
    const started = performance.now();
    let filename = path;
    let isReplaced = false;
    try {
      filename = existing(path);
      const bytesBefore = bytesOf(filename) + bytesOf(`${filename}-wal`);
      const rows = withoutOthers(kit, filename, busyTimeoutMs, (connection) => {
        sweepSync(kit.adapter, dirname(filename), (name) => name === basename(filename));
        return replaceByCopy(kit.adapter, connection, onProgress, () => {
          isReplaced = true;
        });
      });
      enterWal(kit, filename, busyTimeoutMs);
      const bytesAfter = bytesOf(filename);
      return {
        filename,
        bytesBefore,
        bytesAfter,
        gained: bytesBefore - bytesAfter,
        rows,
        durationMs: performance.now() - started,
      };
    } catch (cause) {
      throw isSystemError(cause) ? failure(filename, isReplaced, cause) : cause;
    }
  };
}

/** Returns the error for a system call that failed, before or after the file was exchanged. */
function failure(filename: string, isReplaced: boolean, cause: Error & { readonly code: string }): DorkDbError {
  return isReplaced
    ? new DorkDbError('NOT_FLUSHED', `${filename} was compacted, and a step after it failed: ${cause.message}.`, {
        hint: 'Check the disk. After a loss of power the previous file may be there again, with every row.',
        cause,
      })
    : new DorkDbError(cause.code, `${filename} could not be compacted: ${cause.message}. It is as it was.`, {
        hint: 'Check the disk, and the owner and permissions of the folder, then call again.',
        cause,
      });
}

/** The copy is not in WAL mode; opening it puts it there. If that fails, the next opening does it. */
function enterWal({ adapter, definition }: Kit, filename: string, busyTimeoutMs: number): void {
  try {
    using opened = openConnection(adapter, filename, {
      busyTimeoutMs,
      ...openingOf(definition),
    });
    opened.pragma('schema_version');
  } catch (error) {
    if (!(error instanceof DorkDbError)) throw error;
  }
}

function existing(path: string): string {
  const filename = databasePath(path);
  if (filename === MEMORY) throw new InvalidInputError('path', 'is a database in memory, which has no file');
  requireFile(filename);
  const real = realFile(filename);
  assertReplaceable(real);
  return real;
}

/** Writes the copy, compares it, and puts it in the place of the file. */
function replaceByCopy(
  adapter: Adapter,
  connection: Connection,
  onProgress: CompactOptions['onProgress'],
  replaced: () => void,
): RowCounts {
  const { filename } = connection;
  emptyWal(connection);
  const rows = countRows(connection);
  const schema = schemaOf(connection);
  onProgress?.({ phase: 'copying', bytes: bytesOf(filename) });
  copyDatabase(
    connection,
    filename,
    (copy) => {
      onProgress?.({ phase: 'verifying', bytes: bytesOf(copy.filename) });
      const counts = countRows(copy);
      const isSame =
        schemaOf(copy) === schema &&
        Object.entries(rows).every(([table, n]) => counts[table] === n) &&
        copy.pragma('quick_check(1)', { simple: true }) === 'ok';
      if (!isSame) {
        throw new DorkDbError('COPY_DIFFERS', `The copy of ${filename} does not hold what it holds, and was removed.`, {
          hint: `Run ${howTo(copy.host, 'doctor --deep', 'health(db, { deep: true })')}, and check the disk.`,
        });
      }
      keepOwner(filename, copy.filename);
    },
    {
      swap: (copy) =>
        exchange(adapter, connection, copy, () => {
          renameSync(copy, filename);
          replaced();
        }),
    },
  );
  return rows;
}

/** A copy that root makes is root's, and would lock the owner of the file out. */
function keepOwner(filename: string, copy: string): void {
  const { uid, gid } = statSync(filename);
  const own = statSync(copy);
  if (own.uid === uid && own.gid === gid) return;
  try {
    chownSync(copy, uid, gid);
  } catch (cause) {
    throw new DorkDbError(
      'NOT_OWNER',
      `${filename} belongs to user ${uid}, and a copy would not. Nothing was changed.`,
      {
        hint: 'Run it as the owner of the file.',
        cause,
      },
    );
  }
}

/** A -wal with content would be replayed into the new file. */
function emptyWal(connection: Connection): void {
  connection.pragma('wal_checkpoint(TRUNCATE)');
  const left = bytesOf(`${connection.filename}-wal`);
  if (left === 0) return;
  throw new DorkDbError(
    'WAL_LEFT',
    `The -wal of ${connection.filename} still has ${left} bytes. Nothing was changed.`,
    {
      hint: 'Look at the free space of the disk, then call again.',
    },
  );
}

function schemaOf(connection: Connection): string {
  const rows = connection
    .prepare<{ type: string; name: string; sql: string | null }>(
      'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name',
    )
    .all();
  return JSON.stringify([rows, connection.pragma('application_id'), connection.pragma('user_version')]);
}
