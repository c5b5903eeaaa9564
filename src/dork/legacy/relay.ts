import { MESSAGE_STATUSES, SPAN_STATUSES } from '../relay/schema.ts';
import {
  expiry,
  type Older,
  optionalInstant,
  optionalInteger,
  optionalText,
  requiredInstant,
  requiredText,
  sameWords,
  type TableRule,
  word,
} from './table-rule.ts';

/** The tables of relay/index.db. `sender` came with version 2. */
export const MESSAGES = {
  table: 'messages',
  key: ['id'],
  columns: ['id', 'subject', 'endpoint_hash', 'status', 'created_at', 'ttl'],
  laterColumns: ['sender'],
};
export const MESSAGE_TRACES = {
  table: 'message_traces',
  key: ['message_id'],
  columns: [
    'message_id',
    'trace_id',
    'span_id',
    'parent_span_id',
    'subject',
    'from_endpoint',
    'to_endpoint',
    'status',
    'budget_hops_used',
    'budget_ttl_remaining_ms',
    'sent_at',
    'delivered_at',
    'processed_at',
    'error',
  ],
  laterColumns: [],
};

/** The older words are the names of the Maildir folders. */
export const MESSAGE_WORDS = { new: 'pending', cur: 'delivered', ...sameWords(MESSAGE_STATUSES) };
export const SPAN_WORDS = { pending: 'sent', ...sameWords(SPAN_STATUSES) };

/** `messages` of relay/index.db as relay_index. */
export function messageRule(older: Older): TableRule {
  return {
    kind: 'message',
    from: MESSAGES.table,
    to: 'relay_index',
    key: ['id', 'id'],
    columns: [
      requiredText('id', older('id')),
      requiredText('subject', older('subject')),
      optionalText('sender', older('sender')),
      requiredText('endpoint_hash', older('endpoint_hash')),
      word('status', older('status'), MESSAGE_WORDS),
      expiry('expires_at', older('ttl'), 'ttl'),
      requiredInstant('created_at', older('created_at')),
    ],
    newColumns: ['payload', 'metadata'],
    openStatuses: ['pending', 'delivered'],
  };
}

/** `message_traces` of relay/index.db as relay_traces. */
export function spanRule(older: Older): TableRule {
  return {
    kind: 'span',
    from: MESSAGE_TRACES.table,
    to: 'relay_traces',
    key: ['message_id', 'message_id'],
    needsId: true,
    columns: [
      requiredText('message_id', older('message_id')),
      requiredText('trace_id', older('trace_id')),
      optionalText('span_id', older('span_id')),
      optionalText('parent_span_id', older('parent_span_id')),
      requiredText('subject', older('subject')),
      optionalText('from_endpoint', older('from_endpoint')),
      optionalText('to_endpoint', older('to_endpoint')),
      word('status', older('status'), SPAN_WORDS),
      optionalInteger('budget_hops_used', older('budget_hops_used')),
      optionalInteger('budget_ttl_remaining_ms', older('budget_ttl_remaining_ms')),
      requiredInstant('sent_at', older('sent_at')),
      optionalInstant('delivered_at', older('delivered_at')),
      optionalInstant('processed_at', older('processed_at')),
      optionalText('error_message', older('error'), 'error'),
    ],
    newColumns: ['metadata'],
    openStatuses: ['sent', 'delivered'],
  };
}
