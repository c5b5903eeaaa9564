import type { Connection } from '../core/connection.ts';
import { DorkDbError, MigrationError } from '../core/errors.ts';
import { MEMORY } from '../core/path.ts';
import { leadingWords } from '../core/sql-text.ts';
import { type History, type Migration, type MigrationStep, stepsOf } from './history.ts';
import { createLedger, hasTable, LEDGER, ledgerText, recordApplied } from './ledger.ts';
import { type Plan, planFor, refusal } from './plan.ts';
import { countRows, type RowCounts, refuseLoss } from './rows.ts';
import { type Drift, driftOf, schemaText } from './schema-state.ts';
import { fittingSnapshot, takeSnapshot } from './snapshot.ts';

/** Where a migration is. */
export interface MigrationProgress {
  readonly tag: string;
  /** The migration's place among the pending ones, from 1. */
  readonly migration: number;
  readonly migrations: number;
  /** The statement's place in the migration, from 1. */
  readonly step: number;
  readonly steps: number;
  /** What the statement does, as `ALTER TABLE agents`: its first words and no values. */
  readonly action: string;
}

export interface MigrateOptions {
  /** Called before each statement. */
  readonly onProgress?: (progress: MigrationProgress) => void;
  /** How long to wait for another process that migrates or writes, in milliseconds. Default 60,000. */
  readonly lockTimeoutMs?: number;
  /** False where the file is itself a copy, as a rehearsal is. Default true. */
  readonly snapshot?: boolean;
}

/** One migration that was applied. */
export interface AppliedMigration {
  readonly tag: string;
  readonly hash: string;
  readonly statements: number;
  readonly durationMs: number;
}

/** What a run of the migrations did. */
export interface MigrationReport {
  readonly filename: string;
  readonly applied: readonly AppliedMigration[];
  /** How many were applied before. */
  readonly alreadyApplied: number;
  /** The copy of the file from before, where there was data to lose. */
  readonly snapshot?: string;
  /** How the schema differs from what the history yields. */
  readonly drift: readonly Drift[];
  readonly durationMs: number;
}

const LOCK_TIMEOUT_MS = 60_000;

/** Statements that would leave the one transaction of a migration, or the file. */
const REFUSED = new Set(['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE', 'ATTACH', 'DETACH', 'VACUUM']);

/**
 * True where the file has this history and its schema, and nothing else need be looked at: two rows are read, however
 * long the history is.
 */
export function isCurrent(connection: Connection, history: History): boolean {
  if (history.schemaText === undefined || schemaText(connection) !== history.schemaText) return false;
  return ledgerText(connection) === history.migrations.map(({ hash }) => hash).join(',');
}

/**
 * Brings a file to the end of a history, or leaves it exactly as it was.
 *
 * @throws MigrationError of every kind; see {@link MigrationErrorKind}.
 * @throws DatabaseBusyError where another process kept the write lock.
 */
export function migrate(connection: Connection, history: History, options: MigrateOptions = {}): MigrationReport {
  const started = performance.now();
  const report = withForeignKeysOff(connection, () =>
    withLockTimeout(connection, options.lockTimeoutMs ?? LOCK_TIMEOUT_MS, () =>
      // Before the ledger is read: who reads it first and locks then applies what another process just applied.
      connection.transaction(() => applyPending(connection, history, options), 'immediate'),
    ),
  );
  return { ...report, filename: connection.filename, durationMs: performance.now() - started };
}

type Outcome = Omit<MigrationReport, 'filename' | 'durationMs'>;

/** The work under the write lock. */
function applyPending(connection: Connection, history: History, options: MigrateOptions): Outcome {
  const plan = planFor(connection, history);
  if (plan.problem) throw refusal(plan.problem, connection.filename, fittingSnapshot(connection, history));
  // Every statement of every pending entry is looked at before the first one runs.
  const work = plan.pending.map((migration) => ({ migration, steps: checkedSteps(migration) }));
  if (work.length === 0)
    return { applied: [], alreadyApplied: plan.applied.length, drift: driftOf(connection, history) };

  let rows = countRows(connection);
  const snapshot = snapshotBefore(connection, plan, rows, options);
  createLedger(connection);
  const applied: AppliedMigration[] = [];
  for (const [i, { migration, steps }] of work.entries()) {
    const started = performance.now();
    const place = { tag: migration.tag, migration: i + 1, migrations: work.length, steps: steps.length };
    for (const step of steps) {
      options.onProgress?.({ ...place, step: step.position, action: actionOf(step) });
      runStep(connection, migration, step);
    }
    const after = countRows(connection);
    refuseLoss(migration, rows, after);
    rows = after;
    const durationMs = performance.now() - started;
    recordApplied(connection, migration, Math.round(durationMs));
    applied.push({ tag: migration.tag, hash: migration.hash, statements: steps.length, durationMs });
  }
  refuseDangling(
    connection,
    applied.map(({ tag }) => tag),
  );
  if (history.applicationId !== undefined) connection.exec(`PRAGMA application_id = ${history.applicationId}`);
  return {
    applied,
    alreadyApplied: plan.applied.length,
    drift: driftOf(connection, history),
    ...(snapshot && { snapshot }),
  };
}

