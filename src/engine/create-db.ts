import { type AnyDb, connectionOf, Database, type Schema } from './connection/db.ts';
import { type Kit, openingOf, setDefinition } from './definition.ts';
import type { DriverName } from './driver/adapter.ts';
import { InvalidInputError } from './errors.ts';
import { type OpenOptions, openConnection, optimizeAtClose, orRefuse } from './file/open.ts';
import { databasePath } from './file/path.ts';
import { checkTimeout, flagArgument } from './input.ts';
import { type BringUpOptions, bringUp } from './migrations/bring-up.ts';
import { isCurrent } from './migrations/current.ts';
import { type OptionNames, optionsArgument } from './options.ts';
import { hasWalResetBug } from './version.ts';
import { assertWriter } from './writer/check.ts';

/** Options for `createDb()`. */
export interface CreateDbOptions extends Pick<OpenOptions, 'readonly'>, Pick<BringUpOptions, 'onProgress' | 'logger'> {
  /**
   * How long a write waits for another connection's write, in milliseconds. Default 5000. Pending migrations wait for
   * the write lock equally long, by default 60,000.
   */
  readonly busyTimeoutMs?: number;
  /**
   * How to handle pending migrations: `apply` them (default), `require` that there are none, or `skip` the check, which
   * also opens a file that is newer than this code. On a read-only connection, `apply` means `require`.
   */
  readonly migrations?: 'apply' | 'require' | 'skip';
  /**
   * The SQLite driver on Node: `better-sqlite3` or `node:sqlite`. Default: the variable `DORK_DB_DRIVER`, else the
   * driver already used by this process, else better-sqlite3 if it is installed, else node:sqlite. On Bun it is always
   * `bun:sqlite`.
   */
  readonly driver?: DriverName;
}

const OPTIONS: OptionNames<CreateDbOptions> = {
  readonly: true,
  busyTimeoutMs: true,
  migrations: true,
  driver: true,
  onProgress: true,
  logger: true,
};

const MODES = ['apply', 'require', 'skip'];

/** Returns `createDb()` for a driver and a definition. */
export function createDbWith<TSchema extends Schema>(
  kit: Kit<TSchema>,
): (path?: string, options?: CreateDbOptions) => Database<TSchema> {
  const { definition } = kit;
  const { history } = definition;
  const opening = {
    ...openingOf(definition),
    beforeWriting: (filename: string) => assertWriter(filename, definition),
  };
  return (path, options = {}) => {
    checkOptions(optionsArgument(options, OPTIONS));
    const { readonly = false, busyTimeoutMs } = options;
    const adapter = (options.driver !== undefined && kit.choose?.(options.driver)) || kit.adapter;
    adapter.load();
    const { migrations = 'apply' } = options;
    const mustExist = readonly || migrations === 'require';
    if (path === undefined && !mustExist) definition.createDefaultFolder?.();
    const filename = databasePath(path === undefined ? definition.defaultPath?.() : path);
    const connection = openConnection(adapter, filename, { readonly, mustExist, busyTimeoutMs, ...opening });
    setDefinition(connection, definition);
    return orRefuse(connection, () => {
      if (hasWalResetBug(connection.sqliteVersion)) {
        options.logger?.warn(
          `SQLite ${connection.sqliteVersion} has the WAL-reset bug: let only one process write ${filename}.`,
        );
      }
      if (migrations !== 'skip' && !isCurrent(connection, history)) {
        bringUp(connection, history, { ...options, migrations, lockTimeoutMs: busyTimeoutMs });
      }
      optimizeAtClose(connection);
      return new Database(connection, definition.schema);
    });
  };
}

function checkOptions({ readonly, busyTimeoutMs, migrations, logger }: CreateDbOptions): void {
  flagArgument(readonly, 'options.readonly');
  if (migrations !== undefined && !MODES.includes(migrations)) {
    throw new InvalidInputError('options.migrations', `must be one of ${MODES.join(', ')}`);
  }
  if (busyTimeoutMs !== undefined) checkTimeout(busyTimeoutMs);
  if (logger !== undefined && typeof logger?.warn !== 'function')
    throw new InvalidInputError('options.logger', 'must have a function warn');
}

/**
 * Closes the database: updates the planner's statistics (`PRAGMA optimize`), moves the -wal into the file, and releases
 * all locks and statements. A running transaction is rolled back. Closing twice is fine.
 */
export function closeDb(db: AnyDb): void {
  connectionOf(db).close();
}
