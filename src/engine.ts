/**
 * The engine: everything that this package does for DorkOS's database, for any Drizzle schema. It hands on what the root
 * entry has.
 */
export {
  BackupError,
  ClosedError,
  ConstraintError,
  closeDb,
  DatabaseBusyError,
  DatabaseOpenError,
  type DefineDb,
  type DefineDbOptions,
  type DefinedDb,
  DorkDbError,
  defineDb,
  ExportError,
  type ExportOptions,
  type ExportProgress,
  type ExportReport,
  exportDb,
  type ImportExport,
  type ImportExportOptions,
  type ImportExportReport,
  InvalidInputError,
  MigrationError,
  prometheusText,
  RestoreError,
  readHistory,
  UnsupportedRuntimeError,
} from './index.ts';
