import { MESSAGE_STATUSES, SPAN_STATUSES } from '../relay/schema.ts';
import {
  constant,
  expiry,
  optionalInstant,
  optionalInteger,
  optionalText,
  requiredInstant,
  requiredText,
  sameWords,
  type TableRule,
  word,
} from './table-rule.ts';

/** The tables of relay/index.db. Version 2 added `sender`. */
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
export const MESSAGE_RULE: TableRule = {
  kind: 'message',
  origin: 'older',
  from: MESSAGES.table,
  to: 'relay_index',
  key: 'id',
  within: 'endpoint_hash',
  isAlone: true,
  columns: [
    requiredText('id'),
    requiredText('subject'),
    optionalText('sender'),
    requiredText('endpoint_hash'),
    word('status', MESSAGE_WORDS),
    expiry('expires_at', 'ttl'),
    requiredInstant('created_at'),
  ],
  newColumns: ['payload', 'metadata'],
};

/** `message_traces` of relay/index.db as relay_traces. */
export const SPAN_RULE: TableRule = {
  kind: 'span',
  origin: 'older',
  from: MESSAGE_TRACES.table,
  to: 'relay_traces',
  key: 'message_id',
  needsId: true,
  columns: [
    requiredText('message_id'),
    requiredText('trace_id'),
    optionalText('span_id'),
    optionalText('parent_span_id'),
    requiredText('subject'),
    optionalText('from_endpoint'),
    optionalText('to_endpoint'),
    word('status', SPAN_WORDS),
    constant('kind', 'delivery'),
    optionalInteger('budget_hops_used'),
    optionalInteger('budget_ttl_remaining_ms'),
    requiredInstant('sent_at'),
    optionalInstant('delivered_at'),
    optionalInstant('processed_at'),
    optionalText('error_message', 'error'),
  ],
  newColumns: ['metadata'],
};