/**
 * Foreign keys are off while tables are rebuilt: with them on, dropping the old table deletes every child row, without
 * an error. The pragma does nothing inside a transaction, so it stands around it.
 * https://sqlite.org/lang_altertable.html#making_other_kinds_of_table_schema_changes
 */
function withForeignKeysOff<T>(connection: Connection, fn: () => T): T {
  const wereOn = connection.pragma('foreign_keys', { simple: true }) === 1;
  if (connection.inTransaction) {
    throw new MigrationError(
      'failed',
      `${connection.filename} cannot be migrated inside a transaction. Nothing was touched.`,
      {
        hint: 'Call runMigrations() outside transaction().',
      },
    );
  }
  connection.exec('PRAGMA foreign_keys = OFF');
  try {
    return fn();
  } finally {
    if (wereOn) connection.exec('PRAGMA foreign_keys = ON');
  }
}

/** A migration in another process may take longer than a write may wait. */
function withLockTimeout<T>(connection: Connection, milliseconds: number, fn: () => T): T {
  const usual = connection.pragma('busy_timeout', { simple: true });
  connection.exec(`PRAGMA busy_timeout = ${milliseconds}`);
  try {
    return fn();
  } finally {
    connection.exec(`PRAGMA busy_timeout = ${usual}`);
  }
}

function checkedSteps(migration: Migration): MigrationStep[] {
  const steps = stepsOf(migration);
  for (const { sql, position } of steps) {
    const [word] = leadingWords(sql, 1);
    if (!word || !REFUSED.has(word)) continue;
    throw new MigrationError(
      'failed',
      `Statement ${position} of ${migration.tag} is ${word}, which leaves the transaction of the migration. Nothing was applied.`,
      {
        hint: 'Take it out: the runner begins and commits, and a migration touches one file.',
      },
    );
  }
  return steps;
}

function snapshotBefore(
  connection: Connection,
  plan: Plan,
  rows: RowCounts,
  options: MigrateOptions,
): string | undefined {
  const hasData = Object.values(rows).some((n) => n > 0);
  if (!hasData || options.snapshot === false || connection.filename === MEMORY) return undefined;
  return takeSnapshot(connection, plan.applied.at(-1)?.tag ?? 'unversioned', rows);
}

function runStep(connection: Connection, migration: Migration, { sql, position }: MigrationStep): void {
  try {
    connection.prepare(sql).all();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MigrationError(
      'failed',
      `Statement ${position} of ${migration.tag} failed, and everything was rolled back. ${reason}`,
      {
        hint: cause instanceof DorkDbError ? cause.hint : 'Correct the migration; it was never applied here.',
        retryable: cause instanceof DorkDbError && cause.retryable,
        cause,
      },
    );
  }
}

/** `INSERT INTO agents` says enough for a progress line, and nothing of the data. */
function actionOf({ sql }: MigrationStep): string {
  return sql
    .replace(/\s+/g, ' ')
    .replace(/[^\w` ".].*$/, '')
    .slice(0, 60)
    .trim();
}

interface Violation {
  readonly table: string;
  readonly rowid: number;
  readonly parent: string;
}

/** @throws MigrationError of kind `foreign_keys` where a row refers to one that is not there. */
function refuseDangling(connection: Connection, tags: readonly string[]): void {
  const violations = connection.pragma('foreign_key_check') as Violation[];
  const [first] = violations;
  if (!first) return;
  const rowids = violations
    .filter(({ table }) => table === first.table)
    .slice(0, 5)
    .map(({ rowid }) => rowid);
  throw new MigrationError(
    'foreign_keys',
    `${tags.join(', ')} would leave ${violations.length} rows that refer to rows which are not there: ${first.table} to ${first.parent}, rowid ${rowids.join(', ')}${violations.length > rowids.length ? ' and more' : ''}. It was rolled back.`,
    {
      hint: 'Correct the migration so that it moves or removes the rows that refer; PRAGMA foreign_key_check lists them.',
    },
  );
}

/** @internal Whether the file has a ledger at all. */
export function hasLedger(connection: Connection): boolean {
  return hasTable(connection, LEDGER);
}
