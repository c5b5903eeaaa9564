import { gte, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../../engine/connection/db.ts';
import { type StoreStatement, statementsOf } from '../../stores/statements.ts';
import { DELIVERY_LATENCY_MS, relayTraces, SPAN_ENDPOINT } from './schema.ts';

/** Metrics of the messages of a time window. Spans of the kind `lifecycle` are not counted. */
export interface TraceMetrics {
  /** Messages of any status, including `no_subscriber`. */
  totalMessages: number;
  /** `delivered` and `processed`. */
  deliveredCount: number;
  failedCount: number;
  /** `dead_lettered` and `timeout`. */
  deadLetteredCount: number;
  /**
   * Mean milliseconds from `sentAt` to `deliveredAt` of every span that has a `deliveredAt`, whatever its status. Null if
   * no span has one.
   */
  avgDeliveryLatencyMs: number | null;
  /** The value at position floor(n × 0.5) of the ascending latencies, counted from 0. */
  p50DeliveryLatencyMs: number | null;
  p95DeliveryLatencyMs: number | null;
  p99DeliveryLatencyMs: number | null;
  /** Number of endpoints that messages went to. A span without an endpoint counts by its subject. */
  activeEndpoints: number;
  /** Always 0. Kept for callers that read it. */
  budgetRejections: { hopLimit: number; ttlExpired: number; cycleDetected: number; budgetExhausted: number };
}

export type MeasuredMetrics = Omit<TraceMetrics, 'budgetRejections'>;

const statement = statementsOf('relay');

/** Selects a percentile. Its position is computed with integers, to be exact: in floating point, 100 × 0.95 may not be 95. */
const percentile = (percent: number) =>
  sql`(select ms from latencies limit 1 offset (select latencyCount * ${sql.raw(String(percent))} / 100 from totals))`;

/** Prepares one statement for all metrics of a window, so that all are read from one state of the file. */
export function metricsStatement(db: StoreDb): StoreStatement<MeasuredMetrics> {
  return statement<MeasuredMetrics>(db, () => metricsQuery(db), 'since');
}

function metricsQuery(db: StoreDb) {
  const isInWindow = sql`${gte(relayTraces.sentAt, sql.placeholder('since'))} and ${relayTraces.kind} = 'delivery'`;
  const latency = sql.raw(`(${DELIVERY_LATENCY_MS})`);
  const countOf = (...statuses: (typeof relayTraces.$inferSelect.status)[]) =>
    sql`count(*) filter (where ${relayTraces.status} in (${sql.raw(statuses.map((status) => `'${status}'`).join(', '))}))`;

  const totals = sql`
    select count(*) as totalMessages,
      ${countOf('delivered', 'processed')} as deliveredCount,
      ${countOf('failed')} as failedCount,
      ${countOf('dead_lettered', 'timeout')} as deadLetteredCount,
      count(${latency}) as latencyCount,
      avg(${latency}) as avgDeliveryLatencyMs,
      count(distinct ${sql.raw(SPAN_ENDPOINT)}) as activeEndpoints
    from ${relayTraces} where ${isInWindow}`;

  /** Filters by the latency, not by `delivered_at`: the index has only the latency. */
  const latencies = sql`
    select ${latency} as ms from ${relayTraces} where ${isInWindow} and ${latency} is not null order by ms`;

  return db
    .select({
      totalMessages: sql`totalMessages`,
      deliveredCount: sql`deliveredCount`,
      failedCount: sql`failedCount`,
      deadLetteredCount: sql`deadLetteredCount`,
      avgDeliveryLatencyMs: sql`avgDeliveryLatencyMs`,
      p50DeliveryLatencyMs: sql`p50DeliveryLatencyMs`,
      p95DeliveryLatencyMs: sql`p95DeliveryLatencyMs`,
      p99DeliveryLatencyMs: sql`p99DeliveryLatencyMs`,
      activeEndpoints: sql`activeEndpoints`,
    })
    .from(sql`(
      with latencies as materialized (${latencies}), totals as materialized (${totals})
      select *,
        ${percentile(50)} as p50DeliveryLatencyMs,
        ${percentile(95)} as p95DeliveryLatencyMs,
        ${percentile(99)} as p99DeliveryLatencyMs
      from totals)`);
}
