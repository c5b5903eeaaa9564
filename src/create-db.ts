import { history } from '../drizzle/history.ts';
import type { Adapter } from './core/adapter.ts';
import type { Connection } from './core/connection.ts';
import { Database } from './core/db.ts';
import { DatabaseOpenError, InvalidInputError, MigrationError } from './core/errors.ts';
import { createPrivateFolder } from './core/file.ts';
import { checkBusyTimeout, optionsArgument } from './core/input.ts';
import { type OpenOptions, openConnection, optimizeAtClose, orRefuse } from './core/open.ts';
import { databasePath, defaultDbPath, defaultHome } from './core/path.ts';
import { hasWalResetBug } from './core/version.ts';
import { isCurrent } from './migrations/current.ts';
import { readLedger } from './migrations/ledger.ts';
import { planFor } from './migrations/plan.ts';
import { refusal } from './migrations/refusal.ts';
import { type MigrateOptions, migrate } from './migrations/runner.ts';
import { type Drift, driftOf, missingColumns } from './migrations/schema-state.ts';
import { fittingSnapshot } from './migrations/snapshot.ts';
import * as schema from './schema.ts';

/** The Drizzle database that `createDb()` gives: one type on every runtime, and inside a transaction. */
export type Db = Database<typeof schema>;

/** Where warnings go; `console` fits. */
export interface Logger {
  /** Takes one warning: what is odd, and on which file. */
  warn(message: string): void;
}

/** What `createDb()` takes beside the path. */
export interface CreateDbOptions
  extends Pick<OpenOptions, 'readonly' | 'busyTimeoutMs'>,
    Pick<MigrateOptions, 'onProgress'> {
  /**
   * What to do about migrations that the file lacks: `apply` them (default), `require` that there are none, or `skip`
   * the question, also for a file that is newer than this code. A read-only connection never applies: `apply` is
   * `require` there.
   */
  readonly migrations?: 'apply' | 'require' | 'skip';
  /** Default: warnings are dropped. */
  readonly logger?: Logger;
}

const MODES = ['apply', 'require', 'skip'];

/**
 * Opens dork.db, brings it to the newest schema, and wraps it in Drizzle.
 *
 * A new file is created with mode 0600 where its folder exists; the folder itself only for the default path.
 *
 * @param path Default: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`. `:memory:` gives a database that ends with its
 * connection.
 * @throws InvalidInputError for a path that the drivers would take for another one (empty, with a NUL, `~`, `file:`).
 * @throws DatabaseOpenError where what is at the path is not a database of ours that can be read.
 * @throws MigrationError where the file and the history do not fit; the file is as it was.
 * @throws DatabaseBusyError where another process kept the lock.
 * @throws UnsupportedRuntimeError where this runtime cannot run the driver.
 */
export type CreateDb = (path?: string, options?: CreateDbOptions) => Db;

/** `createDb()` for a driver. */
export function createDbWith(adapter: Adapter): CreateDb {
  return (path, options = {}) => {
    checkOptions(optionsArgument(options));
    const { readonly = false, busyTimeoutMs } = options;
    if (path === undefined) createPrivateFolder(defaultHome());
    const filename = databasePath(path === undefined ? defaultDbPath() : path);
    const connection = openConnection(adapter, filename, { readonly, busyTimeoutMs, isOurLedger: startsOurHistory });
    return orRefuse(connection, () => {
      if (hasWalResetBug(connection.sqliteVersion)) {
        options.logger?.warn(
          `SQLite ${connection.sqliteVersion} has the WAL-reset bug: let only one process write ${filename}.`,
        );
      }
      if (options.migrations !== 'skip') bringUp(connection, options);
      optimizeAtClose(connection);
      return new Database(connection, schema);
    });
  };
}

function checkOptions({ readonly, busyTimeoutMs, migrations }: CreateDbOptions): void {
  if (readonly !== undefined && typeof readonly !== 'boolean')
    throw new InvalidInputError('options.readonly', 'is not true or false');
  if (migrations !== undefined && !MODES.includes(migrations)) {
    throw new InvalidInputError('options.migrations', `is not one of ${MODES.join(', ')}`);
  }
  if (busyTimeoutMs !== undefined) checkBusyTimeout(busyTimeoutMs);
}

/** A file that Drizzle's own migrator made from our folder has our ledger and no application_id. */
function startsOurHistory(connection: Connection): boolean {
  return readLedger(connection)[0]?.hash === history.migrations[0]?.hash;
}

/** The usual opening reads two rows; anything else is looked at closely. */
function bringUp(connection: Connection, options: CreateDbOptions): void {
  if (isCurrent(connection, history)) return;
  const mayApply = options.migrations !== 'require' && !connection.readonly;
  const drift = mayApply ? migrate(connection, history, options).drift : requireCurrent(connection);
  if (drift.length > 0) refuseMissing(connection, drift, options.logger);
}

function requireCurrent(connection: Connection): readonly Drift[] {
  const { pending, problem } = planFor(connection, history);
  if (problem) throw refusal(problem, connection.filename, fittingSnapshot(connection, history));
  if (pending.length === 0) return driftOf(connection, history);
  throw new MigrationError(
    'failed',
    `${connection.filename} lacks ${pending.map(({ tag }) => tag).join(', ')}, and this opening does not migrate. Nothing was touched.`,
    {
      hint: `Run dork-db migrate --db '${connection.filename}', or open it with migrations: 'apply'.`,
    },
  );
}

/**
 * A column that the file lacks must stop us: SQLite in Bun takes its quoted name for a text and gives that as the value
 * of every row. Other differences are only told.
 */
function refuseMissing(connection: Connection, drift: readonly Drift[], logger: Logger | undefined): void {
  const lost = missingColumns(connection, history);
  if (lost.length > 0) {
    throw new DatabaseOpenError(
      'SCHEMA_MISMATCH',
      `${connection.filename} has every migration, but lacks ${lost.join(', ')}. It was not changed.`,
      {
        hint: 'Something else changed its schema: restore the newest backup, or put back what is missing.',
      },
    );
  }
  const list = drift.map(({ kind, type, name }) => `${kind} ${type} ${name}`).join(', ');
  logger?.warn(`The schema of ${connection.filename} is not what its migrations yield: ${list}.`);
}

/**
 * Closes the database: statistics for the planner are brought up to date (`PRAGMA optimize`), the -wal is moved into the
 * file, and no lock or statement stays behind. A transaction that is running is rolled back. Closing twice is fine.
 */
export function closeDb(db: Db): void {
  db.$client.close();
}
