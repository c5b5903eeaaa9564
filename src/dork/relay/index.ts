export type { MaildirEnvelope, MaildirStore, MaildirSubdir } from './maildir.ts';
export type {
  QueryMessagesOptions,
  RelayIndexMetrics,
  RelayMessage,
  RelayMessageInput,
  RelayMessagePage,
  RelayMessageStatus,
} from './message.ts';
export type { RebuildOptions, RebuildProgress } from './rebuild.ts';
export * from './schema.ts';
export type { TraceSpan, TraceSpanInput, TraceSpanKind, TraceSpanPatch, TraceSpanStatus } from './span.ts';
export type { TraceMetrics } from './span-metrics.ts';
export { SqliteIndex, type SqliteIndexOptions } from './sqlite-index.ts';
export { type TraceMetricsOptions, TraceStore } from './trace-store.ts';
