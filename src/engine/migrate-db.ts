import { readingOf } from './connection/closed-file.ts';
import { Connection } from './connection/connection.ts';
import { type AnyDb, connectionOf } from './connection/db.ts';
import { BUSY_TIMEOUT_MS } from './connection/pragmas.ts';
import { type Definition, definitionOf, type Kit, openingOf } from './definition.ts';
import type { Adapter } from './driver/adapter.ts';
import { InvalidInputError } from './errors.ts';
import { inspectFile, realFile } from './file/file.ts';
import { hasCode, isThere } from './file/fs.ts';
import { asRefusal, openConnection, orRefuse, refuseForeign } from './file/open.ts';
import { databasePath, MEMORY } from './file/path.ts';
import type { Host } from './host.ts';
import { isOurs, mismatch } from './migrations/bring-up.ts';
import type { History } from './migrations/history.ts';
import { readLedger } from './migrations/ledger.ts';
import { type Rehearsal, type RehearseOptions, rehearse } from './migrations/rehearsal.ts';
import { type LedgerRepair, type RepairLedgerOptions, repair } from './migrations/repair.ts';
import type { MigrationReport } from './migrations/report.ts';
import {
  checkAllowLoss,
  checkMigrateOptions,
  MIGRATE_OPTIONS,
  type MigrateOptions,
  migrate,
} from './migrations/runner.ts';
import { type MigrationStatus, statusOf } from './migrations/status.ts';
import { type OptionNames, objectArgument, optionsArgument } from './options.ts';

/** What `runMigrations()` takes. */
export interface RunMigrationsOptions extends MigrateOptions {
  /** Default: the history of this package; {@link readHistory} reads that of any other Drizzle SQLite folder. */
  readonly history?: History;
}

const RUN_OPTIONS: OptionNames<RunMigrationsOptions> = { ...MIGRATE_OPTIONS, history: true };

/**
 * Brings a database that was opened with `migrations: 'skip'`, or the file at a path, to the end of the history; does
 * nothing to a current one. With a history of your own the file at the path may be any that Drizzle has migrated.
 *
 * @throws MigrationError where the file and the history do not fit, or a migration fails; the file is as it was.
 * @throws DatabaseOpenError where what is at the path cannot be opened, or is a database of another program.
 * @throws DatabaseBusyError where another process kept the write lock.
 * @throws InvalidInputError for a path or an option that cannot be one.
 */
export type RunMigrations = (of: AnyDb | string, options?: RunMigrationsOptions) => MigrationReport;

/** Returns `runMigrations()` for a driver and a definition. */
export function runMigrationsWith(kit: Kit): RunMigrations {
  return (of, given = {}) => {
    const { adapter, definition } = kit;
    const { history, ...options } = optionsArgument(given, RUN_OPTIONS);
    checkHistory(history);
    if (isDb(of)) return migrateOrRefuse(of.$client, history ?? definition.history, options);
    // Before the file is made.
    checkMigrateOptions(options);
    using connection = openConnection(adapter, databasePath(of), {
      ...openingOf(definition),
      isOurs: isLedgerOf(definition, history),
    });
    return orRefuse(connection, () => migrateOrRefuse(connection, history ?? definition.history, options));
  };
}

/** @throws DatabaseOpenError `SCHEMA_MISMATCH` if the file then has every migration and lacks a column. */
function migrateOrRefuse(connection: Connection, history: History, options: MigrateOptions): MigrationReport {
  const report = migrate(connection, history, options);
  const error = mismatch(connection, history, report.drift);
  if (error) throw error;
  return report;
}

/** @throws InvalidInputError for what `readHistory()` does not give. */
function checkHistory(history: unknown): void {
  if (history === undefined) return;
  const { migrations } = objectArgument(history as Partial<History>, 'options.history');
  if (!Array.isArray(migrations)) throw new InvalidInputError('options.history', 'is not what readHistory() gives');
}

/** What is no database is left to be refused as a path. */
function isDb(of: unknown): of is AnyDb {
  return typeof of === 'object' && of !== null && '$client' in of;
}

/** A file without our application_id is taken where its ledger begins as ours does; for another history, where it has one. */
function isLedgerOf(definition: Definition, history: History | undefined): (connection: Connection) => boolean {
  return (connection) => isOurs(connection, definition.history) || (!!history && readLedger(connection).length > 0);
}

/**
 * What a database, or the file at a path, has of the history. Writes nothing; a file that nobody holds gets no -wal or
 * -shm beside it, but on Node one of more than 256 MB, and one whose -wal a killed process left.
 *
 * @throws DatabaseOpenError where the file is not a database that can be read, or is one of another program.
 * @throws InvalidInputError for a path that cannot be one.
 */
export type GetMigrationStatus = (of: AnyDb | string, history?: History) => MigrationStatus;

/** Returns `migrationStatus()` for a driver and a definition. */
export function migrationStatusWith(kit: Kit): GetMigrationStatus {
  return (of, given) => {
    const history = given ?? kit.definition.history;
    if (isDb(of)) return statusOf(of.$client, history);
    return looking(kit, of, given, (connection, filename) => ({
      ...statusOf(connection, history),
      filename,
    }));
  };
}

/** What `rehearseMigrations()` takes. */
export interface RehearseMigrationsOptions extends RehearseOptions {
  /** Default: the history of this package. */
  readonly history?: History;
}

const REHEARSE_OPTIONS: OptionNames<RehearseMigrationsOptions> = {
  history: true,
  onProgress: true,
  allowLoss: true,
};

/**
 * Runs the migrations that the file at a path lacks on a private copy of it, which is removed at the end, and says what
 * they did: rows before and after, time, room, and the refusal that the real run would meet. The file is only read.
 *
 * @throws DatabaseOpenError where the file is not a database that can be read, or is one of another program.
 * @throws BackupError where there is no room for the copy.
 * @throws InvalidInputError for a path that cannot be one.
 */
export type RehearseMigrations = (path: string, options?: RehearseMigrationsOptions) => Rehearsal;

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
 * Accepts an applied migration whose file was edited as it is now, and records who, when, why and both hashes. Its SQL
 * is not run. For a database that was opened with `migrations: 'skip'`.
 *
 * @param tag The migration, as `0003_budgets`.
 * @throws InvalidInputError where it is not one that is applied and was edited since; nothing is written.
 */
export function repairLedger(
  db: AnyDb,
  tag: string,
  given: RepairLedgerOptions & { readonly history?: History } = {},
): LedgerRepair {
  const { history = definitionOf(connectionOf(db)).history, ...options } = optionsArgument(given, REPAIR_OPTIONS);
  return repair(connectionOf(db), history, tag, options);
}

/** True where SQLite may have the file open somewhere. */
function isHeld(filename: string): boolean {
  return ['-wal', '-shm', '-journal'].some((end) => isThere(`${filename}${end}`));
}

/**
 * Reads a file and changes nothing. A closed one is read without locks; where another process opened it meanwhile, what
 * was read may be torn, so it is read again.
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
    refuseForeign(connection, BUSY_TIMEOUT_MS, isLedgerOf(definition, history), undefined, definition.foreign);
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
 * A connection that changes nothing, not even by a -wal beside a closed file; for a file that is not there yet, an
 * empty database in memory.
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
