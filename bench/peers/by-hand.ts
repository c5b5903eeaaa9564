import { checked, type MessageRow, type Peer, type RunRow } from './peer.ts';

type Value = null | number | string;

/** What the drivers have in common. */
export interface Driver {
  prepare(sql: string): {
    run(...params: Value[]): { changes: number | bigint };
    get(...params: Value[]): unknown;
    all(...params: Value[]): unknown[];
  };
  close(): unknown;
}

const MESSAGE = `id, subject, sender, endpoint_hash AS endpointHash, status, expires_at AS expiresAt, payload, metadata,
  created_at AS createdAt`;
const RUN = `id, schedule_id AS scheduleId, status, started_at AS startedAt, finished_at AS finishedAt,
  duration_ms AS durationMs, output AS outputSummary, error, session_id AS sessionId, "trigger", created_at AS createdAt`;

/** Hand-written SQL, prepared once, on a driver whose calls are those of better-sqlite3. */
export function byHand(driver: Driver): Peer {
  const get = driver.prepare(`SELECT ${MESSAGE} FROM relay_index WHERE id = ?`);
  const newest = driver.prepare(`SELECT ${MESSAGE} FROM relay_index ORDER BY id DESC LIMIT ?`);
  const put = driver.prepare(
    `INSERT INTO relay_index (id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id, endpoint_hash) DO UPDATE SET subject = excluded.subject, sender = excluded.sender,
       status = excluded.status, expires_at = excluded.expires_at,
       payload = excluded.payload, metadata = excluded.metadata, created_at = excluded.created_at`,
  );
  const setStatus = driver.prepare('UPDATE relay_index SET status = ? WHERE id = ?');
  const runs = driver.prepare(`SELECT ${RUN} FROM pulse_runs ORDER BY created_at DESC LIMIT ?`);
  const addRun = driver.prepare(
    `INSERT INTO pulse_runs (id, schedule_id, status, started_at, finished_at, duration_ms, output, error, session_id,
       "trigger", created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const used = driver.prepare(
    'SELECT coalesce(sum(count), 0) AS used FROM rate_limit_buckets WHERE agent_id = ? AND bucket_minute BETWEEN ? AND ?',
  );
  const record = driver.prepare(
    `INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES (?, ?, 1)
     ON CONFLICT (agent_id, bucket_minute) DO UPDATE SET count = count + 1`,
  );
  const begin = driver.prepare('BEGIN IMMEDIATE');
  const commit = driver.prepare('COMMIT');
  const rollback = driver.prepare('ROLLBACK');
  return {
    getMessage: (id) => get.get(id) as MessageRow | undefined,
    newestMessages: (limit) => newest.all(limit) as MessageRow[],
    putMessage: (m) =>
      put.run(m.id, m.subject, m.sender, m.endpointHash, m.status, m.expiresAt, m.payload, m.metadata, m.createdAt),
    updateStatus: (id, status) => setStatus.run(status, id).changes > 0,
    newestRuns: (limit) => runs.all(limit) as RunRow[],
    createRun: (r) => {
      addRun.run(
        r.id,
        r.scheduleId,
        r.status,
        r.startedAt,
        r.finishedAt,
        r.durationMs,
        r.outputSummary,
        r.error,
        r.sessionId,
        r.trigger,
        r.createdAt,
      );
      return r;
    },
    tryRecordCall: (agentId, minute, max) => {
      begin.run();
      try {
        const calls = (used.get(agentId, minute - 60, minute) as { used: number }).used;
        if (calls < max) record.run(agentId, minute);
        commit.run();
        return checked(calls, max);
      } catch (error) {
        rollback.run();
        throw error;
      }
    },
    close: () => driver.close(),
  };
}
