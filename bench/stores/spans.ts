import { asc, eq } from 'drizzle-orm';
import { DELIVERY_LATENCY_MS, type RelayTraceRow, relayTraces, SPAN_ENDPOINT } from '../../src/dork/relay/schema.ts';
import { bareId } from '../harness/bare.ts';
import type { Operation } from '../harness/compare.ts';
import type { Arms } from './arms.ts';
import { changesOf } from './builder.ts';
import { endpointOf, instantOf, SPANS_OF_A_TRACE, subjectOf } from './fill.ts';

const COLUMNS = `id, message_id AS messageId, trace_id AS traceId, span_id AS spanId, parent_span_id AS parentSpanId,
  subject, from_endpoint AS fromEndpoint, to_endpoint AS toEndpoint, status, budget_hops_used AS budgetHopsUsed,
  budget_ttl_remaining_ms AS budgetTtlRemainingMs, sent_at AS sentAt, delivered_at AS deliveredAt,
  processed_at AS processedAt, error_message AS errorMessage, metadata, kind`;

const newSpan = (i: number) => ({
  messageId: `new-message-${i}`,
  traceId: `new-trace-${Math.floor(i / 3)}`,
  spanId: `new-span-${i}`,
  subject: subjectOf(i),
  fromEndpoint: endpointOf(i),
  toEndpoint: endpointOf(i + 1),
  status: 'sent' as const,
  budgetHopsUsed: 1,
  budgetTtlRemainingMs: 60_000,
  sentAt: instantOf(i),
});

const WINDOW_ROWS = "WHERE sent_at >= ? AND kind = 'delivery'";

/** Spans of the window that metrics are asked of, at any size of the table. */
export const WINDOW = 5000;

interface Counts {
  readonly total: number;
  readonly delivered: number;
  readonly failed: number;
  readonly dead: number;
  readonly average: number | null;
  readonly endpoints: number;
  readonly latencies: number;
}

