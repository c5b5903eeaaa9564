import { addressOf, type Block, type Timeline } from '../../engine/console/blocks.ts';
import type { Look, View } from '../../engine/console/view.ts';
import type { Db } from '../db.ts';
import { traceFigures } from '../figures/trace-figures.ts';
import { type TraceSpan, TraceStore } from '../relay/index.ts';
import { EVERY_MS, hoursOf, longText, spanLinks, status } from './common.ts';

const LISTED = 20;
const MOST_SPANS = 300;

/** The traces: delivery times, dead letters and timeouts, and one trace as a waterfall of its spans. */
export const tracesView: View = {
  name: 'traces',
  title: 'Traces',
  everyMs: EVERY_MS,
  read: (look) => (look.params.trace === undefined ? allTraces(look) : oneTrace(look, look.params.trace)),
};

type SpanRow = Pick<TraceSpan, 'messageId' | 'traceId' | 'subject' | 'status' | 'sentAt' | 'errorMessage'>;

const COLUMNS = `message_id AS messageId, trace_id AS traceId, subject, status, sent_at AS sentAt, error_message AS errorMessage`;

function allTraces(look: Look): Block[] {
  const { hours, isCut } = traceFigures(look.db, { hours: hoursOf(look) });
  const spans = (where: string, index: string) =>
    look.db.$client
      .prepare<SpanRow>(
        `SELECT ${COLUMNS} FROM relay_traces INDEXED BY ${index} ${where} ORDER BY sent_at DESC LIMIT ${LISTED}`,
      )
      .all();
  return [
    spanLinks('traces', look),
    {
      kind: 'chart',
      title: 'From sent to delivered',
      unit: 'duration',
      series: (['p50Ms', 'p95Ms', 'p99Ms'] as const).map((name) => ({
        name: name.slice(0, 3),
        points: hours.map((hour) => [Date.parse(hour.at), hour[name]]),
      })),
      note: isCut ? 'Only the newest 30,000 spans are counted.' : 'By the hour in which a message was sent.',
    },
    {
      kind: 'chart',
      title: 'Given up by hour',
      unit: 'count',
      style: 'bars',
      series: (['dead_lettered', 'timeout', 'failed'] as const).map((name) => ({
        name,
        points: hours.map(({ at, counts }) => [Date.parse(at), counts[name]]),
      })),
    },
    spanTable('Dead letters', spans("WHERE status = 'dead_lettered'", 'relay_traces_dead_lettered'), 'None.'),
    spanTable('Newest', spans('', 'relay_traces_metrics'), 'There are no spans.'),
  ];
}

function spanTable(title: string, spans: readonly SpanRow[], empty: string): Block {
  return {
    kind: 'table',
    title,
    columns: [
      { name: 'trace', unit: 'code' },
      { name: 'status' },
      { name: 'subject' },
      { name: 'sent', unit: 'time' },
      { name: 'error' },
    ],
    rows: spans.map((span) => [
      { value: span.traceId, to: addressOf('traces', { trace: span.traceId }) },
      status(span.status),
      span.subject,
      span.sentAt,
      span.errorMessage?.slice(0, 200) ?? null,
    ]),
    empty,
  };
}

function oneTrace({ db }: Look, id: string): Block[] {
  const back: Block = { kind: 'links', title: 'Traces', links: [{ text: 'all traces', to: 'traces' }] };
  const all = new TraceStore(db as Db).getTrace(id);
  if (all.length === 0) return [back, { kind: 'verdict', tone: 'warning', text: 'There is no such trace.' }];
  const spans = inOrder(all.slice(0, MOST_SPANS));
  const errors = spans.flatMap(({ span }) => (span.errorMessage ? [`${span.subject}: ${span.errorMessage}`] : []));
  return [
    back,
    {
      kind: 'facts',
      facts: [
        { name: 'Trace', value: id, unit: 'code' },
        { name: 'Spans', value: all.length, unit: 'count' },
        { name: 'Began', value: spans[0]?.span.sentAt ?? null, unit: 'time' },
      ],
    },
    waterfall(spans),
    {
      kind: 'table',
      title: 'Spans',
      columns: [
        { name: 'message', unit: 'code' },
        { name: 'status' },
        { name: 'subject' },
        { name: 'from' },
        { name: 'to' },
        { name: 'hops used', unit: 'count' },
        { name: 'time left', unit: 'duration' },
      ],
      rows: spans.map(({ span }) => [
        { value: span.messageId, to: addressOf('messages', { message: span.messageId }) },
        status(span.status),
        span.subject,
        span.fromEndpoint,
        span.toEndpoint,
        span.budgetHopsUsed,
        span.budgetTtlRemainingMs,
      ]),
    },
    ...longText('Errors', errors.join('\n') || null),
  ];
}

interface Placed {
  readonly span: TraceSpan;
  readonly depth: number;
}

/** Orders spans so that each follows its parent. A span whose parent is missing is a root. */
function inOrder(spans: readonly TraceSpan[]): Placed[] {
  const ids = new Set(spans.flatMap(({ spanId }) => spanId ?? []));
  const parentOf = ({ parentSpanId, spanId }: TraceSpan) =>
    parentSpanId !== null && parentSpanId !== spanId && ids.has(parentSpanId) ? parentSpanId : null;
  const children = Map.groupBy(spans, parentOf);
  const placed = new Map<TraceSpan, Placed>();
  const place = (span: TraceSpan, depth: number): void => {
    if (placed.has(span)) return;
    placed.set(span, { span, depth });
    if (span.spanId !== null) for (const child of children.get(span.spanId) ?? []) place(child, depth + 1);
  };
  for (const root of children.get(null) ?? []) place(root, 0);
  // Adds the spans that name each other as parents: they have no root.
  for (const span of spans) place(span, 0);
  return [...placed.values()];
}

function waterfall(spans: readonly Placed[]): Timeline {
  const endOf = ({ sentAt, deliveredAt, processedAt }: TraceSpan) => Date.parse(processedAt ?? deliveredAt ?? sentAt);
  const from = Math.min(...spans.map(({ span }) => Date.parse(span.sentAt)));
  return {
    kind: 'timeline',
    title: 'Waterfall',
    from,
    to: Math.max(from + 1, ...spans.map(({ span }) => endOf(span))),
    lanes: spans.map(({ span, depth }) => {
      const link = addressOf('messages', { message: span.messageId });
      const sent = Date.parse(span.sentAt);
      const delivered = span.deliveredAt === null ? sent : Date.parse(span.deliveredAt);
      return {
        name: span.subject,
        depth,
        link,
        items: [
          { from: sent, to: delivered, tone: 'info', text: 'until delivered' },
          { from: delivered, to: endOf(span), tone: status(span.status).tone, text: span.status },
        ],
      };
    }),
    note: 'Blue until the message was delivered, then until it was processed.',
  };
}
