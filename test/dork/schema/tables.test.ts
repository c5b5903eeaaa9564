/** The tables as they are in the file: every column with its type, and every rule that a write must keep. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ConstraintError, createDb, type Db } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';

/** A column: `?` may be NULL, `=` has a default. */
const TABLES: Record<string, string> = {
  pulse_schedules:
    "id text pk, name text, description text?, cron text, timezone text? ='UTC', prompt text, cwd text?, enabled integer =true, max_runtime integer?, permission_mode text ='acceptEdits', status text ='active', created_at text, updated_at text",
  pulse_runs:
    "id text pk, schedule_id text, status text, started_at text, finished_at text?, duration_ms integer?, output text?, error text?, session_id text?, trigger text ='scheduled', created_at text",
  relay_index:
    "id text pk, subject text, sender text?, endpoint_hash text pk, status text ='pending', expires_at text?, payload text?, metadata text?, created_at text",
  relay_traces:
    "id text pk, message_id text, trace_id text, span_id text?, parent_span_id text?, subject text, from_endpoint text?, to_endpoint text?, status text, kind text ='delivery', budget_hops_used integer?, budget_ttl_remaining_ms integer?, sent_at text, delivered_at text?, processed_at text?, error_message text?, metadata text?",
  agents:
    "id text pk, name text, description text?, runtime text, project_path text, namespace text ='default', capabilities_json text ='[]', behavior_json text ='{\"responseMode\":\"always\"}', budget_json text ='{\"maxHopsPerMessage\":5,\"maxCallsPerHour\":100}', manifest_extra_json text?, scan_root text ='', entrypoint text?, version text?, approver text?, status text ='active', last_seen_at text?, last_seen_event text?, registered_at text, updated_at text",
  agent_denials: 'id text pk, path text, strategy text?, reason text?, denier text?, created_at text',
  rate_limit_buckets: 'agent_id text pk, bucket_minute integer pk, count integer =0',
};

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
  readonly pk: number;
}

describe(`the schema on ${RUNTIME}`, () => {
  let db: Db;
  before(() => {
    db = createDb(':memory:');
    db.$client.exec(`
      INSERT INTO pulse_schedules (id, name, cron, prompt, created_at, updated_at) VALUES ('s', 'n', '* * * * *', 'p', 'c', 'u');
      INSERT INTO pulse_runs (id, schedule_id, status, started_at, created_at) VALUES ('r', 's', 'running', 's', 'c');
      INSERT INTO relay_index (id, subject, endpoint_hash, created_at) VALUES ('m', 's', 'h', 'c');
      INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES ('t', 'm', 'x', 's', 'sent', 'a');
      INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at) VALUES ('a', 'n', 'r', '/p', 'r', 'u');
      INSERT INTO agent_denials (id, path, created_at) VALUES ('d', '/p', 'c');
      INSERT INTO rate_limit_buckets (agent_id, bucket_minute) VALUES ('a', 1);`);
  });
  after(() => db[Symbol.dispose]());

  for (const [table, columns] of Object.entries(TABLES)) {
    it(`has every column of ${table}`, () => {
      const described = (db.$client.pragma(`table_info(${table})`) as Column[])
        .map(({ name, type, notnull, dflt_value, pk }) => {
          const marks = `${notnull ? '' : '?'}${pk ? ' pk' : ''}${dflt_value === null ? '' : ` =${dflt_value}`}`;
          return `${name} ${type.toLowerCase()}${marks}`;
        })
        .join(', ');
      assert.equal(described, columns);
    });
  }

  it('refuses a word outside an enumeration, also in plain SQL', () => {
    for (const [table, column] of [
      ['pulse_schedules', 'status'],
      ['pulse_schedules', 'enabled'],
      ['pulse_runs', 'status'],
      ['pulse_runs', '"trigger"'],
      ['relay_index', 'status'],
      ['relay_traces', 'status'],
      ['relay_traces', 'kind'],
      ['agents', 'status'],
      ['agents', 'capabilities_json'],
      ['agents', 'behavior_json'],
      ['agents', 'budget_json'],
      ['agents', 'manifest_extra_json'],
      ['relay_traces', 'metadata'],
    ]) {
      assert.throws(
        () => db.$client.exec(`UPDATE ${table} SET ${column} = 'neither word nor JSON'`),
        (error) => error instanceof ConstraintError && error.kind === 'check',
        `${table}.${column}`,
      );
    }
  });

  it('takes every word of each enumeration', () => {
    for (const [table, column, words] of [
      ['pulse_schedules', 'status', 'active paused pending_approval'],
      ['pulse_runs', 'status', 'running completed failed cancelled timeout'],
      ['pulse_runs', '"trigger"', 'scheduled manual agent'],
      ['relay_index', 'status', 'pending delivered failed'],
      ['relay_traces', 'status', 'sent delivered processed failed timeout dead_lettered'],
      ['agents', 'status', 'active inactive unreachable'],
    ] as const) {
      for (const word of words.split(' ')) {
        assert.equal(db.$client.prepare(`UPDATE ${table} SET ${column} = ?`).run(word).changes, 1);
      }
    }
  });

  it('keeps its unique keys', () => {
    for (const insert of [
      "INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at) VALUES ('b', 'n', 'r', '/p', 'r', 'u')",
      "INSERT INTO agent_denials (id, path, created_at) VALUES ('e', '/p', 'c')",
      "INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES ('u', 'm', 'x', 's', 'sent', 'a')",
      "INSERT INTO rate_limit_buckets (agent_id, bucket_minute) VALUES ('a', 1)",
    ]) {
      assert.throws(
        () => db.$client.exec(insert),
        (error) => error instanceof ConstraintError && error.kind === 'unique',
        insert,
      );
    }
  });

  it('deletes the runs of a schedule with it, and refuses a run without one', () => {
    assert.throws(
      () => db.$client.exec("UPDATE pulse_runs SET schedule_id = 'none'"),
      (error) => error instanceof ConstraintError && error.kind === 'foreign_key',
    );
    assert.equal(db.$client.prepare('SELECT count(*) AS n FROM pulse_runs').get()?.n, 1);
    db.$client.exec("DELETE FROM pulse_schedules WHERE id = 's'");
    assert.equal(db.$client.prepare('SELECT count(*) AS n FROM pulse_runs').get()?.n, 0);
  });

  it('counts messages by subject and status whatever is done to them', () => {
    const counts = () =>
      db.$client.prepare('SELECT * FROM relay_counts WHERE pending + delivered + failed > 0 ORDER BY subject').all();
    db.$client.exec('DELETE FROM relay_index');
    assert.deepEqual(counts(), []);
    db.$client.exec(`
      INSERT INTO relay_index (id, subject, endpoint_hash, created_at) VALUES ('1', 'a', 'h', 'c'), ('2', 'a', 'h', 'c'), ('3', 'b', 'h', 'c');
      UPDATE relay_index SET status = 'delivered' WHERE id = '1';
      UPDATE relay_index SET subject = 'b', status = 'failed' WHERE id = '2';
      REPLACE INTO relay_index (id, subject, endpoint_hash, created_at) VALUES ('3', 'c', 'h', 'c');`);
    assert.deepEqual(counts(), [
      { subject: 'a', pending: 0, delivered: 1, failed: 0 },
      { subject: 'b', pending: 0, delivered: 0, failed: 1 },
      { subject: 'c', pending: 1, delivered: 0, failed: 0 },
    ]);
  });
});
