import { type BackupOptions, type BackupReport, backup } from './backup/backup.ts';
import { backupDaily, type DailyReport } from './backup/daily.ts';
import { type ListBackups, listBackupsWith } from './backup/list.ts';
import { type PruneBackups, pruneBackupsWith } from './backup/prune.ts';
import { type Recover, recoverWith } from './backup/recover.ts';
import { type Restore, restoreWith } from './backup/restore.ts';
import { type VerifyBackup, verifyBackupWith } from './backup/verify.ts';
import type { AnyDb, Database, Schema } from './connection/db.ts';
import { type CreateDbOptions, closeDb, createDbWith } from './create-db.ts';
import { type Definition, type HealthCheck, kitWith } from './definition.ts';
import type { ChooseDriver } from './driver/adapter.ts';
import { InvalidInputError } from './errors.ts';
import { type ExportOptions, type ExportReport, exportDb } from './export/export.ts';
import { type ImportExport, importExportWith } from './export/import-export.ts';
import { type HealthOptions, health } from './health/health.ts';
import type { HealthReport } from './health/report.ts';
import { textArgument } from './input.ts';
import { type CheckpointOptions, type CheckpointReport, checkpoint } from './maintenance/checkpoint.ts';
import { type Compact, compactWith } from './maintenance/compact.ts';
import { type OptimizeReport, optimize } from './maintenance/optimize.ts';
import {
  type GetMigrationStatus,
  migrationStatusWith,
  type RehearseMigrations,
  type RunMigrations,
  rehearseMigrationsWith,
  repairLedger,
  runMigrationsWith,
} from './migrate-db.ts';
import { checkAllowLoss } from './migrations/allow-loss.ts';
import { type AllowLoss, type History, historyArgument } from './migrations/history.ts';
import type { LedgerRepair, RepairLedgerOptions } from './migrations/repair.ts';
import { type Activity, activity } from './monitor/activity.ts';
import { type Monitor, type MonitorOptions, monitor } from './monitor/monitor.ts';
import { type OptionNames, optionsArgument } from './options.ts';
import { type ApproximateSize, approximateSizes } from './rows/approximate-sizes.ts';
import { type ReadRowsOptions, type RowPage, readRows } from './rows/read-rows.ts';
import { type Writer, writerWith } from './writer/writer.ts';

/** Describes a host's own database. */
export interface DefineDbOptions<TSchema extends Schema> {
  /** Short name in lower case, e.g. `notes`. */
  readonly name: string;
  /** The Drizzle tables and relations. They give the database its types. */
  readonly schema: TSchema;
  /** The migrations: the result of {@link readHistory}, or a module generated from a folder. */
  readonly history: History;
  /**
   * `PRAGMA application_id` that marks the files. Default: that of the history. Files without one are recognized by
   * their ledger.
   */
  readonly applicationId?: number;
  /** The file to use if no path is given. Default: a path must be given. */
  readonly defaultPath?: string | (() => string);
  /** The host's command line, which hints name. Default: hints name functions. */
  readonly command?: string;
  /** Checks that `health()` runs after its own. */
  readonly healthChecks?: readonly HealthCheck[];
  /**
   * Intended losses by tag: names of tables (for their rows), triggers and views, e.g. `{ '0011_drop_drafts':
   * ['drafts'] }`. Use it for a released migration, whose SQL must not change.
   */
  readonly allowLoss?: AllowLoss;
}

/** A host's database with every function of this package. */
export interface DefinedDb<TSchema extends Schema> {
  readonly definition: Definition<TSchema>;
  /**
   * Opens the file, applies pending migrations, and wraps it in Drizzle.
   *
   * @param path Default: `defaultPath` of the definition.
   * @throws DatabaseOpenError if the path is not a readable database of this definition.
   * @throws MigrationError if the file and the history do not match; the file is unchanged.
   * @throws DatabaseBusyError if another process held the lock until the timeout.
   * @throws InvalidInputError for an invalid path or option, and if no path is given and there is no default.
   */
  createDb(path?: string, options?: CreateDbOptions): Database<TSchema>;
  /** Closes the database. Closing twice is fine. */
  closeDb(db: AnyDb): void;
  /** Applies all pending migrations to a database or to the file at a path. */
  readonly runMigrations: RunMigrations;
  /** Returns the applied and pending migrations of a database or of the file at a path. Writes nothing. */
  readonly migrationStatus: GetMigrationStatus;
  /** Runs the pending migrations on a private copy and returns the result. */
  readonly rehearseMigrations: RehearseMigrations;
  /** Accepts the current file of an applied migration that was edited. */
  repairLedger(db: AnyDb, tag: string, options?: RepairLedgerOptions): LedgerRepair;
  /** Copies the database while it is in use, and verifies the copy. */
  backup(db: AnyDb, options?: BackupOptions): Promise<BackupReport>;
  /** Creates the backup of this UTC day unless it exists. */
  backupDaily(db: AnyDb, dir?: string, options?: Pick<BackupOptions, 'deep' | 'onProgress'>): Promise<DailyReport>;
  /** Lists the backups in a folder, newest first. */
  readonly listBackups: ListBackups;
  /** Verifies a whole backup. */
  readonly verifyBackup: VerifyBackup;
  /** Deletes old backups according to a policy. */
  readonly pruneBackups: PruneBackups;
  /** Replaces the database by a backup; `to` defaults to the definition's default path. */
  readonly restore: Restore;
  /** Saves the readable rows of a damaged file into a new one; `from` defaults to the definition's default path. */
  readonly recover: Recover;
  /** Writes every table as JSON lines into a new folder, while others write. */
  exportDb(db: AnyDb, options?: ExportOptions): Promise<ExportReport>;
  /** Creates a new database from an export; `to` defaults to the definition's default path. */
  readonly importExport: ImportExport;
  /** Returns the free pages of a closed file to the disk. */
  readonly compact: Compact;
  /** Reports or decides which of several machines may write the database. */
  readonly writer: Writer;
  /** Moves the pages of the -wal into the file. */
  checkpoint(db: AnyDb, options?: CheckpointOptions): CheckpointReport;
  /** Updates the statistics of SQLite's planner. */
  optimize(db: AnyDb): OptimizeReport;
  /** Returns the state of the database: what is fine, what is wrong, and what to do about it. */
  health(db: AnyDb, options?: HealthOptions): HealthReport;
  /** Watches a connection. */
  monitor(db: AnyDb, options?: MonitorOptions): Monitor;
  /** Returns the figures of the whole file that change from second to second. */
  activity(db: AnyDb): Activity;
  /** Returns the approximate size of each table and index without reading them. */
  approximateSizes(db: AnyDb): ApproximateSize[];
  /** Returns a page of rows of any table as text for display. */
  readRows(db: AnyDb, table: string, options?: ReadRowsOptions): RowPage;
}

