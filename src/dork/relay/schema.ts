import { sql } from 'drizzle-orm/sql';
import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../../stores/columns.ts';

/** What the status of a message may be. */
export const MESSAGE_STATUSES = ['pending', 'delivered', 'failed'] as const;
/** What the status of a span may be. `no_subscriber`: nobody listened to the subject, which is no failure. */
export const SPAN_STATUSES = [
  'sent',
  'delivered',
  'processed',
  'failed',
  'timeout',
  'dead_lettered',
  'no_subscriber',
] as const;
/** What a span is about: a message, or an adapter that connected, disconnected or failed. */
export const SPAN_KINDS = ['delivery', 'lifecycle'] as const;

/** An index over the Maildir files: derived, rebuildable. A message has one row for each endpoint that it reached. */
export const relayIndex = sqliteTable(
  'relay_index',
  {
    /** The message's id, which is the same at each endpoint. */
    id: text('id').notNull(),
    subject: text('subject').notNull(),
    sender: text('sender'),
    endpointHash: text('endpoint_hash').notNull(),
    status: text('status', { enum: MESSAGE_STATUSES }).notNull().default('pending'),
    /** NULL never expires. */
    expiresAt: text('expires_at'),
    payload: text('payload'),
    metadata: text('metadata'),
    createdAt: text('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.endpointHash] }),
    check('relay_index_status', oneOf('status', MESSAGE_STATUSES)),
    // What each index pays for, and what it adds to a write, is measured in docs/decisions.
    // The endpoint comes last in the indexes of pages, so that a page can end between two rows of one message.
    // Messages of a subject, and pages of them.
    index('relay_index_subject').on(table.subject, table.id, table.endpointHash),
    // Messages of an endpoint, and pages of them.
    index('relay_index_endpoint').on(table.endpointHash, table.id),
    // How many wait at an endpoint, and pages of them: only those that wait are in it.
    index('relay_index_endpoint_pending').on(table.endpointHash, table.id).where(sql.raw("status = 'pending'")),
    // How many a sender sent since an instant: asked on every publish.
    index('relay_index_sender_created').on(table.sender, table.createdAt),
    // Pages of a sender's messages.
    index('relay_index_sender').on(table.sender, table.id, table.endpointHash),
    // Pages of the messages of a status.
    index('relay_index_status').on(table.status, table.id, table.endpointHash),
    // What has expired: only what can expire is in it.
    index('relay_index_expires').on(table.expiresAt).where(sql.raw('expires_at IS NOT NULL')),
  ],
);

/**
 * How many rows of each status `relay_index` has of a subject. Triggers on `relay_index` (0005_relay_endpoint_rows.sql) keep it, in the
 * same transaction as the write they count, so that metrics do not read the messages.
 */
export const relayCounts = sqliteTable('relay_counts', {
  subject: text('subject').primaryKey(),
  pending: integer('pending').notNull().default(0),
  delivered: integer('delivered').notNull().default(0),
  failed: integer('failed').notNull().default(0),
});

/**
 * Milliseconds from `sent_at` to `delivered_at`, exact, from the stored form of both; NULL where nothing was delivered.
 * It stands word for word in the index relay_traces_metrics.
 */
export const DELIVERY_LATENCY_MS =
  '(unixepoch(delivered_at) - unixepoch(sent_at)) * 1000 + substr(delivered_at, 21, 3) - substr(sent_at, 21, 3)';

/** The endpoint that a span was for: its subject where it has none. */
export const SPAN_ENDPOINT = 'coalesce(to_endpoint, subject)';

/** What became of a message, one span each; and what happened to the adapters. */
export const relayTraces = sqliteTable(
  'relay_traces',
  {
    id: text('id').primaryKey(),
    messageId: text('message_id').notNull().unique(),
    traceId: text('trace_id').notNull(),
    spanId: text('span_id'),
    parentSpanId: text('parent_span_id'),
    subject: text('subject').notNull(),
    fromEndpoint: text('from_endpoint'),
    toEndpoint: text('to_endpoint'),
    status: text('status', { enum: SPAN_STATUSES }).notNull(),
    /** Metrics count deliveries alone. */
    kind: text('kind', { enum: SPAN_KINDS }).notNull().default('delivery'),
    budgetHopsUsed: integer('budget_hops_used'),
    budgetTtlRemainingMs: integer('budget_ttl_remaining_ms'),
    sentAt: text('sent_at').notNull(),
    deliveredAt: text('delivered_at'),
    processedAt: text('processed_at'),
    errorMessage: text('error_message'),
    metadata: text('metadata'),
  },
  (table) => [
    check('relay_traces_status', oneOf('status', SPAN_STATUSES)),
    check('relay_traces_kind', oneOf('kind', SPAN_KINDS)),
    check('relay_traces_metadata', isJson('metadata')),
    // The spans of a trace in the order they were sent.
    index('relay_traces_trace').on(table.traceId, table.sentAt),
    // Dead letters newest first: only they are in it.
    index('relay_traces_dead_lettered').on(table.status, table.sentAt).where(sql.raw("status = 'dead_lettered'")),
    // relay_traces_metrics, which metrics read instead of the table, and which finds spans older than an instant, is
    // in 0007_relay_span_kinds.sql: drizzle-kit cuts an expression apart at its commas.
  ],
);

/** A row of `relay_index`. */
export type RelayIndexRow = typeof relayIndex.$inferSelect;
/** A row of `relay_traces`. */
export type RelayTraceRow = typeof relayTraces.$inferSelect;
