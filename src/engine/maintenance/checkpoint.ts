import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { DorkDbError, InvalidInputError } from '../errors.ts';
import { bytesOf, walState } from '../file/wal.ts';
import { checkTimeout } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { requireNoTransaction, requireWritable } from './requirements.ts';

/**
 * The mode of a checkpoint. `passive` moves pages without waiting for readers or writers. `full` also waits for them,
 * so that every page is moved. `restart` also waits for readers, so that the next write starts the -wal over.
 * `truncate` then truncates the -wal to zero bytes. https://sqlite.org/pragma.html#pragma_wal_checkpoint
 */
export type CheckpointMode = 'passive' | 'full' | 'restart' | 'truncate';

/** Options for `checkpoint()`. */
export interface CheckpointOptions {
  /** Default `truncate`. */
  readonly mode?: CheckpointMode;
  /**
   * How long to wait for readers and writers, in milliseconds. This thread is blocked meanwhile, and other writers
   * wait. Default 0: only pages that can be moved at once are moved, and `busy` is true if some are left.
   */
  readonly waitMs?: number;
}

/** The result of a checkpoint. */
export interface CheckpointReport {
  readonly filename: string;
  readonly mode: CheckpointMode;
  /** True if a reader or a writer prevented the checkpoint from completing; call again later. */
  readonly busy: boolean;
  /** Pages in the -wal; 0 if it was truncated. */
  readonly log: number;
  /** Number of these pages that are in the file now. If it equals `log`, nothing is pending. */
  readonly checkpointed: number;
  /** Bytes of the -wal file before and after. */
  readonly walBytesBefore: number;
  readonly walBytesAfter: number;
  readonly durationMs: number;
}

const OPTIONS: OptionNames<CheckpointOptions> = { mode: true, waitMs: true };

const MODES = ['passive', 'full', 'restart', 'truncate'];

/**
 * Moves the pages of the -wal into the file. SQLite does this by itself at some commits, unless a reader prevents it.
 * Calling it also returns the space of the -wal to the disk. It never loses or changes data. Unless it is `busy`, every
 * commit before it survives a loss of power.
 *
 * It does not throw if the database is locked: check `busy`. `health()` names processes that keep an old read
 * transaction open.
 *
 * @throws InvalidInputError for an unknown mode or a negative wait.
 * @throws DorkDbError `READ_ONLY` on a read-only connection, `IN_TRANSACTION` inside a transaction, `NO_WAL` for a
 * database without a -wal.
 */
export function checkpoint(db: AnyDb, options: CheckpointOptions = {}): CheckpointReport {
  optionsArgument(options, OPTIONS);
  const { mode = 'truncate', waitMs = 0 } = options;
  if (!MODES.includes(mode)) throw new InvalidInputError('options.mode', `must be one of ${MODES.join(', ')}`);
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
    // A passive checkpoint reports 0 even if a reader prevented it from moving a single page.
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
    hint: 'Nothing needs to be done: everything is in the database itself.',
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
  // While another checkpoint runs, SQLite only reports that it is busy.
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
