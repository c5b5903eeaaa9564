import { readingOf } from './connection/closed-file.ts';
import { Connection } from './connection/connection.ts';
import { type AnyDb, connectionOf } from './connection/db.ts';
import { BUSY_TIMEOUT_MS } from './connection/pragmas.ts';
import { type Definition, definitionOf, type Kit, openingOf } from './definition.ts';
import type { Adapter } from './driver/adapter.ts';
import { inspectFile, realFile } from './file/file.ts';
import { hasCode, isThere } from './file/fs.ts';
import { asRefusal, openConnection, orRefuse, refuseForeign } from './file/open.ts';
import { databasePath, MEMORY, SIDECARS } from './file/path.ts';
import type { Host } from './host.ts';
import { checkAllowLoss } from './migrations/allow-loss.ts';
import { isOurs, mismatch } from './migrations/bring-up.ts';
import { type History, historyArgument } from './migrations/history.ts';
import { readLedger } from './migrations/ledger.ts';
import { type Rehearsal, type RehearseOptions, rehearse } from './migrations/rehearsal.ts';
import { type LedgerRepair, type RepairLedgerOptions, repair } from './migrations/repair.ts';
import type { MigrationReport } from './migrations/report.ts';
import { checkMigrateOptions, MIGRATE_OPTIONS, type MigrateOptions, migrate } from './migrations/runner.ts';
import { type MigrationStatus, statusOf } from './migrations/status.ts';
import { type OptionNames, optionsArgument } from './options.ts';
import { assertWriter } from './writer/check.ts';

/** Options for `runMigrations()`. */
export interface RunMigrationsOptions extends MigrateOptions {
  /** Default: the history of the definition. {@link readHistory} reads that of any other Drizzle SQLite folder. */
  readonly history?: History;
}

const RUN_OPTIONS: OptionNames<RunMigrationsOptions> = { ...MIGRATE_OPTIONS, history: true };

/** The type of `runMigrations()`. */
export interface RunMigrations {
  /**
   * Applies all pending migrations to a database opened with `migrations: 'skip'`, or to the file at a path. Does nothing
   * if it is current. With a history of your own, the file may be any file migrated by Drizzle. The
   * snapshot is on the disk before the file changes, and the migrations are when it returns.
   *
   * @throws MigrationError if the file and the history do not match, or a migration fails; the file is unchanged.
   * @throws DatabaseOpenError if the path cannot be opened, or is a database of another program.
   * @throws DatabaseBusyError if another process held the write lock until the timeout.
   * @throws InvalidInputError for an invalid path or option.
   */
  (of: AnyDb | string, options?: RunMigrationsOptions): MigrationReport;
}

/** Returns `runMigrations()` for a driver and a definition. */
export function runMigrationsWith(kit: Kit): RunMigrations {
  return (of, given = {}) => {
    const { adapter, definition } = kit;
    const { history, ...options } = optionsArgument(given, RUN_OPTIONS);
    checkHistory(history);
    if (isDb(of)) return migrateOrRefuse(connectionOf(of), history ?? definition.history, options);
    // Checked before the file is created.
    checkMigrateOptions(options);
    using connection = openConnection(adapter, databasePath(of), {
      ...openingOf(definition),
      beforeWriting: (filename) => assertWriter(filename, definition),
      isOurs: isLedgerOf(definition, history),
    });
    return orRefuse(connection, () => migrateOrRefuse(connection, history ?? definition.history, options));
  };
}

/** @throws DatabaseOpenError `SCHEMA_MISMATCH` if the file then has every migration, but lacks a column. */
function migrateOrRefuse(connection: Connection, history: History, options: MigrateOptions): MigrationReport {
  const report = migrate(connection, history, options);
  const error = mismatch(connection, history, report.drift);
  if (error) throw error;
  return report;
}

/** @throws InvalidInputError */
function checkHistory(history: History | undefined, name = 'options.history'): void {
  if (history !== undefined) historyArgument(history, name);
}

/** Returns false for anything that is not a database; it is then checked as a path. */
function isDb(of: unknown): of is AnyDb {
  return typeof of === 'object' && of !== null && '$client' in of;
}

/**
 * Accepts a file without our application_id if its ledger begins like the definition's history or, with another
 * history, if it has a ledger at all.
 */
function isLedgerOf(definition: Definition, history: History | undefined): (connection: Connection) => boolean {
  return (connection) => isOurs(connection, definition.history) || (!!history && readLedger(connection).length > 0);
}

/** The type of `migrationStatus()`. */
export interface GetMigrationStatus {
  /**
   * Returns the migration status of a database or of the file at a path. Writes nothing. A closed file gets no -wal or
   * -shm, except on Node if it is larger than 256 MB or if a killed process left its -wal.
   *
   * @throws DatabaseOpenError if the file is not a readable database, or belongs to another program.
   * @throws InvalidInputError for an invalid path.
   */
  (of: AnyDb | string, history?: History): MigrationStatus;
}

