/** Every public name that needs no driver, one by one. `index.ts` and `node.ts` add the others. */

export {
  and,
  asc,
  avg,
  between,
  count,
  countDistinct,
  desc,
  eq,
  exists,
  gt,
  gte,
  inArray,
  isNotNull,
  isNull,
  like,
  lt,
  lte,
  max,
  min,
  ne,
  not,
  notExists,
  notInArray,
  or,
  sql,
  sum,
} from 'drizzle-orm';
export type { CreateDb, Db } from './dork/db.ts';
export { type CallFigures, callFigures } from './dork/figures/call-figures.ts';
export type { FigureOptions } from './dork/figures/hours.ts';
export { type RunFigures, type RunHour, runFigures } from './dork/figures/run-figures.ts';
export { type TraceFigures, type TraceHour, traceFigures } from './dork/figures/trace-figures.ts';
export { type WaitingMessages, waitingMessages } from './dork/figures/waiting-messages.ts';
export { guardDomains } from './dork/guard-domains.ts';
export { type HealthFigures, type HealthReport, health } from './dork/health.ts';
export { defaultDbPath } from './dork/home.ts';
export type { MoveReleaseAside } from './dork/legacy/aside.ts';
export { type ImportLegacyOptions, importLegacy } from './dork/legacy/import.ts';
export type { ImportProgress } from './dork/legacy/import-context.ts';
export type {
  Adjustment,
  ImportCounts,
  ImportReceipt,
  LegacySource,
  SetAsideReason,
  SetAsideRow,
  SourceReceipt,
  TableReceipt,
} from './dork/legacy/receipt.ts';
export {
  type AgentBehavior,
  type AgentBudget,
  type AgentEntryInput,
  type AgentHealthEntry,
  type AgentHealthStatus,
  type AgentListFilters,
  type AgentPatch,
  AgentRegistry,
  type AgentRegistryEntry,
  type AgentRuntime,
  type AgentStatus,
  type AggregateStats,
  type BudgetAllowed,
  type BudgetCheckResult,
  type BudgetDenied,
  BudgetMapper,
  computeHealthStatus,
  DenialList,
  type DenialRecord,
} from './dork/mesh/index.ts';
export { type PruneOptions, type PruneProgress, type PruneReport, prune } from './dork/prune.ts';
export {
  type GetSchedulesOptions,
  type ListRunsOptions,
  type PulsePermissionMode,
  type PulseRun,
  type PulseRunPatch,
  type PulseRunStatus,
  type PulseRunTrigger,
  type PulseSchedule,
  type PulseScheduleInput,
  type PulseSchedulePatch,
  type PulseScheduleStatus,
  PulseStore,
} from './dork/pulse/index.ts';
export {
  type MaildirEnvelope,
  type MaildirStore,
  type MaildirSubdir,
  type QueryMessagesOptions,
  type RebuildOptions,
  type RebuildProgress,
  type RelayIndexMetrics,
  type RelayMessage,
  type RelayMessageInput,
  type RelayMessagePage,
  type RelayMessageStatus,
  SqliteIndex,
  type SqliteIndexOptions,
  type TraceMetrics,
  type TraceMetricsOptions,
  type TraceSpan,
  type TraceSpanInput,
  type TraceSpanKind,
  type TraceSpanPatch,
  type TraceSpanStatus,
  TraceStore,
} from './dork/relay/index.ts';
export * from './dork/schema.ts';
export { type BackupOptions, type BackupReport, backup } from './engine/backup/backup.ts';
export type { ReplacedTable, RestoredTable } from './engine/backup/compare.ts';
export type { BackupProgress } from './engine/backup/copy.ts';
export { backupDaily, type DailyReport } from './engine/backup/daily.ts';
export type { BackupEntry, ListBackups, ListBackupsOptions } from './engine/backup/list.ts';
export type { PruneBackups, PruneBackupsOptions, PruneBackupsReport, RetentionPolicy } from './engine/backup/prune.ts';
export type { Recover, RecoverOptions, RecoverProgress, RecoverReport } from './engine/backup/recover.ts';
export type { Restore, RestoreOptions, RestoreReport } from './engine/backup/restore.ts';
export type { VerifyBackup, VerifyBackupOptions, VerifyReport } from './engine/backup/verify.ts';
export type { Call, Command, CommandLineOptions, CommandOption } from './engine/cli/command.ts';
export { commandLine } from './engine/cli/command-line.ts';
export type { Connection, PragmaOptions } from './engine/connection/connection.ts';
export type { AnyDb } from './engine/connection/db.ts';
export type { Statement } from './engine/connection/statement.ts';
export type { TransactionBehavior } from './engine/connection/transaction.ts';
export type { TransactionFunction } from './engine/connection/transaction-function.ts';
export type { Block as ConsoleBlock } from './engine/console/blocks.ts';
export type { Look as ConsoleLook, View as ConsoleView } from './engine/console/view.ts';
export { type CreateDbOptions, closeDb } from './engine/create-db.ts';
export type { DefineDb, DefineDbOptions, DefinedDb } from './engine/define-db.ts';
export type { DriverName, Row, RunResult, SqliteValue } from './engine/driver/adapter.ts';
export {
  BackupError,
  ClosedError,
  ConstraintError,
  type ConstraintKind,
  DatabaseBusyError,
  DatabaseOpenError,
  DorkDbError,
  ExportError,
  ImportError,
  InvalidInputError,
  MigrationError,
  type MigrationErrorKind,
  RestoreError,
  UnsupportedRuntimeError,
} from './engine/errors.ts';
export { type ExportOptions, type ExportReport, exportDb } from './engine/export/export.ts';
export type { ImportExport, ImportExportOptions, ImportExportReport } from './engine/export/import-export.ts';
export type { ExportProgress } from './engine/export/progress.ts';
export type { CopyKind } from './engine/file/copy-name.ts';
export type { LockHolder, LockKind } from './engine/file/file-locks.ts';
export type { HealthOptions, HealthProgress } from './engine/health/health.ts';
export type {
  BackupFigures,
  DanglingRow,
  FileFigure,
  FileSystemFigures,
  HealthCheckName,
  HealthDepth,
  HealthFinding,
  HealthSeverity,
  MigrationFigures,
  ObjectSize,
  PragmaFigure,
  SizeFigures,
  SqliteFigures,
  WalFigures,
} from './engine/health/report.ts';
export type { Logger } from './engine/logger.ts';
export {
  type CheckpointMode,
  type CheckpointOptions,
  type CheckpointReport,
  checkpoint,
} from './engine/maintenance/checkpoint.ts';
export type { Compact, CompactOptions, CompactProgress, CompactReport } from './engine/maintenance/compact.ts';
export { type OptimizeReport, optimize } from './engine/maintenance/optimize.ts';
export {
  type GetMigrationStatus,
  type RehearseMigrations,
  type RehearseMigrationsOptions,
  type RunMigrations,
  type RunMigrationsOptions,
  repairLedger,
} from './engine/migrate-db.ts';
export type { DanglingReferences } from './engine/migrations/foreign-keys.ts';
export { type AllowLoss, type History, type Migration, readHistory } from './engine/migrations/history.ts';
export type { MigrationProgress } from './engine/migrations/progress.ts';
export type { Rehearsal, RowChange } from './engine/migrations/rehearsal.ts';
export type { LedgerRepair, RepairLedgerOptions } from './engine/migrations/repair.ts';
export type { AppliedMigration, MigrationReport } from './engine/migrations/report.ts';
export type { MigrateOptions } from './engine/migrations/runner.ts';
export type { Drift } from './engine/migrations/schema-state.ts';
export type { AppliedEntry, MigrationStatus } from './engine/migrations/status.ts';
export { type Activity, activity, type TableActivity } from './engine/monitor/activity.ts';
export { type Monitor, type MonitorOptions, monitor } from './engine/monitor/monitor.ts';
export { prometheusText } from './engine/monitor/prometheus.ts';
export type { MonitorSample, MonitorTotals, SlowStatement } from './engine/monitor/sample.ts';
export { type ApproximateSize, approximateSizes } from './engine/rows/approximate-sizes.ts';
export type { Cell } from './engine/rows/cells.ts';
export { type ReadRowsOptions, type RowPage, readRows } from './engine/rows/read-rows.ts';
export type { Writer, WriterOptions, WriterReport } from './engine/writer/writer.ts';
export { newId } from './stores/ids.ts';
