/**
 * The engine: everything that this package does for DorkOS's database, for any Drizzle schema. It hands on what the root
 * entry has.
 */
export {
  BackupError,
  type Call,
  ClosedError,
  type Command,
  type CommandLineOptions,
  type CommandOption,
  ConstraintError,
  closeDb,
  commandLine,
  DatabaseBusyError,
  DatabaseOpenError,
  type DefineDb,
  type DefineDbOptions,
  type DefinedDb,
  DorkDbError,
  defineDb,
  InvalidInputError,
  MigrationError,
  prometheusText,
  RestoreError,
  readHistory,
  UnsupportedRuntimeError,
} from './index.ts';
