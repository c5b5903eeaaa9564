import { existsSync } from 'node:fs';
import { history as dorkHistory } from '../drizzle/history.ts';
import type { Adapter } from './core/adapter.ts';
import { Connection } from './core/connection.ts';
import { inspectFile, realFile } from './core/file.ts';
import { databasePath, MEMORY } from './core/path.ts';
import { BUSY_TIMEOUT_MS } from './core/pragmas.ts';
import type { Db } from './create-db.ts';
import type { History } from './migrations/history.ts';
import type { MigrationReport } from './migrations/report.ts';
import { type MigrateOptions, migrate } from './migrations/runner.ts';
import { type MigrationStatus, statusOf } from './migrations/status.ts';

export interface RunMigrationsOptions extends MigrateOptions {
  /** Default: the history of this package; {@link readHistory} reads that of any other Drizzle SQLite folder. */
  readonly history?: History;
}

/**
 * Brings a database that was opened with `migrations: 'skip'` to the newest schema; does nothing to a current one.
 *
 * @throws MigrationError where the file and the history do not fit, or a migration fails; the file is as it was.
 * @throws DatabaseBusyError where another process kept the write lock.
 */
export function runMigrations(db: Pick<Db, '$client'>, options: RunMigrationsOptions = {}): MigrationReport {
  return migrate(db.$client, options.history ?? dorkHistory, options);
}

/**
 * What a database, or the file at a path, has of the history. Writes nothing; a file that nobody holds gets no -wal
 * beside it where the driver allows.
 *
 * @throws DatabaseOpenError where the file is not a database that can be read.
 */
export type GetMigrationStatus = (of: Pick<Db, '$client'> | string, history?: History) => MigrationStatus;

/** `migrationStatus()` for a driver. */
export function migrationStatusWith(adapter: Adapter): GetMigrationStatus {
  return (of, history = dorkHistory) => {
    if (typeof of !== 'string') return statusOf(of.$client, history);
    using connection = openToLook(adapter, databasePath(of));
    return { ...statusOf(connection, history), filename: of };
  };
}

/**
 * A connection that changes nothing, not even by a -wal beside a closed file; for a file that is not there yet, an
 * empty database in memory.
 */
export function openToLook(adapter: Adapter, path: string): Connection {
  if (path === MEMORY || inspectFile(path).isNew) return new Connection(adapter, MEMORY);
  const filename = realFile(path);
  const isHeld = existsSync(`${filename}-wal`) || existsSync(`${filename}-journal`);
  const connection = new Connection(adapter, filename, { readonly: true, isClosed: !isHeld });
  if (isHeld) connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  return connection;
}
