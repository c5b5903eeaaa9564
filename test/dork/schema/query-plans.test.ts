/** Every query that the schema promises to serve, with the index that serves it: no table is scanned, nothing sorted. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createDb, type Db } from '#entry';
import { queryPlan } from '../../support/query-plan.ts';
import { RUNTIME } from '../../support/runtime.ts';

/** What is asked, the SQL, and the start of the only line that its plan has. */
const QUERIES: readonly (readonly [question: string, sql: string, plan: string])[] = [
  [
    'runs of a schedule newest first',
    'SELECT * FROM pulse_runs WHERE schedule_id = ? ORDER BY created_at DESC, rowid DESC LIMIT 50',
    'SEARCH pulse_runs USING INDEX pulse_runs_schedule_created',
  ],
  [
    'all runs newest first',
    "SELECT * FROM pulse_runs WHERE created_at >= '' ORDER BY created_at DESC, rowid DESC LIMIT 50",
    'SEARCH pulse_runs USING INDEX pulse_runs_created',
  ],
  [
    'running runs',
    "SELECT * FROM pulse_runs WHERE status = 'running' ORDER BY created_at DESC, rowid DESC",
    'SEARCH pulse_runs USING INDEX pulse_runs_status_created',
  ],
  [
    'runs by session',
    'SELECT * FROM pulse_runs WHERE session_id = ?',
    'SEARCH pulse_runs USING INDEX pulse_runs_session',
  ],
  [
    'messages by subject',
    'SELECT * FROM relay_index WHERE subject = ? ORDER BY id DESC, endpoint_hash DESC',
    'SEARCH relay_index USING INDEX relay_index_subject',
  ],
  [
    'messages by endpoint',
    'SELECT * FROM relay_index WHERE endpoint_hash = ? ORDER BY id DESC',
    'SEARCH relay_index USING INDEX relay_index_endpoint',
  ],
  [
    'pending per endpoint',
    "SELECT count(*) FROM relay_index WHERE endpoint_hash = ? AND status = 'pending'",
    'SEARCH relay_index USING COVERING INDEX relay_index_endpoint_pending',
  ],
  [
    'by sender since an instant',
    'SELECT count(*) FROM relay_index WHERE sender = ? AND created_at >= ?',
    'SEARCH relay_index USING COVERING INDEX relay_index_sender_created',
  ],
  [
    'expired messages',
    'DELETE FROM relay_index WHERE expires_at < ?',
    'SEARCH relay_index USING COVERING INDEX relay_index_expires',
  ],
  [
    'the rows of a message',
    'SELECT * FROM relay_index WHERE id = ? ORDER BY endpoint_hash',
    'SEARCH relay_index USING INDEX sqlite_autoindex_relay_index_1 (id=?)',
  ],
  [
    'a message at an endpoint',
    'SELECT * FROM relay_index WHERE id = ? AND endpoint_hash = ?',
    'SEARCH relay_index USING INDEX sqlite_autoindex_relay_index_1 (id=? AND endpoint_hash=?)',
  ],
  [
    'a page of all messages',
    'SELECT * FROM relay_index WHERE (id, endpoint_hash) < (?, ?) ORDER BY id DESC, endpoint_hash DESC LIMIT 50',
    'SEARCH relay_index USING INDEX sqlite_autoindex_relay_index_1',
  ],
  [
    'a page of a subject',
    'SELECT * FROM relay_index WHERE subject = ? AND id < ? ORDER BY id DESC, endpoint_hash DESC LIMIT 50',
    'SEARCH relay_index USING INDEX relay_index_subject',
  ],
  [
    'a page of an endpoint',
    'SELECT * FROM relay_index WHERE endpoint_hash = ? AND id < ? ORDER BY id DESC LIMIT 50',
    'SEARCH relay_index USING INDEX relay_index_endpoint',
  ],
  [
    'a page of a sender',
    'SELECT * FROM relay_index WHERE sender = ? AND id < ? ORDER BY id DESC, endpoint_hash DESC LIMIT 50',
    'SEARCH relay_index USING INDEX relay_index_sender',
  ],
  [
    'a page of a status',
    'SELECT * FROM relay_index WHERE status = ? AND id < ? ORDER BY id DESC, endpoint_hash DESC LIMIT 50',
    'SEARCH relay_index USING INDEX relay_index_status',
  ],
  [
    'a span by message id',
    'SELECT * FROM relay_traces WHERE message_id = ?',
    'SEARCH relay_traces USING INDEX relay_traces_message_id_unique',
  ],
  [
    'a trace in the order of sending',
    'SELECT * FROM relay_traces WHERE trace_id = ? ORDER BY sent_at, rowid',
    'SEARCH relay_traces USING INDEX relay_traces_trace',
  ],
  [
    'dead letters',
    "SELECT * FROM relay_traces WHERE status = 'dead_lettered' ORDER BY sent_at DESC LIMIT 50",
    'SEARCH relay_traces USING INDEX relay_traces_dead_lettered',
  ],
  [
    'spans older than an instant',
    'DELETE FROM relay_traces WHERE sent_at < ?',
    'SEARCH relay_traces USING INDEX relay_traces_metrics',
  ],
  [
    'metrics of a window',
    "SELECT count(*), count(DISTINCT coalesce(to_endpoint, subject)) FROM relay_traces WHERE sent_at >= ? AND kind = 'delivery'",
    'SEARCH relay_traces USING COVERING INDEX relay_traces_metrics',
  ],
];

describe(`the indexes of the schema on ${RUNTIME}`, () => {
  let db: Db;
  before(() => {
    db = createDb(':memory:');
  });
  after(() => db[Symbol.dispose]());

  for (const [question, sql, plan] of QUERIES) {
    it(`serve ${question}`, () => {
      const lines = queryPlan(db.$client, sql).filter((line) => line !== 'USE TEMP B-TREE FOR count(DISTINCT)');
      assert.equal(lines.length, 1, lines.join('; '));
      assert.ok(lines[0]?.startsWith(plan), `${lines[0]} does not start with ${plan}`);
    });
  }
});
