import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { DorkDbError, InvalidInputError } from '../errors.ts';
import { bytesOf, walState } from '../file/wal.ts';
import { checkTimeout } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { requireNoTransaction, requireWritable } from './requirements.ts';

/**
 * How far a checkpoint goes. `passive` moves what no reader is in the way of, beside writers. `full` also waits for
 * them, so that every page is moved. `restart` waits for readers too, so that the next write begins the -wal anew.
 * `truncate` then cuts the -wal to nothing. https://sqlite.org/pragma.html#pragma_wal_checkpoint
 */
export type CheckpointMode = 'passive' | 'full' | 'restart' | 'truncate';

/** What `checkpoint()` takes. */
export interface CheckpointOptions {
  /** Default `truncate`. */
  readonly mode?: CheckpointMode;
  /**
   * How long to wait for the readers and writers in the way, in milliseconds; this thread stands still meanwhile, and
   * other writers wait. Default 0: what can be moved at once is moved, and `busy` tells that it was not all.
   */
  readonly waitMs?: number;
}

/** What a checkpoint did. */
export interface CheckpointReport {
  readonly filename: string;
  readonly mode: CheckpointMode;
  /** True where a reader or a writer was in the way, so that the mode was not done to its end; call again later. */
  readonly busy: boolean;
  /** Pages in the -wal; 0 where it was cut to nothing. */
  readonly log: number;
  /** Those of them that are in the file now. `log` of them: nothing is pending. */
  readonly checkpointed: number;
  /** Bytes of the -wal file before and after. */
  readonly walBytesBefore: number;
  readonly walBytesAfter: number;
  readonly durationMs: number;
}

const OPTIONS: OptionNames<CheckpointOptions> = { mode: true, waitMs: true };

const MODES = ['passive', 'full', 'restart', 'truncate'];

/**
 * Moves what the -wal holds into the file. SQLite does it by itself at a commit from time to time, unless a reader
 * keeps it from it; called, it also gives the space of the -wal back. Nothing is lost or changed by it, ever.
 *
 * It never throws for a lock: read `busy`. A process that keeps an old read transaction open is named by `health()`.
 *
 * @throws InvalidInputError for another mode, or a negative wait.
 * @throws DorkDbError `READ_ONLY` on a read-only connection, `IN_TRANSACTION` inside a transaction, `NO_WAL` for a
 * database without a -wal.
 */
export function checkpoint(db: AnyDb, options: CheckpointOptions = {}): CheckpointReport {
  optionsArgument(options, OPTIONS);
  const { mode = 'truncate', waitMs = 0 } = options;
  if (!MODES.includes(mode)) throw new InvalidInputError('options.mode', `is not one of ${MODES.join(', ')}`);
  checkTimeout(waitMs, 'options.waitMs');
  const connection = connectionOf(db);
  connection.assertOpen();
  refuseUnable(connection);
  const started = performance.now();
  const { filename } = connection;
  const walBytesBefore = bytesOf(`${filename}-wal`);
  const { busy, log, checkpointed } = withBusyTimeout(connection, waitMs, () => run(connection, mode));
  return {
    filename,
    mode,
    // A passive checkpoint says 0 although a reader kept it from moving a single page.
    busy: busy !== 0 || checkpointed < log,
    log,
    checkpointed,
    walBytesBefore,
    walBytesAfter: bytesOf(`${filename}-wal`),
    durationMs: performance.now() - started,
  };
}

function refuseUnable(connection: Connection): void {
  const undone = 'Nothing was moved.';
  requireWritable(connection, undone);
  requireNoTransaction(connection, undone, 'Call checkpoint() after it.');
  if (connection.pragma('journal_mode', { simple: true }) === 'wal') return;
  throw new DorkDbError('NO_WAL', `${connection.filename} has no -wal. ${undone}`, {
    hint: 'Nothing need be done: what is committed is in the database itself.',
  });
}

interface Row {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

function run(connection: Connection, mode: CheckpointMode): Row {
  const [row] = connection.pragma(`wal_checkpoint(${mode.toUpperCase()})`) as Row[];
  if (row && row.log >= 0) return row;
  // Beside another checkpoint SQLite says that it is busy, and nothing else.
  const state = walState(connection);
  return { busy: 1, log: state?.frames ?? 0, checkpointed: state?.checkpointed ?? 0 };
}

function withBusyTimeout<T>(connection: Connection, milliseconds: number, fn: () => T): T {
  const usual = connection.pragma('busy_timeout', { simple: true });
  connection.exec(`PRAGMA busy_timeout = ${milliseconds}`);
  try {
    return fn();
  } finally {
    connection.exec(`PRAGMA busy_timeout = ${usual}`);
  }
}
