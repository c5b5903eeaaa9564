import { type AnyDb, connectionOf } from '../../engine/connection/db.ts';

/** The calls that an agent made in the last hour. */
export interface CallFigures {
  readonly agentId: string;
  /** Calls in the window that its budget is for: this minute and the 60 before it. */
  readonly count: number;
  /** Its calls by minute, oldest first; minutes without one are left out. */
  readonly minutes: readonly { readonly at: string; readonly count: number }[];
}

const WINDOW_MINUTES = 60;
const MINUTE_MS = 60_000;
const MOST_BUCKETS = 30_000;

/**
 * Returns the calls of the last hour of each agent that made one, the busiest first, from an index.
 *
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const busiest = callFigures(db)[0]?.agentId;
 * ```
 */
export function callFigures(db: AnyDb): CallFigures[] {
  const first = Math.floor(Date.now() / MINUTE_MS) - WINDOW_MINUTES;
  const rows = connectionOf(db)
    .prepare<{ agentId: string; minute: number; count: number }>(
      `SELECT agent_id AS agentId, bucket_minute AS minute, count
       FROM rate_limit_buckets INDEXED BY rate_limit_buckets_minute
       WHERE bucket_minute >= ? ORDER BY bucket_minute LIMIT ${MOST_BUCKETS}`,
    )
    .all(first);
  return [...Map.groupBy(rows, ({ agentId }) => agentId)]
    .map(([agentId, found]) => ({
      agentId,
      count: found.reduce((sum, { count }) => sum + Number(count), 0),
      minutes: found.map(({ minute, count }) => ({ at: new Date(minute * MINUTE_MS).toISOString(), count })),
    }))
    .sort((a, b) => b.count - a.count);
}
