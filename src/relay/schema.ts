import { sql } from 'drizzle-orm/sql';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { isJson, oneOf } from '../core/columns.ts';

export const MESSAGE_STATUSES = ['pending', 'delivered', 'failed'] as const;
export const SPAN_STATUSES = ['sent', 'delivered', 'processed', 'failed', 'timeout', 'dead_lettered'] as const;

/** An index over the Maildir files: derived, rebuildable. */
export const relayIndex = sqliteTable(
  'relay_index',
  {
    id: text('id').primaryKey(),
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
    check('relay_index_status', oneOf('status', MESSAGE_STATUSES)),
    index('relay_index_endpoint').on(table.endpointHash, table.id),
    index('relay_index_subject').on(table.subject, table.id),
    index('relay_index_sender').on(table.sender, table.createdAt),
    index('relay_index_expires').on(table.expiresAt).where(sql.raw('expires_at IS NOT NULL')),
  ],
);

/** What became of a message, one span each. */
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
    check('relay_traces_metadata', isJson('metadata')),
    index('relay_traces_trace').on(table.traceId, table.sentAt),
    index('relay_traces_sent').on(table.sentAt),
  ],
);

export type RelayIndexRow = typeof relayIndex.$inferSelect;
export type RelayTraceRow = typeof relayTraces.$inferSelect;