/** The operations of TraceStore. */
export function spanOperations({ pkg, db, bare, builder, rows }: Arms): Operation[] {
  const traces = new pkg.TraceStore(db);
  const message = (i: number) => `message-${(i * 7919) % rows}`;
  const trace = (i: number) => `trace-${(i * 7919) % Math.max(1, Math.floor(rows / SPANS_OF_A_TRACE))}`;
  const since = instantOf(Math.max(0, rows - WINDOW));

  const byMessage = bare.prepare(`SELECT ${COLUMNS} FROM relay_traces WHERE message_id = ?`);
  const ofTrace = bare.prepare(`SELECT ${COLUMNS} FROM relay_traces WHERE trace_id = ? ORDER BY sent_at, rowid`);
  const insert = bare.prepare(
    `INSERT INTO relay_traces (id, message_id, trace_id, span_id, parent_span_id, subject, from_endpoint, to_endpoint,
       status, budget_hops_used, budget_ttl_remaining_ms, sent_at, delivered_at, processed_at, error_message, metadata)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (message_id) DO UPDATE SET trace_id = excluded.trace_id, span_id = excluded.span_id,
       parent_span_id = excluded.parent_span_id, subject = excluded.subject, from_endpoint = excluded.from_endpoint,
       to_endpoint = excluded.to_endpoint, status = excluded.status, budget_hops_used = excluded.budget_hops_used,
       budget_ttl_remaining_ms = excluded.budget_ttl_remaining_ms, sent_at = excluded.sent_at,
       delivered_at = excluded.delivered_at, processed_at = excluded.processed_at,
       error_message = excluded.error_message, metadata = excluded.metadata`,
  );
  const update = bare.prepare('UPDATE relay_traces SET status = ?, delivered_at = ? WHERE message_id = ?');
  const counted = (where: string) =>
    bare.prepare(`SELECT count(*) AS total, count(*) FILTER (WHERE status IN ('delivered', 'processed')) AS delivered,
        count(*) FILTER (WHERE status = 'failed') AS failed,
        count(*) FILTER (WHERE status IN ('dead_lettered', 'timeout')) AS dead,
        avg(${DELIVERY_LATENCY_MS}) AS average, count(DISTINCT ${SPAN_ENDPOINT}) AS endpoints,
        count(${DELIVERY_LATENCY_MS}) AS latencies
      FROM relay_traces INDEXED BY relay_traces_metrics ${where}`);
  const sorted = (where: string) =>
    bare.prepare(`SELECT ${DELIVERY_LATENCY_MS} AS latency FROM relay_traces INDEXED BY relay_traces_metrics ${where}
        ORDER BY 1`);
  const window = [counted(WINDOW_ROWS), sorted(`${WINDOW_ROWS} AND delivered_at IS NOT NULL`)] as const;
  const bareMetrics = (from: string) => {
    const counts = window[0].get(from) as Counts;
    const latencies = window[1].all(from) as { latency: number }[];
    const at = (q: number) => latencies[Math.min(Math.floor(latencies.length * q), latencies.length - 1)]?.latency;
    return {
      totalMessages: counts.total,
      deliveredCount: counts.delivered,
      failedCount: counts.failed,
      deadLetteredCount: counts.dead,
      avgDeliveryLatencyMs: counts.average,
      p50DeliveryLatencyMs: at(0.5) ?? null,
      p95DeliveryLatencyMs: at(0.95) ?? null,
      p99DeliveryLatencyMs: at(0.99) ?? null,
      activeEndpoints: counts.endpoints,
      budgetRejections: { hopLimit: 0, ttlExpired: 0, cycleDetected: 0, budgetExhausted: 0 },
    };
  };

  return [
    {
      name: 'getSpanByMessageId',
      kind: 'read',
      arms: {
        ours: (i) => traces.getSpanByMessageId(message(i)),
        bare: (i) => byMessage.get(message(i)),
        builder: (i) =>
          builder
            .select()
            .from(relayTraces)
            .where(eq(relayTraces.messageId, message(i)))
            .get(),
      },
    },
    {
      name: `getTrace of ${SPANS_OF_A_TRACE}`,
      kind: 'read',
      arms: {
        ours: (i) => traces.getTrace(trace(i)),
        bare: (i) => ofTrace.all(trace(i)),
        builder: (i): RelayTraceRow[] =>
          builder
            .select()
            .from(relayTraces)
            .where(eq(relayTraces.traceId, trace(i)))
            .orderBy(asc(relayTraces.sentAt))
            .all(),
      },
    },
    {
      name: `trace getMetrics, window of ${Math.min(rows, WINDOW)}`,
      kind: 'read',
      arms: { ours: () => traces.getMetrics({ since }), bare: () => bareMetrics(since) },
    },
    {
      name: 'insertSpan',
      kind: 'write',
      comparable: () => undefined,
      arms: {
        ours: (i) => traces.insertSpan(newSpan(i)),
        bare: (i) => {
          const s = newSpan(i);
          insert.run(
            bareId(),
            s.messageId,
            s.traceId,
            s.spanId,
            null,
            s.subject,
            s.fromEndpoint,
            s.toEndpoint,
            s.status,
            s.budgetHopsUsed,
            s.budgetTtlRemainingMs,
            s.sentAt,
            null,
            null,
            null,
            null,
          );
        },
        builder: (i) => {
          const span = newSpan(i);
          const { messageId: _, ...set } = span;
          builder
            .insert(relayTraces)
            .values({ id: pkg.newId(), ...span })
            .onConflictDoUpdate({ target: relayTraces.messageId, set })
            .run();
        },
      },
    },
    {
      name: 'updateSpan',
      kind: 'write',
      comparable: () => undefined,
      arms: {
        ours: (i) => traces.updateSpan(message(i), { status: 'delivered', deliveredAt: instantOf(i + rows) }),
        bare: (i) => update.run('delivered', instantOf(i + rows), message(i)).changes > 0,
        builder: (i) =>
          changesOf(
            builder
              .update(relayTraces)
              .set({ status: 'delivered', deliveredAt: instantOf(i + rows) })
              .where(eq(relayTraces.messageId, message(i)))
              .run(),
          ) > 0,
      },
    },
  ];
}
