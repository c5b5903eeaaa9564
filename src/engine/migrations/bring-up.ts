import type { Connection } from '../connection/connection.ts';
import { DatabaseOpenError, MigrationError } from '../errors.ts';
import { shellQuoted } from '../file/path.ts';
import { howTo } from '../host.ts';
import type { Logger } from '../logger.ts';
import type { History } from './history.ts';
import { readLedger } from './ledger.ts';
import { planFor } from './plan.ts';
import { refusalOf } from './refusal.ts';
import { type MigrateOptions, migrate } from './runner.ts';
import { type Drift, driftOf, missingColumns } from './schema-state.ts';

/** How an opening deals with a file that is not current. */
export interface BringUpOptions extends Pick<MigrateOptions, 'onProgress' | 'lockTimeoutMs'> {
  /** `apply` what the file lacks (default), or `require` that it lacks nothing, as a read-only connection always does. */
  readonly migrations?: 'apply' | 'require';
  /** Default: warnings are dropped. */
  readonly logger?: Logger;
}

/**
 * Brings a file that is not current to the end of a history at its opening, or says why it cannot be used.
 *
 * @throws MigrationError where the file and the history do not fit; the file is as it was.
 * @throws DatabaseOpenError where it has every migration and lacks a column.
 * @throws DatabaseBusyError where another process kept the write lock.
 */
export function bringUp(connection: Connection, history: History, options: BringUpOptions): void {
  const mayApply = options.migrations !== 'require' && !connection.readonly;
  const drift = mayApply ? migrate(connection, history, options).drift : requireCurrent(connection, history);
  const error = mismatch(connection, history, drift);
  if (error) throw error;
  if (drift.length === 0) return;
  const list = drift.map(({ kind, type, name }) => `${kind} ${type} ${name}`).join(', ');
  options.logger?.warn(`The schema of ${connection.filename} is not what its migrations yield: ${list}.`);
}

/** True where the ledger of a file begins as a history does; Drizzle's own migrator makes such a file, without our application_id. */
export function startsAs(connection: Connection, history: History): boolean {
  return readLedger(connection)[0]?.hash === history.migrations[0]?.hash;
}

/**
 * Returns whether a file is one of a history. With an application_id the history knows its files by that, and takes one
 * without any whose ledger begins as it does, as Drizzle's own migrator makes it; another application_id is the mark of
 * another program. A history without one knows its files by their ledger alone.
 */
export function isOurs(connection: Connection, history: History): boolean {
  const { applicationId } = history;
  if (!applicationId) return startsAs(connection, history);
  const id = connection.pragma('application_id', { simple: true });
  return id === applicationId || (id === 0 && startsAs(connection, history));
}

function requireCurrent(connection: Connection, history: History): readonly Drift[] {
  const { pending, problem } = planFor(connection, history);
  if (problem) throw refusalOf(problem, connection, history);
  if (pending.length === 0) return driftOf(connection, history);
  throw new MigrationError(
    'pending',
    `${connection.filename} lacks ${pending.map(({ tag }) => tag).join(', ')}, and this opening does not migrate. Nothing was touched.`,
    {
      hint: `Run ${howTo(connection.host, `migrate --db ${shellQuoted(connection.filename)}`, 'runMigrations(path)')}, or open it with migrations: 'apply'.`,
    },
  );
}

/**
 * Returns the refusal of a file that has every migration and lacks a table or a column; undefined if it lacks none.
 *
 * @param drift How its schema differs: without a difference nothing is missing.
 */
export function mismatch(
  connection: Connection,
  history: History,
  drift: readonly Drift[],
): DatabaseOpenError | undefined {
  const lost = drift.length > 0 ? missingColumns(connection, history) : [];
  if (lost.length === 0) return undefined;
  return new DatabaseOpenError(
    'SCHEMA_MISMATCH',
    `${connection.filename} has every migration, but lacks ${lost.join(', ')}. It was not changed.`,
    { hint: 'Something else changed its schema: restore the newest backup, or put back what is missing.' },
  );
}