/** The type of `defineDb()`. */
export interface DefineDb {
  /**
   * Describes a database with your own Drizzle schema, and returns every function of this package for it.
   *
   * @throws InvalidInputError for an invalid option.
   *
   * @example
   * ```ts
   * const create = 'CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT NOT NULL)';
   * const notes = defineDb({
   *   name: 'notes',
   *   schema: {}, // Drizzle's tables
   *   history: { migrations: [{ tag: '0000_notes', when: 0, hash: '1', sql: create }] }, // or readHistory('drizzle')
   * });
   * const opened = notes.createDb('notes.db');
   * await notes.backup(opened);
   * notes.closeDb(opened);
   * ```
   */
  <TSchema extends Schema>(options: DefineDbOptions<TSchema>): DefinedDb<TSchema>;
}

/** Returns `defineDb()` for a runtime's drivers. */
export function defineDbFor(choose: ChooseDriver): DefineDb {
  return (options) => {
    const definition = definitionFrom(options);
    const kit = kitWith(choose, definition);
    return {
      definition,
      createDb: createDbWith(kit),
      closeDb,
      runMigrations: runMigrationsWith(kit),
      migrationStatus: migrationStatusWith(kit),
      rehearseMigrations: rehearseMigrationsWith(kit),
      repairLedger,
      backup,
      backupDaily,
      listBackups: listBackupsWith(kit),
      verifyBackup: verifyBackupWith(kit),
      pruneBackups: pruneBackupsWith(kit),
      restore: restoreWith(kit),
      recover: recoverWith(kit),
      exportDb,
      importExport: importExportWith(kit),
      compact: compactWith(kit),
      writer: writerWith(kit),
      checkpoint,
      optimize,
      health,
      monitor,
      activity,
      approximateSizes,
      readRows,
    };
  };
}

const NAME = /^[a-z][a-z0-9-]{0,31}$/;
const OPTIONS: OptionNames<DefineDbOptions<Schema>> = {
  name: true,
  schema: true,
  history: true,
  applicationId: true,
  defaultPath: true,
  command: true,
  healthChecks: true,
  allowLoss: true,
};

function definitionFrom<TSchema extends Schema>(options: DefineDbOptions<TSchema>): Definition<TSchema> {
  const { name, schema, history, command, healthChecks, defaultPath } = optionsArgument(options, OPTIONS);
  if (!NAME.test(textArgument(name, 'options.name'))) {
    throw new InvalidInputError('options.name', 'must be 1 to 32 of a-z, 0-9 and -, and begin with a letter');
  }
  if (typeof schema !== 'object' || schema === null) throw new InvalidInputError('options.schema', 'must be an object');
  historyArgument(history, 'options.history');
  const applicationId = options.applicationId ?? history.applicationId ?? 0;
  if (!Number.isInteger(applicationId) || applicationId < 0 || applicationId > 0x7fffffff) {
    throw new InvalidInputError('options.applicationId', 'must be an integer from 0 to 2147483647');
  }
  checkAllowLoss(options.allowLoss);
  return {
    name,
    schema: schema as TSchema,
    history: {
      ...history,
      ...(applicationId !== 0 && { applicationId }),
      ...(options.allowLoss && { allowLoss: bothLosses(history.allowLoss, options.allowLoss) }),
    },
    applicationId,
    ...(command !== undefined && { command: textArgument(command, 'options.command') }),
    ...(healthChecks && { healthChecks }),
    ...(defaultPath !== undefined && {
      defaultPath: typeof defaultPath === 'function' ? defaultPath : () => defaultPath,
    }),
  };
}

function bothLosses(one: AllowLoss = {}, other: AllowLoss): AllowLoss {
  const tags = [...Object.keys(one), ...Object.keys(other)];
  return Object.fromEntries(tags.map((tag) => [tag, [...(one[tag] ?? []), ...(other[tag] ?? [])]]));
}
