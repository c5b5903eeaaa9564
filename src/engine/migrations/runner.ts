import type { Connection } from '../connection/connection.ts';
import { STEP_MS } from '../connection/pragmas.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import { DatabaseBusyError, DorkDbError, MigrationError } from '../errors.ts';
import { flushCommits } from '../file/flush.ts';
import { MEMORY } from '../file/path.ts';
import { checkTimeout, flagArgument } from '../input.ts';
import type { OptionNames } from '../options.ts';
import { retryWhile } from '../sleep.ts';
import { checkAllowLoss } from './allow-loss.ts';
import { apply } from './apply.ts';
import { recordSchema } from './current.ts';
import { withForeignKeysOff } from './foreign-keys.ts';
import { applyToNew, holdsNothing } from './fresh.ts';
import type { AllowLoss, History } from './history.ts';
import { type Plan, planFor } from './plan.ts';
import type { MigrationProgress } from './progress.ts';
import { refusalOf } from './refusal.ts';
import type { MigrationReport } from './report.ts';
import { countRows, type RowCounts } from './rows.ts';
import { liveDrift } from './schema-state.ts';
import { pruneSnapshots, removeSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';
import { allowedLosses, stepsOf } from './steps.ts';
import type { Work } from './work.ts';

/** Options for running migrations. */
export interface MigrateOptions {
  /**
   * Called before the snapshot, each statement and each migration's checks. If it throws, everything is rolled back.
   */
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** How long to wait for another process that migrates or writes, in milliseconds. Default 60,000. */
  readonly lockTimeoutMs?: number;
  /** Set to false if the file is itself a copy, e.g. for a rehearsal. Default true. */
  readonly snapshot?: boolean;
  /** Intended losses by tag, in addition to those allowed by the history and the SQL. */
  readonly allowLoss?: AllowLoss;
}

export const MIGRATE_OPTIONS: OptionNames<MigrateOptions> = {
  onProgress: true,
  lockTimeoutMs: true,
  snapshot: true,
  allowLoss: true,
};

const LOCK_TIMEOUT_MS = 60_000;

/**
 * Brings a file to the end of a history, or leaves it unchanged.
 *
 * @throws MigrationError of every kind; see {@link MigrationErrorKind}.
 * @throws InvalidInputError if `lockTimeoutMs` is not an integer number of milliseconds, or `snapshot` is not a
 * boolean.
 * @throws DatabaseBusyError if another process held the write lock until the timeout.
 */
export function migrate(connection: Connection, history: History, options: MigrateOptions = {}): MigrationReport {
  const started = performance.now();
  const snapshot = checkMigrateOptions(options);
  const outcome = withoutLock(connection, history) ?? underLock(connection, history, { ...options, snapshot });
  return { ...outcome, filename: connection.filename, durationMs: performance.now() - started };
}

/** @returns Whether a snapshot is taken. @throws InvalidInputError */
export function checkMigrateOptions({ lockTimeoutMs, snapshot, allowLoss }: MigrateOptions): boolean {
  checkAllowLoss(allowLoss);
  if (lockTimeoutMs !== undefined) checkTimeout(lockTimeoutMs, 'options.lockTimeoutMs');
  return flagArgument(snapshot, 'options.snapshot', true);
}

type Outcome = Omit<MigrationReport, 'filename' | 'durationMs'>;

/** Returns the outcome if reading is enough to know it, so that opening a current file does not wait for a writer. */
function withoutLock(connection: Connection, history: History): Outcome | undefined {
  const plan = planFor(connection, history);
  const settled = settledBy(plan, connection, history);
  if (settled) return settled;
  const obstacle = connection.inTransaction ? 'inside a transaction' : connection.readonly && 'read-only';
  if (!obstacle) return undefined;
  throw new MigrationError('failed', `${connection.filename} cannot be migrated ${obstacle}. Nothing was touched.`, {
    hint: 'Call runMigrations() outside transaction(), on a connection that can write.',
  });
}

/** @throws MigrationError if the file and the history do not match. */
function settledBy({ applied, pending, problem }: Plan, connection: Connection, history: History): Outcome | undefined {
  if (problem) throw refusalOf(problem, connection, history);
  if (pending.length > 0) return undefined;
  return { applied: [], alreadyApplied: applied.length, dangling: [], drift: liveDrift(connection, history) };
}

/**
 * The order of the steps protects the data:
 * 1. Foreign keys off, because this has no effect inside the transaction.
 * 2. The write lock before the ledger is read. Otherwise a migration that another process has just applied would be
 * applied again.
 * 3. The ledger is compared with the history by hash and order.
 * 4. A snapshot, because everything after it writes.
 * 5. The statements, one by one.
 * 6. Checks of rows, triggers and references before the commit, so that a loss can be rolled back.
 * 7. The ledger's own rows, in the same transaction.
 * 8. Foreign keys on again, whatever happened.
 */
function underLock(connection: Connection, history: History, options: MigrateOptions): Outcome {
  const { lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const attempt: Attempt = { hasLock: false };
  try {
    const outcome = withForeignKeysOff(connection, () =>
      withSettings(connection, () =>
        // SQLite does not call its busy handler for every BEGIN that meets a lock.
        retryWhile(
          (error) => isBusy(error) && !attempt.hasLock,
          lockTimeoutMs,
          () => connection.runTransaction(() => bringToEnd(connection, history, options, attempt), 'immediate'),
        ),
      ),
    );
    if (outcome.applied.length > 0) flushCommits(connection.filename, 'was migrated');
    // Only after success: a migration that fails at every start would otherwise push out the older snapshots.
    if (attempt.snapshot !== undefined) pruneSnapshots(connection.filename, attempt.snapshot.path, history);
    return outcome;
  } catch (error) {
    if (attempt.snapshot !== undefined && isAsBefore(connection, history)) removeSnapshot(attempt.snapshot);
    throw attempt.hasLock ? asMigrationError(error, connection.filename) : error;
  }
}

/** The state of a run, needed if it fails. */
interface Attempt {
  hasLock: boolean;
  snapshot?: Snapshot;
}

/** Returns true if the ledger proves the rollback. The snapshot is then equal to the file and not needed. */
function isAsBefore(connection: Connection, history: History): boolean {
  try {
    return planFor(connection, history).pending.length > 0;
  } catch {
    return false;
  }
}

function bringToEnd(connection: Connection, history: History, options: MigrateOptions, attempt: Attempt): Outcome {
  attempt.hasLock = true;
  const plan = planFor(connection, history);
  const settled = settledBy(plan, connection, history);
  if (settled) return settled;
  // All statements of all pending migrations are checked before the first one runs.
  const work = plan.pending.map((migration) => ({
    migration,
    steps: stepsOf(migration),
    allowed: () => allowedLosses(migration, history.allowLoss, options.allowLoss),
  }));
  const onProgress = options.onProgress ?? (() => {});
  const isNew = plan.applied.length === 0 && holdsNothing(connection);
  const fresh = isNew ? applyToNew(connection, work, history, onProgress) : undefined;
  if (fresh) {
    markAsOurs(connection, history);
    recordSchema(connection, history);
    return { applied: fresh, alreadyApplied: 0, dangling: [], drift: [] };
  }
  const rows = countRows(connection);
  const snapshot = options.snapshot ? snapshotOf(connection, plan, work, rows, onProgress) : undefined;
  if (snapshot) attempt.snapshot = snapshot;
  const { applied, dangling } = apply(connection, history, work, rows, onProgress);
  markAsOurs(connection, history);
  const drift = liveDrift(connection, history);
  if (drift.length === 0) recordSchema(connection, history);
  return {
    applied,
    alreadyApplied: plan.applied.length,
    dangling,
    drift,
    ...(snapshot && { snapshot: snapshot.path }),
  };
}

function markAsOurs(connection: Connection, { applicationId }: History): void {
  if (applicationId !== undefined) connection.exec(`PRAGMA application_id = ${applicationId}`);
}

function snapshotOf(
  connection: Connection,
  { applied }: Plan,
  work: readonly Work[],
  rows: RowCounts,
  onProgress: (progress: MigrationProgress) => void,
): Snapshot | undefined {
  const hasData = Object.values(rows).some((n) => n > 0);
  const [first] = work;
  if (!hasData || !first || connection.filename === MEMORY) return undefined;
  const { migration, steps } = first;
  const place = { tag: migration.tag, migration: 1, migrations: work.length, steps: steps.length };
  onProgress({ ...place, phase: 'snapshot', step: 0, action: 'copy the file' });
  return takeSnapshot(connection, applied.at(-1)?.tag, rows);
}

/**
 * Sets a short busy timeout, because the caller measures the time, and restores `legacy_alter_table`, because a
 * migration may change it.
 */
function withSettings<T>(connection: Connection, fn: () => T): T {
  const busyTimeout = connection.pragma('busy_timeout', { simple: true });
  const legacyAlterTable = connection.pragma('legacy_alter_table', { simple: true });
  connection.exec(`PRAGMA busy_timeout = ${STEP_MS}`);
  try {
    return fn();
  } finally {
    if (connection.isOpen)
      connection.exec(`PRAGMA busy_timeout = ${busyTimeout}; PRAGMA legacy_alter_table = ${legacyAlterTable}`);
  }
}

/** Wraps errors of SQLite itself, e.g. a full disk or a damaged page. Errors of onProgress are not wrapped. */
function asMigrationError(error: unknown, filename: string): unknown {
  if (!(error instanceof DorkDbError) || error instanceof MigrationError || error instanceof DatabaseBusyError)
    return error;
  return new MigrationError(
    'failed',
    `Migrating ${filename} failed, and everything was rolled back. ${error.message}`,
    {
      hint: error.hint,
      retryable: error.retryable,
      cause: error,
    },
  );
}