/** Returns `migrationStatus()` for a driver and a definition. */
export function migrationStatusWith(kit: Kit): GetMigrationStatus {
  return (of, given) => {
    checkHistory(given, 'history');
    const history = given ?? kit.definition.history;
    if (isDb(of)) return statusOf(connectionOf(of), history);
    return looking(kit, of, given, (connection, filename) => ({
      ...statusOf(connection, history),
      filename,
    }));
  };
}

/** Options for `rehearseMigrations()`. */
export interface RehearseMigrationsOptions extends RehearseOptions {
  /** Default: the history of the definition. */
  readonly history?: History;
}

const REHEARSE_OPTIONS: OptionNames<RehearseMigrationsOptions> = {
  history: true,
  onProgress: true,
  allowLoss: true,
};

/** The type of `rehearseMigrations()`. */
export interface RehearseMigrations {
  /**
   * Runs the pending migrations of the file at a path on a private copy, which is removed at the end. Reports rows before
   * and after, duration, disk space, and the error that the real run would throw. The file is only read.
   *
   * @throws DatabaseOpenError if the file is not a readable database, or belongs to another program.
   * @throws BackupError if the disk has no space for the copy.
   * @throws InvalidInputError for an invalid path.
   */
  (path: string, options?: RehearseMigrationsOptions): Rehearsal;
}

/** Returns `rehearseMigrations()` for a driver and a definition. */
export function rehearseMigrationsWith(kit: Kit): RehearseMigrations {
  return (path, given = {}) => {
    const { history, ...options } = optionsArgument(given, REHEARSE_OPTIONS);
    checkHistory(history);
    checkAllowLoss(options.allowLoss);
    return looking(kit, path, history, (connection, filename) =>
      rehearse(connection, filename, history ?? kit.definition.history, options),
    );
  };
}

const REPAIR_OPTIONS: OptionNames<RepairLedgerOptions & { readonly history?: History }> = {
  reason: true,
  by: true,
  history: true,
};

/**
 * Accepts the current file of an applied migration that was edited, and records who, when, why and both hashes. The
 * migration's SQL is not run. For a database that was opened with `migrations: 'skip'`.
 *
 * @param tag The migration, e.g. `0003_budgets`.
 * @throws InvalidInputError if the migration is not applied, or was not edited since; nothing is written.
 */
export function repairLedger(
  db: AnyDb,
  tag: string,
  given: RepairLedgerOptions & { readonly history?: History } = {},
): LedgerRepair {
  const { history = definitionOf(connectionOf(db)).history, ...options } = optionsArgument(given, REPAIR_OPTIONS);
  checkHistory(history);
  return repair(connectionOf(db), history, tag, options);
}

/** Returns true if another SQLite connection may have the file open. */
function isHeld(filename: string): boolean {
  return SIDECARS.some((end) => isThere(`${filename}${end}`));
}

/**
 * Reads a file and changes nothing. A closed file is read without locks. If another process opened it meanwhile, the
 * result may be inconsistent, so the file is read again.
 */
function looking<T>(
  { adapter, definition }: Kit,
  of: string,
  history: History | undefined,
  read: (connection: Connection, path: string) => T,
): T {
  const path = databasePath(of);
  const filename = isThere(path) ? realFile(path) : path;
  const look = () => {
    using connection = openToLook(adapter, path, definition);
    refuseForeign(connection, BUSY_TIMEOUT_MS, { ...openingOf(definition), isOurs: isLedgerOf(definition, history) });
    return read(connection, path);
  };
  for (;;) {
    const wasClosed = !isHeld(filename);
    const isTorn = () => wasClosed && isHeld(filename);
    try {
      const result = look();
      if (!isTorn()) return result;
    } catch (error) {
      if (!isTorn() && !hasCode(error, 'FILE_CHANGED')) throw asRefusal(error, path);
    }
  }
}

/**
 * Returns a connection that changes nothing, not even by creating a -wal next to a closed file. If the file does not
 * exist, it is an empty database in memory.
 */
function openToLook(adapter: Adapter, path: string, host: Host): Connection {
  if (path === MEMORY || inspectFile(path).isNew) return new Connection(adapter, MEMORY, { host });
  const filename = realFile(path);
  const isClosed = !isHeld(filename);
  const reading = isClosed ? { readonly: true, isClosed } : readingOf(filename);
  const connection = new Connection(adapter, filename, { ...reading, host });
  connection.exec('PRAGMA trusted_schema = OFF');
  if (!isClosed) connection.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
  return connection;
}
