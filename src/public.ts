/** Every public name, one by one; `index.ts` adds what needs a driver. */

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
export { type BackupOptions, type BackupReport, backup } from './backup/backup.ts';
export type { ReplacedTable, RestoredTable } from './backup/compare.ts';
export type { BackupProgress } from './backup/copy.ts';
export { backupDaily, type DailyReport } from './backup/daily.ts';
export type { BackupEntry, ListBackups, ListBackupsOptions } from './backup/list.ts';
export type { PruneBackups, PruneBackupsOptions, PruneBackupsReport, RetentionPolicy } from './backup/prune.ts';
export type { Recover, RecoverOptions, RecoverProgress, RecoverReport } from './backup/recover.ts';
export type { Restore, RestoreOptions, RestoreReport } from './backup/restore.ts';
export type { VerifyBackup, VerifyBackupOptions, VerifyReport } from './backup/verify.ts';
export type { DriverName, Row, RunResult, SqliteValue } from './core/adapter.ts';
export type { Connection, PragmaOptions, TransactionBehavior } from './core/connection.ts';
export type { CopyKind } from './core/copy-name.ts';
export {
  BackupError,
  ClosedError,
  ConstraintError,
  type ConstraintKind,
  DatabaseBusyError,
  DatabaseOpenError,
  DorkDbError,
  ImportError,
  InvalidInputError,
  MigrationError,
  type MigrationErrorKind,
  RestoreError,
  UnsupportedRuntimeError,
} from './core/errors.ts';
export type { LockHolder, LockKind } from './core/file-locks.ts';
export { newId } from './core/ids.ts';
export type { Logger } from './core/logger.ts';
export { defaultDbPath } from './core/path.ts';
export type { Statement } from './core/statement.ts';
export { type CreateDb, type CreateDbOptions, closeDb, type Db } from './create-db.ts';
export type { DefineDb, DefineDbOptions, DefinedDb } from './define-db.ts';
export { guardDomains } from './guard-domains.ts';
export { type HealthOptions, health } from './health/health.ts';
export type {
  BackupFigures,
  DanglingRow,
  FileFigure,
  FileSystemFigures,
  HealthCheckName,
  HealthDepth,
  HealthFigures,
  HealthFinding,
  HealthReport,
  HealthSeverity,
  MigrationFigures,
  ObjectSize,
  PragmaFigure,
  SizeFigures,
  SqliteFigures,
  WalFigures,
} from './health/report.ts';
export {
  type CheckpointMode,
  type CheckpointOptions,
  type CheckpointReport,
  checkpoint,
} from './housekeeping/checkpoint.ts';
export type { Compact, CompactOptions, CompactProgress, CompactReport } from './housekeeping/compact.ts';
export { type OptimizeReport, optimize } from './housekeeping/optimize.ts';
export { type PruneOptions, type PruneProgress, type PruneReport, prune } from './housekeeping/prune.ts';
export { type ImportLegacyOptions, importLegacy } from './legacy/import.ts';
export type { ImportProgress } from './legacy/import-context.ts';
export type {
  Adjustment,
  ImportCounts,
  ImportReceipt,
  LegacySource,
  SetAsideReason,
  SetAsideRow,
  SourceReceipt,
  TableReceipt,
} from './legacy/receipt.ts';
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
  type AgentStatus,
  type AggregateStats,
  type BudgetAllowed,
  type BudgetCheckResult,
  type BudgetDenied,
  BudgetMapper,
  computeHealthStatus,
  DenialList,
  type DenialRecord,
} from './mesh/index.ts';
export {
  type GetMigrationStatus,
  type RehearseMigrations,
  type RehearseMigrationsOptions,
  type RunMigrations,
  type RunMigrationsOptions,
  repairLedger,
} from './migrate-db.ts';
export type { DanglingReferences } from './migrations/foreign-keys.ts';
export { type History, type Migration, readHistory } from './migrations/history.ts';
export type { MigrationProgress } from './migrations/progress.ts';
export type { Rehearsal, RowChange } from './migrations/rehearsal.ts';
export type { LedgerRepair, RepairLedgerOptions } from './migrations/repair.ts';
export type { AppliedMigration, MigrationReport } from './migrations/report.ts';
export type { MigrateOptions } from './migrations/runner.ts';
export type { Drift } from './migrations/schema-state.ts';
export type { AppliedEntry, MigrationStatus } from './migrations/status.ts';
export { type Monitor, type MonitorOptions, monitor } from './monitor/monitor.ts';
export { prometheusText } from './monitor/prometheus.ts';
export type { MonitorSample, MonitorTotals, SlowStatement } from './monitor/sample.ts';
export {
  type GetSchedulesOptions,
  type ListRunsOptions,
  type PulseRun,
  type PulseRunPatch,
  type PulseRunStatus,
  type PulseRunTrigger,
  type PulseSchedule,
  type PulseScheduleInput,
  type PulseSchedulePatch,
  type PulseScheduleStatus,
  PulseStore,
} from './pulse/index.ts';
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
  type TraceMetrics,
  type TraceMetricsOptions,
  type TraceSpan,
  type TraceSpanInput,
  type TraceSpanPatch,
  type TraceSpanStatus,
  TraceStore,
} from './relay/index.ts';
export * from './schema.ts';
