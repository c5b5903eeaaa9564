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

/** Options for opening a file that may not be current. */
export interface BringUpOptions extends Pick<MigrateOptions, 'onProgress' | 'lockTimeoutMs'> {
  /**
   * `apply` runs the missing migrations (default). `require` throws if any is missing, as does every read-only
   * connection.
   */
  readonly migrations?: 'apply' | 'require';
  /** Default: warnings are dropped. */
  readonly logger?: Logger;
}

/**
 * Brings a file to the end of its history when it is opened.
 *
 * @throws MigrationError if the file and the history do not match; the file is unchanged.
 * @throws DatabaseOpenError if the file has every migration, but lacks a column.
 * @throws DatabaseBusyError if another process held the write lock until the timeout.
 */
export function bringUp(connection: Connection, history: History, options: BringUpOptions): void {
  const mayApply = options.migrations !== 'require' && !connection.readonly;
  const drift = mayApply ? migrate(connection, history, options).drift : requireCurrent(connection, history);
  const error = mismatch(connection, history, drift);
  if (error) throw error;
  if (drift.length === 0) return;
  const list = drift.map(({ kind, type, name }) => `${kind} ${type} ${name}`).join(', ');
  options.logger?.warn(`The schema of ${connection.filename} differs from its migrations: ${list}.`);
}

/**
 * Returns true if a file's ledger begins like the history. A file made by Drizzle's own migrator does, without having
 * our application_id.
 */
export function startsAs(connection: Connection, history: History): boolean {
  return readLedger(connection)[0]?.hash === history.migrations[0]?.hash;
}

/**
 * Returns true if a file belongs to a history. If the history has an application_id, the file must have it too, or none
 * and a ledger that begins like the history (made by Drizzle's own migrator). Another application_id belongs to another
 * program. Without an application_id, the ledger alone decides.
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
 * Returns the error for a file that has every migration, but lacks a table or a column; undefined if nothing is
 * missing.
 *
 * @param drift The differences of its schema. If there are none, nothing is missing.
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
    { hint: 'Another program changed its schema. Restore the newest backup, or add the missing parts.' },
  );
}
