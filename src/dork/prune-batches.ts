import type { Connection } from '../engine/connection/connection.ts';
import type { Instant } from '../engine/time.ts';
import { KEPT_MINUTES } from './mesh/budget-mapper.ts';

/** The old rows of a table. */
export interface Batches {
  /** How many there are now. */
  total(): number;
  /** Deletes up to the given number of rows in one transaction, oldest first, and returns how many; 0 if none is left. */
  delete(limit: number): number;
}

const MINUTE_MS = 60_000;

/** A schedule, and the newest of its runs that goes. */
interface Turn {
  readonly id: string;
  readonly at: string;
  readonly row: number;
}

/** The runs of each schedule except the newest and those still running. Each schedule is read when it is its turn. */
export function oldRuns(connection: Connection, keep: number): Batches {
  const schedules = connection.prepare<{ id: string }>('SELECT id FROM pulse_schedules').all();
  const newestToGo = connection.prepare<Turn>(
    `SELECT schedule_id AS id, created_at AS at, rowid AS "row" FROM pulse_runs WHERE schedule_id = ?
     ORDER BY created_at DESC, rowid DESC LIMIT 1 OFFSET ?`,
  );
  const remove = connection.prepare(
    `DELETE FROM pulse_runs WHERE rowid IN (
       SELECT rowid FROM pulse_runs WHERE schedule_id = ? AND (created_at, rowid) <= (?, ?) AND +status <> 'running'
       ORDER BY created_at, rowid LIMIT ?)`,
  );
  const nextTurn = (): Turn | undefined => {
    for (let next = schedules.pop(); next; next = schedules.pop()) {
      const turn = newestToGo.get(next.id, keep);
      if (turn) return turn;
    }
    return undefined;
  };
  let turn = nextTurn();
  return {
    total: () =>
      countOf(
        connection,
        `SELECT count(*) AS n FROM (
           SELECT status, row_number() OVER (PARTITION BY schedule_id ORDER BY created_at DESC, rowid DESC) AS nth
           FROM pulse_runs) WHERE nth > ? AND status <> 'running'`,
        keep,
      ),
    delete(limit) {
      for (; turn; turn = nextTurn()) {
        const count = remove.run(turn.id, turn.at, turn.row, limit).changes;
        if (count > 0) return count;
      }
      return 0;
    },
  };
}

export function oldTraces(connection: Connection, before: Instant): Batches {
  return rowsBelow(connection, 'relay_traces', 'id', 'sent_at', before);
}

/** Messages without an expiry are kept. */
export function expiredMessages(connection: Connection, at: Instant): Batches {
  return rowsBelow(connection, 'relay_index', 'rowid', 'expires_at', at);
}

export function oldBuckets(connection: Connection, nowMs: number): Batches {
  const oldest = Math.floor(nowMs / MINUTE_MS) - KEPT_MINUTES;
  return rowsBelow(connection, 'rate_limit_buckets', 'agent_id, bucket_minute', 'bucket_minute', oldest);
}

/** The rows of a table whose indexed column is below a value. The keys identify a row. */
function rowsBelow(
  connection: Connection,
  table: string,
  keys: string,
  column: string,
  than: string | number,
): Batches {
  const where = `FROM ${table} WHERE ${column} < ?`;
  const remove = connection.prepare(
    `DELETE FROM ${table} WHERE (${keys}) IN (SELECT ${keys} ${where} ORDER BY ${column} LIMIT ?)`,
  );
  return {
    total: () => countOf(connection, `SELECT count(*) AS n ${where}`, than),
    delete: (limit) => remove.run(than, limit).changes,
  };
}

function countOf(connection: Connection, sql: string, than: string | number): number {
  return connection.prepare<{ n: number | null }>(sql).get(than)?.n ?? 0;
}
