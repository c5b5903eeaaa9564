import { type AnyDb, connectionOf } from '../../engine/connection/db.ts';
import { DELIVERY_LATENCY_MS, SPAN_STATUSES } from '../relay/schema.ts';
import type { TraceSpanStatus } from '../relay/span.ts';
import { type FigureOptions, firstHour, hourOf, hoursFrom, instantOfHour, MOST_ROWS } from './hours.ts';

/** The messages that were sent in one hour. */
export interface TraceHour {
  /** The beginning of the hour, ISO 8601 in UTC. */
  readonly at: string;
  /** How many were sent in it, by the status of their span now. */
  readonly counts: Readonly<Record<TraceSpanStatus, number>>;
  /** Milliseconds from sent to delivered: the value at position floor(n × p) of the ascending ones; null of none. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
}

/** The flow and the latency of messages over some hours. */
export interface TraceFigures {
  /** Every hour from the first to this one. */
  readonly hours: readonly TraceHour[];
  /** True if there were more than 30,000 spans: the oldest are not in it. */
  readonly isCut: boolean;
}

interface Group {
  readonly hour: string;
  readonly status: TraceSpanStatus;
  readonly ms: number | null;
  readonly spans: number;
}

/**
 * Returns how many messages were sent in each of the last hours, what became of them and how long they took, from an
 * index alone.
 *
 * @throws InvalidInputError if `hours` is not an integer from 1 to 168.
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * for (const { at, p95Ms } of traceFigures(db, { hours: 6 }).hours) console.log(at, p95Ms);
 * ```
 */
export function traceFigures(db: AnyDb, options: FigureOptions = {}): TraceFigures {
  const first = firstHour(options);
  const groups = connectionOf(db)
    .prepare<Group>(
      `SELECT ${hourOf('sent_at')} AS hour, status, ms, count(*) AS spans FROM (
         SELECT sent_at, status, ${DELIVERY_LATENCY_MS} AS ms FROM relay_traces INDEXED BY relay_traces_metrics
         WHERE sent_at >= ? AND kind = 'delivery' ORDER BY sent_at DESC LIMIT ${MOST_ROWS}
       ) GROUP BY hour, status, ms`,
    )
    .all(first);
  const byHour = Map.groupBy(groups, ({ hour }) => instantOfHour(hour));
  return {
    hours: hoursFrom(first).map((at) => hourFrom(at, byHour.get(at) ?? [])),
    isCut: groups.reduce((sum, { spans }) => sum + spans, 0) === MOST_ROWS,
  };
}

function hourFrom(at: string, groups: readonly Group[]): TraceHour {
  const counts = Object.fromEntries(SPAN_STATUSES.map((status) => [status, 0])) as Record<TraceSpanStatus, number>;
  for (const { status, spans } of groups) counts[status] += spans;
  const latencies = groups
    .filter((group): group is Group & { ms: number } => group.ms !== null)
    .sort((a, b) => a.ms - b.ms);
  const total = latencies.reduce((sum, { spans }) => sum + spans, 0);
  const percentile = (percent: number): number | null => {
    let left = Math.floor((total * percent) / 100);
    for (const { ms, spans } of latencies) {
      if (left < spans) return ms;
      left -= spans;
    }
    return null;
  };
  return { at, counts, p50Ms: percentile(50), p95Ms: percentile(95), p99Ms: percentile(99) };
}
