import { type AnyDb, connectionOf } from '../../engine/connection/db.ts';

/** How many messages wait at an endpoint. */
export interface WaitingMessages {
  readonly endpointHash: string;
  /** Messages with the status `pending`. */
  readonly count: number;
}

/** Waiting messages that are looked at; more of them make the counts at least so many. */
const MOST_WAITING = 100_000;
const MOST_ENDPOINTS = 50;

/**
 * Returns the endpoints with waiting messages, the one with the most first: the first 50 endpoints of up to 100,000 waiting messages,
 * from an index alone.
 *
 * @throws ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const [longest] = waitingMessages(db);
 * ```
 */
export function waitingMessages(db: AnyDb): WaitingMessages[] {
  return connectionOf(db)
    .prepare<WaitingMessages>(
      `SELECT endpoint_hash AS endpointHash, count(*) AS count FROM (
         SELECT endpoint_hash FROM relay_index INDEXED BY relay_index_endpoint_pending
         WHERE status = 'pending' LIMIT ${MOST_WAITING}
       ) GROUP BY endpoint_hash ORDER BY count DESC, endpoint_hash LIMIT ${MOST_ENDPOINTS}`,
    )
    .all();
}
