import { type AnyDb, connectionOf } from '../../engine/connection/db.ts';
import { DELIVERY_LATENCY_MS, SPAN_STATUSES } from '../relay/schema.ts';
import type { TraceSpanStatus } from '../relay/span.ts';
import { type FigureOptions, firstHour, hoursFrom, MOST_ROWS } from './hours.ts';

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

/** The messages of an hour by status, with the latencies of the delivered ones: `12,7,310`. */
type Group = readonly [status: TraceSpanStatus, spans: number, latencies: string | null];

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
  const hours = hoursFrom(firstHour(options));
  // An hour at a time: sorting a week's rows, or handing each of them out, costs twice as much.
  const ofHour = connectionOf(db).prepare(
    `SELECT status, count(*), group_concat(ms) FROM (
       SELECT status, ${DELIVERY_LATENCY_MS} AS ms FROM relay_traces INDEXED BY relay_traces_metrics
       WHERE sent_at >= ? AND sent_at < ? AND kind = 'delivery' ORDER BY sent_at DESC LIMIT ?
     ) GROUP BY status`,
  );
  const figures: TraceHour[] = [];
  let left = MOST_ROWS;
  for (const [i, at] of [...hours.entries()].reverse()) {
    const groups = ofHour.values(at, hours[i + 1] ?? AFTER_ALL, left) as unknown as Group[];
    left -= groups.reduce((sum, [, spans]) => sum + spans, 0);
    figures.push(hourFrom(at, groups));
  }
  return { hours: figures.reverse(), isCut: left === 0 };
}

/** Sorts after every instant. */
const AFTER_ALL = ':';

function hourFrom(at: string, groups: readonly Group[]): TraceHour {
  const counts = Object.fromEntries(SPAN_STATUSES.map((status) => [status, 0])) as Record<TraceSpanStatus, number>;
  for (const [status, spans] of groups) counts[status] += spans;
  const latencies = groups.flatMap(([, , text]) => text?.split(',').map(Number) ?? []).sort((a, b) => a - b);
  const percentile = (percent: number) => latencies[Math.floor((latencies.length * percent) / 100)] ?? null;
  return { at, counts, p50Ms: percentile(50), p95Ms: percentile(95), p99Ms: percentile(99) };
}
