import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '../engine/connection/connection.ts';
import { connectionOf } from '../engine/connection/db.ts';
import { InvalidInputError } from '../engine/errors.ts';
import { flagArgument } from '../engine/input.ts';
import { requireNoTransaction, requireWritable } from '../engine/maintenance/requirements.ts';
import { type OptionNames, optionsArgument } from '../engine/options.ts';
import { instant } from '../engine/time.ts';
import type { Db } from './db.ts';
import { type Batches, expiredMessages, oldBuckets, oldRuns, oldTraces } from './prune-batches.ts';

/** Options for `prune()`. Only the named kinds of rows are deleted. */
export interface PruneOptions {
  /** How many runs of each schedule are kept, newest first; a non-negative integer. */
  readonly runsPerSchedule?: number;
  /** Spans that were sent before this instant go: ISO 8601 text with a time zone, or Unix milliseconds. */
  readonly tracesOlderThan?: string | number;
  /** True: messages of the relay index whose expiry has passed go. */
  readonly expiredMessages?: boolean;
  /** True: buckets of the call limits that are older than any window needs (120 minutes) go. */
  readonly buckets?: boolean;
  /** Called before each batch and when a kind is done. What it throws ends the pruning; what was deleted stays deleted. */
  readonly onProgress?: (progress: PruneProgress) => void;
}

const OPTIONS: OptionNames<PruneOptions> = {
  runsPerSchedule: true,
  tracesOlderThan: true,
  expiredMessages: true,
  buckets: true,
  onProgress: true,
};

/** The progress of a pruning. */
export interface PruneProgress {
  readonly kind: 'runs' | 'traces' | 'messages' | 'buckets';
  /** Rows of this kind that are deleted by now. */
  readonly rows: number;
  /** Rows of this kind that there were to delete when its turn came. */
  readonly totalRows: number;
}

/** The result of a pruning: the number of deleted rows. */
export interface PruneReport {
  readonly filename: string;
  /** Rows deleted, by what was asked for; 0 for what was not. */
  readonly runs: number;
  readonly traces: number;
  readonly messages: number;
  readonly buckets: number;
  /** Transactions that it took. */
  readonly batches: number;
  /** The longest of them, in milliseconds: the longest that another writer had to wait for. */
  readonly longestBatchMs: number;
  readonly durationMs: number;
}

/** A batch is as large as this many milliseconds allow, measured as it goes. */
const AIM_MS = 10;
const FIRST_ROWS = 100;
const LEAST_ROWS = 10;
const MOST_ROWS = 5000;

/**
 * Deletes what is old, in many short transactions with pauses as long as they are, so that this process goes on
 * answering and other writers come in between. What was deleted before an error stays deleted; call again for the rest.
 * The file keeps its size and uses the room for new rows; `compact()` gives it back. A loss of power before the next
 * checkpoint may bring deleted rows back.
 *
 * @throws InvalidInputError if an option is invalid, or none is given; nothing is deleted.
 * @throws DorkDbError `READ_ONLY` on a read-only connection, `IN_TRANSACTION` inside a transaction.
 * @throws DatabaseBusyError if another connection kept the write lock for longer than the busy timeout.
 */
export async function prune(db: Pick<Db, '$client'>, options: PruneOptions): Promise<PruneReport> {
  optionsArgument(options, OPTIONS);
  const started = performance.now();
  const connection = connectionOf(db);
  connection.assertOpen();
  const plan = planOf(connection, options);
  requireWritable(connection, 'Nothing was deleted.');
  requireNoTransaction(
    connection,
    'Nothing was deleted.',
    'Call prune() after it: it is many short transactions of its own.',
  );
  const deleted = { runs: 0, traces: 0, messages: 0, buckets: 0 };
  let batches = 0;
  let longestBatchMs = 0;
  let rows = FIRST_ROWS;
  for (const [kind, begin] of plan) {
    const old = begin();
    const totalRows = options.onProgress ? old.total() : 0;
    for (;;) {
      options.onProgress?.({ kind, rows: deleted[kind], totalRows });
      const began = performance.now();
      const count = old.delete(rows);
      const took = performance.now() - began;
      if (count === 0) break;
      deleted[kind] += count;
      batches++;
      longestBatchMs = Math.max(longestBatchMs, took);
      rows = nextSize(rows, count, took);
      await pause(Math.max(1, took));
    }
  }
  return {
    filename: connection.filename,
    ...deleted,
    batches,
    longestBatchMs,
    durationMs: performance.now() - started,
  };
}

type Kind = PruneProgress['kind'];

/** Every option is looked at before the first row goes. */
function planOf(connection: Connection, options: PruneOptions): [Kind, () => Batches][] {
  const { runsPerSchedule: keep, tracesOlderThan } = options;
  const nowMs = Date.now();
  const plan: [Kind, () => Batches][] = [];
  if (keep !== undefined) {
    if (!(Number.isSafeInteger(keep) && keep >= 0)) {
      throw new InvalidInputError('options.runsPerSchedule', 'must be a non-negative integer');
    }
    plan.push(['runs', () => oldRuns(connection, keep)]);
  }
  if (tracesOlderThan !== undefined) {
    const before = instant(tracesOlderThan, 'options.tracesOlderThan');
    plan.push(['traces', () => oldTraces(connection, before)]);
  }
  if (flagArgument(options.expiredMessages, 'options.expiredMessages'))
    plan.push(['messages', () => expiredMessages(connection, instant(nowMs, 'now'))]);
  if (flagArgument(options.buckets, 'options.buckets')) plan.push(['buckets', () => oldBuckets(connection, nowMs)]);
  if (plan.length > 0) return plan;
  throw new InvalidInputError('options', 'must name at least one kind of rows to delete', {
    hint: 'Give runsPerSchedule, tracesOlderThan, expiredMessages or buckets.',
  });
}

/** Returns the size of the next batch: at most twice the last one, and the same if the last one was not full. */
function nextSize(asked: number, count: number, took: number): number {
  if (count < asked) return asked;
  const fits = Math.round((count * AIM_MS) / Math.max(took, 0.1));
  return Math.max(LEAST_ROWS, Math.min(MOST_ROWS, fits, asked * 2));
}
