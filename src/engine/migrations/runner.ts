import type { Connection } from '../connection/connection.ts';
import { STEP_MS } from '../connection/pragmas.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import { DatabaseBusyError, DorkDbError, InvalidInputError, MigrationError } from '../errors.ts';
import { flushCommits } from '../file/flush.ts';
import { MEMORY } from '../file/path.ts';
import { checkTimeout, flagArgument } from '../input.ts';
import { type OptionNames, objectArgument } from '../options.ts';
import { retryWhile } from '../sleep.ts';
import { apply, type Work } from './apply.ts';
import { isCurrent } from './current.ts';
import { withForeignKeysOff } from './foreign-keys.ts';
import type { AllowLoss, History } from './history.ts';
import { type Plan, planFor } from './plan.ts';
import type { MigrationProgress } from './progress.ts';
import { refusalOf } from './refusal.ts';
import type { MigrationReport } from './report.ts';
import { countRows, type RowCounts } from './rows.ts';
import { type Drift, driftOf } from './schema-state.ts';
import { pruneSnapshots, removeSnapshot, type Snapshot, takeSnapshot } from './snapshot.ts';
import { allowedLosses, stepsOf } from './steps.ts';

/** What a run of migrations takes. */
export interface MigrateOptions {
  /** Called before the snapshot, each statement and each migration's checks. What it throws rolls everything back. */
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** How long to wait for another process that migrates or writes, in milliseconds. Default 60,000. */
  readonly lockTimeoutMs?: number;
  /** False where the file is itself a copy, as a rehearsal is. Default true. */
  readonly snapshot?: boolean;
  /** What migrations may lose on purpose, by their tag; added to what the history and their SQL allow. */
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
 * Brings a file to the end of a history, or leaves it exactly as it was.
 *
 * @throws MigrationError of every kind; see {@link MigrationErrorKind}.
 * @throws InvalidInputError where `lockTimeoutMs` is no whole number of milliseconds, or `snapshot` is not true or false.
 * @throws DatabaseBusyError where another process kept the write lock.
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

/** @throws InvalidInputError */
export function checkAllowLoss(allowLoss: unknown): void {
  if (allowLoss === undefined) return;
  const lists = Object.values(objectArgument(allowLoss as AllowLoss, 'options.allowLoss'));
  if (!lists.every((names) => Array.isArray(names) && names.every((name) => typeof name === 'string'))) {
    throw new InvalidInputError(
      'options.allowLoss',
      "is not lists of names by tag, as { '0011_drop_drafts': ['drafts'] }",
    );
  }
}

type Outcome = Omit<MigrationReport, 'filename' | 'durationMs'>;

/** What reading alone settles, so that opening a file which needs nothing waits for no writer. */
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

/** @throws MigrationError where the file and the history do not fit. */
function settledBy({ applied, pending, problem }: Plan, connection: Connection, history: History): Outcome | undefined {
  if (problem) throw refusalOf(problem, connection, history);
  if (pending.length > 0) return undefined;
  return { applied: [], alreadyApplied: applied.length, dangling: [], drift: liveDrift(connection, history) };
}

/** The history is replayed in memory only where the file is not known to have its schema. */
function liveDrift(connection: Connection, history: History): Drift[] {
  return isCurrent(connection, history) ? [] : driftOf(connection, history);
}

/**
 * The order is what keeps the data: 1. foreign keys off, since inside the transaction that does nothing; 2. the write
 * lock, before the ledger is read, since who reads first applies again what another process just applied; 3. the
 * ledger against the history, by hash and order; 4. a snapshot, since all that follows writes; 5. the statements, one by
 * one; 6. rows, triggers and references, before the commit, since what is lost can then still be rolled back; 7. the
 * ledger's own rows, in the same transaction; 8. foreign keys on again, whatever happened.
 */
function underLock(connection: Connection, history: History, options: MigrateOptions): Outcome {
  const { lockTimeoutMs = LOCK_TIMEOUT_MS } = options;
  const attempt: Attempt = { hasLock: false };
  try {
    const outcome = withForeignKeysOff(connection, () =>
      withSettings(connection, () =>
        // SQLite does not call its busy handler at every BEGIN that meets a lock.
        retryWhile(
          (error) => isBusy(error) && !attempt.hasLock,
          lockTimeoutMs,
          () => connection.transaction(() => bringToEnd(connection, history, options, attempt), 'immediate'),
        ),
      ),
    );
    if (outcome.applied.length > 0) flushCommits(connection.filename, 'was migrated');
    // Not before: a migration that fails at every start would push the older snapshots out.
    if (attempt.snapshot !== undefined) pruneSnapshots(connection.filename, attempt.snapshot.path, history);
    return outcome;
  } catch (error) {
    if (attempt.snapshot !== undefined && isAsBefore(connection, history)) removeSnapshot(attempt.snapshot);
    throw attempt.hasLock ? asMigrationError(error, connection.filename) : error;
  }
}

/** What is to be known of a try when it has failed. */
interface Attempt {
  hasLock: boolean;
  snapshot?: Snapshot;
}

/** True where the ledger proves the rollback: the snapshot then tells no more than the file. */
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
  // Every statement of every pending entry is looked at before the first one runs.
  const work = plan.pending.map((migration) => ({
    migration,
    steps: stepsOf(migration),
    allowed: allowedLosses(migration, history.allowLoss, options.allowLoss),
  }));
  const onProgress = options.onProgress ?? (() => {});
  const rows = countRows(connection);
  const snapshot = options.snapshot ? snapshotOf(connection, plan, work, rows, onProgress) : undefined;
  if (snapshot) attempt.snapshot = snapshot;
  const { applied, dangling } = apply(connection, work, rows, onProgress);
  if (history.applicationId !== undefined) connection.exec(`PRAGMA application_id = ${history.applicationId}`);
  return {
    applied,
    alreadyApplied: plan.applied.length,
    dangling,
    drift: liveDrift(connection, history),
    ...(snapshot && { snapshot: snapshot.path }),
  };
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

/** SQLite waits in short steps, since the caller keeps the time. A migration may rebuild tables in SQLite's older way. */
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

/** What SQLite itself found: a full disk, a damaged page. An error of onProgress stays as it is. */
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
