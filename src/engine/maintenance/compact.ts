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
import { openConnection } from '../file/open.ts';
import { databasePath, MEMORY } from '../file/path.ts';
import { assertReplaceable } from '../file/place.ts';
import { exchange } from '../file/replace.ts';
import { bytesOf } from '../file/wal.ts';
import { checkOwner } from '../hints.ts';
import { howTo } from '../host.ts';
import { checkTimeout } from '../input.ts';
import { countRows, type RowCounts } from '../migrations/rows.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { isSystemError } from '../realm.ts';
import { withoutOthers } from './exclusive.ts';

/** Options for `compact()`. */
export interface CompactOptions {
  /** How long to wait until no other connection has the file open, in milliseconds. Default 5000. */
  readonly busyTimeoutMs?: number;
  /** Called before each phase. If it throws, the compaction ends and the file is unchanged. */
  readonly onProgress?: (progress: CompactProgress) => void;
}

const OPTIONS: OptionNames<CompactOptions> = { busyTimeoutMs: true, onProgress: true };

/** The progress of a compaction. Each phase is a single statement without intermediate progress. */
export interface CompactProgress {
  /** `copying` the rows into a new file, or `verifying` it before it replaces the old one. */
  readonly phase: 'copying' | 'verifying';
  /** Maximum number of bytes to copy, or number of bytes to verify. */
  readonly bytes: number;
}

/** The result of a compaction. */
export interface CompactReport {
  readonly filename: string;
  /** Bytes of the file and its -wal before, and of the file after. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Bytes returned to the disk. */
  readonly gained: number;
  readonly rows: RowCounts;
  readonly durationMs: number;
}

/** The type of `compact()`. */
export interface Compact {
  /**
   * Returns the free pages of a file to the disk and sorts its rows: the content is written to a new file in the same
   * folder, which is verified and then atomically replaces the old one. A crash loses nothing, and the next call removes
   * leftovers. When it returns, the new file is on the disk, with every commit from before.
   *
   * No other connection may have the file open, including those of this process: close the Db first. Other processes wait
   * or fail with SQLITE_BUSY meanwhile, which takes as long as copying the file.
   *
   * @throws DatabaseBusyError `HELD` if a process has the file open (named if the system reports it); `REPLACED` if
   * another compaction or a restore replaced the file meanwhile.
   * @throws BackupError `NO_ROOM` if the disk has no space for the copy.
   * @throws DatabaseOpenError if the file does not belong to this definition.
   * @throws DorkDbError `COPY_DIFFERS`, `NOT_OWNER`, `WAL_LEFT`; the file is unchanged.
   * @throws InvalidInputError for an invalid path or option.
   */
  (path: string, options?: CompactOptions): CompactReport;
}

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

/** Returns the error for a system call that failed before or after the file was replaced. */
function failure(filename: string, isReplaced: boolean, cause: Error & { readonly code: string }): DorkDbError {
  return isReplaced
    ? new DorkDbError('NOT_FLUSHED', `${filename} was compacted, but a later step failed: ${cause.message}.`, {
        hint: 'Check the disk. After a power failure the previous file may be back, with every row.',
        cause,
      })
    : new DorkDbError(cause.code, `${filename} could not be compacted: ${cause.message}. It was not changed.`, {
        hint: checkOwner('the folder, and the disk', 'try again'),
        cause,
      });
}

/** Opens the copy, which switches it to WAL mode. If that fails, the next opening does it. */
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
  if (filename === MEMORY) throw new InvalidInputError('path', 'must be a file, not a database in memory');
  requireFile(filename);
  const real = realFile(filename);
  assertReplaceable(real);
  return real;
}

/** Writes and verifies the copy, and replaces the file by it. */
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
        throw new DorkDbError('COPY_DIFFERS', `The copy of ${filename} differs from it and was removed.`, {
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

/** Gives the copy to the owner of the file. Otherwise a copy made by root would lock the owner out. */
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

/** Empties the -wal, because SQLite would replay it into the new file. */
function emptyWal(connection: Connection): void {
  connection.pragma('wal_checkpoint(TRUNCATE)');
  const left = bytesOf(`${connection.filename}-wal`);
  if (left === 0) return;
  throw new DorkDbError(
    'WAL_LEFT',
    `The -wal of ${connection.filename} still has ${left} bytes. Nothing was changed.`,
    {
      hint: 'Check the free space of the disk, then try again.',
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
