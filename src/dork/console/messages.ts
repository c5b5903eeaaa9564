import { addressOf, type Block } from '../../engine/console/blocks.ts';
import type { Look, View } from '../../engine/console/view.ts';
import type { Db } from '../db.ts';
import { traceFigures } from '../figures/trace-figures.ts';
import { waitingMessages } from '../figures/waiting-messages.ts';
import { SqliteIndex, TraceStore } from '../relay/index.ts';
import { SPAN_STATUSES } from '../relay/schema.ts';
import { EVERY_MS, hourBars, hoursOf, longText, spanLinks, status } from './common.ts';

const LISTED = 20;

/** The messages: pending messages by endpoint, messages over time, failed messages, and all of one message. */
export const messagesView: View = {
  name: 'messages',
  title: 'Messages',
  everyMs: EVERY_MS,
  read: (look) => (look.params.message === undefined ? allMessages(look) : oneMessage(look, look.params.message)),
};

function allMessages(look: Look): Block[] {
  const index = new SqliteIndex(look.db as Db);
  const { hours, isCut } = traceFigures(look.db, { hours: hoursOf(look) });
  const waiting = waitingMessages(look.db);
  const subjects = subjectsOf(look);
  const sum = (name: 'pending' | 'delivered' | 'failed') => subjects.reduce((all, subject) => all + subject[name], 0);
  const { messages: failed } = index.queryMessages({ status: 'failed', limit: LISTED });
  return [
    spanLinks('messages', look),
    {
      kind: 'facts',
      facts: [
        { name: 'Waiting', value: sum('pending'), unit: 'count' },
        { name: 'Delivered', value: sum('delivered'), unit: 'count' },
        { name: 'Failed', value: { value: sum('failed'), ...(sum('failed') > 0 && { tone: 'error' }) }, unit: 'count' },
      ],
    },
    hourBars(
      'Messages by hour',
      SPAN_STATUSES,
      hours,
      isCut ? 'Only the newest 30,000 are counted.' : 'By the hour in which they were sent, and by status.',
    ),
    {
      kind: 'table',
      title: 'Waiting messages by endpoint',
      columns: [
        { name: 'endpoint', unit: 'code' },
        { name: 'waiting', unit: 'count' },
      ],
      rows: waiting.slice(0, LISTED).map(({ endpointHash, count }) => [
        {
          value: endpointHash,
          to: addressOf('file', { table: 'relay_index', column: 'endpoint_hash', value: endpointHash }),
        },
        count,
      ]),
      empty: 'Nothing waits.',
    },
    {
      kind: 'table',
      title: 'Failed last',
      columns: [
        { name: 'message', unit: 'code' },
        { name: 'subject' },
        { name: 'from' },
        { name: 'created', unit: 'time' },
      ],
      rows: failed.map((message) => [
        { value: message.id, to: addressOf('messages', { message: message.id }) },
        message.subject,
        message.sender ?? null,
        message.createdAt,
      ]),
      empty: 'None failed.',
    },
    {
      kind: 'table',
      title: 'Subjects',
      columns: [
        { name: 'subject' },
        { name: 'waiting', unit: 'count' },
        { name: 'delivered', unit: 'count' },
        { name: 'failed', unit: 'count' },
      ],
      rows: subjects
        .toSorted((a, b) => b.pending - a.pending || b.failed - a.failed)
        .slice(0, LISTED)
        .map(({ subject, pending, delivered, failed: lost }) => [
          { value: subject, to: addressOf('file', { table: 'relay_index', column: 'subject', value: subject }) },
          pending,
          delivered,
          lost,
        ]),
      empty: 'No messages.',
      note: subjects.length > LISTED ? `${LISTED} of ${subjects.length}, those with the most waiting.` : undefined,
    },
  ];
}

interface Subject {
  readonly subject: string;
  readonly pending: number;
  readonly delivered: number;
  readonly failed: number;
}

/** Reads the counters that triggers maintain, not the messages. */
function subjectsOf({ db }: Look): Subject[] {
  return db.$client.prepare<Subject>('SELECT subject, pending, delivered, failed FROM relay_counts LIMIT 20000').all();
}

function oneMessage({ db }: Look, id: string): Block[] {
  const back: Block = { kind: 'links', title: 'Messages', links: [{ text: 'all messages', to: 'messages' }] };
  const message = new SqliteIndex(db as Db).getMessage(id);
  const span = new TraceStore(db as Db).getSpanByMessageId(id);
  if (!message && !span) return [back, { kind: 'verdict', tone: 'warning', text: 'There is no such message.' }];
  return [
    back,
    {
      kind: 'facts',
      facts: [
        { name: 'Message', value: id, unit: 'code' },
        { name: 'Status', value: message ? status(message.status) : null },
        { name: 'Subject', value: message?.subject ?? span?.subject ?? null },
        { name: 'From', value: message?.sender ?? span?.fromEndpoint ?? null },
        { name: 'Endpoint', value: message?.endpointHash ?? span?.toEndpoint ?? null, unit: 'code' },
        { name: 'Created', value: message?.createdAt ?? span?.sentAt ?? null, unit: 'time' },
        { name: 'Expires', value: message?.expiresAt ?? null, unit: 'time' },
        {
          name: 'Trace',
          value: span ? { value: span.traceId, to: addressOf('traces', { trace: span.traceId }) } : null,
          unit: 'code',
        },
      ],
    },
    ...longText('Error', span?.errorMessage ?? null),
    ...longText('Payload', textOf(message && 'payload' in message ? message.payload : null)),
    ...longText('Metadata', textOf(message && 'metadata' in message ? message.metadata : null)),
  ];
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2);
}
