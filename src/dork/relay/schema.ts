import { sql } from 'drizzle-orm/sql';
import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../../stores/columns.ts';

/** The statuses of a message. */
export const MESSAGE_STATUSES = ['pending', 'delivered', 'failed'] as const;
/** The statuses of a span. `no_subscriber`: the subject had no subscriber, which is not a failure. */
export const SPAN_STATUSES = [
  'sent',
  'delivered',
  'processed',
  'failed',
  'timeout',
  'dead_lettered',
  'no_subscriber',
] as const;
/** The kinds of a span: delivery of a message, or an adapter that connected, disconnected or failed. */
export const SPAN_KINDS = ['delivery', 'lifecycle'] as const;

/** An index over the Maildir files: derived, rebuildable. A message has one row for each endpoint that it reached. */
export const relayIndex = sqliteTable(
  'relay_index',
  {
    /** The message's id, the same at each endpoint. */
    id: text('id').notNull(),
    subject: text('subject').notNull(),
    sender: text('sender'),
    endpointHash: text('endpoint_hash').notNull(),
    status: text('status', { enum: MESSAGE_STATUSES }).notNull().default('pending'),
    /** NULL: never. */
    expiresAt: text('expires_at'),
    payload: text('payload'),
    metadata: text('metadata'),
    createdAt: text('created_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.endpointHash] }),
    check('relay_index_status', oneOf('status', MESSAGE_STATUSES)),
    // docs/decisions has measurements of what each index saves, and what it adds to a write.
    // The endpoint is last in the indexes of pages, so that a page can end between two rows of one message.
    // For the messages of a subject, and their pages.
    index('relay_index_subject').on(table.subject, table.id, table.endpointHash),
    // For the messages of an endpoint, and their pages.
    index('relay_index_endpoint').on(table.endpointHash, table.id),
    // For the count and the pages of an endpoint's pending messages. It holds only pending messages.
    index('relay_index_endpoint_pending').on(table.endpointHash, table.id).where(sql.raw("status = 'pending'")),
    // For the number of messages of a sender since an instant, which is read on every publish.
    index('relay_index_sender_created').on(table.sender, table.createdAt),
    // For the pages of a sender's messages.
    index('relay_index_sender').on(table.sender, table.id, table.endpointHash),
    // For the pages of messages with a status.
    index('relay_index_status').on(table.status, table.id, table.endpointHash),
    // For expired messages. It holds only messages that can expire.
    index('relay_index_expires').on(table.expiresAt).where(sql.raw('expires_at IS NOT NULL')),
  ],
);

/**
 * The number of rows of `relay_index` by subject and status. Triggers on `relay_index` (0005_relay_endpoint_rows.sql)
 * update it in the transaction of each write, so that metrics need not read the messages.
 */
export const relayCounts = sqliteTable('relay_counts', {
  subject: text('subject').primaryKey(),
  pending: integer('pending').notNull().default(0),
  delivered: integer('delivered').notNull().default(0),
  failed: integer('failed').notNull().default(0),
});

/**
 * The exact milliseconds from `sent_at` to `delivered_at`, computed from their stored form; NULL if nothing was delivered.
 * The index relay_traces_metrics has the same expression, word for word.
 */
export const DELIVERY_LATENCY_MS =
  '(unixepoch(delivered_at) - unixepoch(sent_at)) * 1000 + substr(delivered_at, 21, 3) - substr(sent_at, 21, 3)';

/** The endpoint of a span, or its subject if it has no endpoint. */
export const SPAN_ENDPOINT = 'coalesce(to_endpoint, subject)';

/** Spans: the outcome of each message, one span per message, and events of the adapters. */
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
    /** Metrics count only deliveries. */
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
    // For the spans of a trace in the order they were sent.
    index('relay_traces_trace').on(table.traceId, table.sentAt),
    // For dead letters, newest first. It holds only dead letters.
    index('relay_traces_dead_lettered').on(table.status, table.sentAt).where(sql.raw("status = 'dead_lettered'")),
    // The index relay_traces_metrics is in 0007_relay_span_kinds.sql, because drizzle-kit splits an expression at its
    // commas. Metrics read it instead of the table, and it finds spans older than an instant.
  ],
);

/** A row of `relay_index`. */
export type RelayIndexRow = typeof relayIndex.$inferSelect;
/** A row of `relay_traces`. */
export type RelayTraceRow = typeof relayTraces.$inferSelect;
