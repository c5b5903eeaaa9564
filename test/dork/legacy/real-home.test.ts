/** The home that the older code left, field by field, and what each store then answers. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import {
  AgentRegistry,
  BudgetMapper,
  DenialList,
  type ImportReceipt,
  importLegacy,
  PulseStore,
  SqliteIndex,
  TraceStore,
} from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import {
  type OlderHome,
  olderHome,
  REAL_HOME,
  receiptOf,
  rowsOf,
  stateOf,
  type Values,
} from './fixtures/older-home.ts';

const expected = JSON.parse(readFileSync(join(REAL_HOME, 'expected.json'), 'utf8'));
const iso = (ms: unknown) => (ms === null ? null : new Date(Number(ms)).toISOString());

describe(`the real older home on ${RUNTIME}`, () => {
  let older: OlderHome;
  let untouched: Record<string, string>;
  let receipt: ImportReceipt;
  before(() => {
    older = olderHome(REAL_HOME);
    untouched = stateOf(older.home);
    receipt = importLegacy(older.db, { home: older.home });
  });
  after(() => older[Symbol.dispose]());

  it('leaves every byte, mode and time of the older files, and nothing beside them', () => {
    assert.deepEqual(stateOf(older.home), untouched);
  });

  it('counts what the older code counted', () => {
    const count = (table: string) => rowsOf(older.db, table).length;
    assert.equal(count('pulse_schedules'), expected.schedules);
    assert.equal(count('pulse_runs'), expected.runs);
    assert.equal(count('relay_index'), expected.messages);
    assert.equal(count('relay_traces'), expected.spans);
    assert.equal(count('agents'), expected.agents);
    assert.equal(count('agent_denials'), expected.denials);
    const calls = rowsOf(older.db, 'rate_limit_buckets').reduce((sum, row) => sum + Number(row.count), 0);
    assert.equal(calls, expected.calls);
  });

  it('keeps every field of every schedule', () => {
    const schedules = JSON.parse(readFileSync(join(older.home, 'schedules.json'), 'utf8'));
    assert.deepEqual(
      new PulseStore(older.db).getSchedules(),
      schedules.map((schedule: object) => ({ ...schedule, description: null, nextRun: null })),
    );
  });

  it('keeps every field of every run but the orphan, in order', () => {
    const runs = older.rows('pulse.db', 'runs').filter(({ schedule_id }) => schedule_id !== expected.orphan);
    assert.deepEqual(
      rowsOf(older.db, 'pulse_runs').filter(({ schedule_id }) => schedule_id !== expected.orphan),
      runs
        .filter(({ id }) => id !== expected.orphan)
        .map(({ output_summary, started_at, ...run }) => ({
          id: run.id,
          schedule_id: run.schedule_id,
          status: run.status,
          started_at: started_at ?? run.created_at,
          finished_at: run.finished_at,
          duration_ms: run.duration_ms,
          output: output_summary,
          error: run.error,
          session_id: run.session_id,
          trigger: run.trigger,
          created_at: run.created_at,
        })),
    );
  });

  it('sets the orphaned run aside, with its row and the reason', () => {
    const pulse = receiptOf(receipt, 'pulse.db');
    assert.equal(pulse.setAside, expected.orphanRuns);
    assert.deepEqual(pulse.setAsideRows, [
      { table: 'runs', row: '61', id: expected.orphan, reason: 'its schedule is missing' },
    ]);
    assert.equal(new PulseStore(older.db).getRun(expected.orphan), null);
  });

  it('keeps every field of every message, in order', () => {
    const status: Record<string, string> = { new: 'pending', cur: 'delivered', failed: 'failed' };
    assert.deepEqual(
      rowsOf(older.db, 'relay_index'),
      older.rows('relay/index.db', 'messages').map((row) => ({
        id: row.id,
        subject: row.subject,
        sender: row.sender,
        endpoint_hash: row.endpoint_hash,
        status: status[String(row.status)],
        expires_at: row.ttl === 0 ? null : iso(row.ttl),
        payload: null,
        metadata: null,
        created_at: row.created_at,
      })),
    );
  });

  it('keeps every field of every span, in order, under ULIDs that rise', () => {
    const spans = rowsOf(older.db, 'relay_traces');
    assert.deepEqual(
      spans.map(({ id, ...span }) => span),
      older.rows('relay/index.db', 'message_traces').map((row) => ({
        message_id: row.message_id,
        trace_id: row.trace_id,
        span_id: row.span_id,
        parent_span_id: row.parent_span_id,
        subject: row.subject,
        from_endpoint: row.from_endpoint,
        to_endpoint: row.to_endpoint,
        status: row.status === 'pending' ? 'sent' : row.status,
        kind: 'delivery',
        budget_hops_used: row.budget_hops_used,
        budget_ttl_remaining_ms: row.budget_ttl_remaining_ms,
        sent_at: iso(row.sent_at),
        delivered_at: iso(row.delivered_at),
        processed_at: iso(row.processed_at),
        error_message: row.error,
        metadata: null,
      })),
    );
    const ids = spans.map(({ id }) => String(id));
    for (const id of ids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    assert.deepEqual(ids, [...new Set(ids)].sort());
  });

  it('answers the metrics that the older code answered', () => {
    const { p50DeliveryLatencyMs: _, p99DeliveryLatencyMs: __, ...metrics } = new TraceStore(older.db).getMetrics();
    assert.deepEqual(metrics, expected.oldTraceMetrics);
  });

  it('answers for messages what the older table holds', () => {
    const index = new SqliteIndex(older.db);
    const messages = older.rows('relay/index.db', 'messages');
    const { totalMessages, byStatus, bySubject } = index.getMetrics();
    const count = (wanted: Values) =>
      messages.filter((row) => Object.entries(wanted).every(([column, value]) => row[column] === value)).length;
    assert.equal(totalMessages, messages.length);
    assert.deepEqual(byStatus, {
      pending: count({ status: 'new' }),
      delivered: count({ status: 'cur' }),
      failed: count({ status: 'failed' }),
    });
    for (const { subject, count: counted } of bySubject) assert.equal(counted, count({ subject }));
    for (const hash of new Set(messages.map((row) => String(row.endpoint_hash)))) {
      assert.equal(index.countNewByEndpoint(hash), count({ endpoint_hash: hash, status: 'new' }));
      assert.equal(index.getByEndpoint(hash).length, count({ endpoint_hash: hash }));
    }
    for (const sender of new Set(messages.map((row) => String(row.sender)))) {
      assert.equal(index.countSenderInWindow(sender, '2000-01-01T00:00:00.000Z'), count({ sender }));
    }
    const now = 1770000000150;
    assert.equal(index.deleteExpired(now), messages.filter(({ ttl }) => ttl !== 0 && Number(ttl) < now).length);
  });

  it('keeps every agent: columns, behaviour, budget, scan root, health and unknown keys', () => {
    const registry = new AgentRegistry(older.db);
    for (const row of older.rows('mesh/mesh.db', 'agents')) {
      const manifest = JSON.parse(String(row.manifest_json));
      assert.deepEqual(registry.get(String(row.id)), manifest);
      assert.deepEqual(registry.getByPath(String(row.project_path)), manifest);
      const { lastSeenAt, lastSeenEvent } = registry.getWithHealth(String(row.id)) ?? {};
      assert.deepEqual(
        { lastSeenAt, lastSeenEvent },
        { lastSeenAt: row.last_seen_at, lastSeenEvent: row.last_seen_event },
      );
    }
    assert.ok(
      registry.list().some((entry) => 'customKey' in entry),
      'the home has an unknown key',
    );
    const newestFirst = older
      .rows('mesh/mesh.db', 'agents')
      .sort((a, b) => (String(a.registered_at) < String(b.registered_at) ? 1 : -1));
    assert.deepEqual(
      registry.list().map(({ id }) => id),
      newestFirst.map(({ id }) => id),
    );
    assert.equal(registry.listByNamespace('').length, newestFirst.filter(({ namespace }) => namespace === '').length);
  });

  it('keeps every denial and every bucket', () => {
    const denials = older.rows('mesh/mesh.db', 'denials');
    assert.deepEqual(
      rowsOf(older.db, 'agent_denials').map(({ id, ...denial }) => denial),
      denials.map(({ denied_by: denier, denied_at: created_at, ...same }) => ({ ...same, denier, created_at })),
    );
    const list = new DenialList(older.db);
    for (const { path } of denials) assert.equal(list.isDenied(String(path)), true);
    assert.deepEqual(
      rowsOf(older.db, 'rate_limit_buckets'),
      older.rows('mesh/mesh.db', 'budget_counters').map(({ call_count: count, ...same }) => ({ ...same, count })),
    );
    new BudgetMapper(older.db).checkBudget('nobody', 1);
    assert.ok(rowsOf(older.db, 'rate_limit_buckets').length <= 3);
  });

  it('leaves a row in legacy_imports for each source, with the receipt', () => {
    const rows = rowsOf(older.db, 'legacy_imports');
    assert.deepEqual(rows.map(({ source }) => source).sort(), [
      'mesh/mesh.db',
      'pulse.db',
      'relay/index.db',
      'schedules.json',
    ]);
    for (const row of rows) {
      const { finishedAt: _, ...source } = receiptOf(receipt, String(row.source));
      const { finishedAt: __, ...stored } = JSON.parse(String(row.receipt_json));
      assert.deepEqual(stored, source);
      assert.equal(row.path, source.path);
      assert.deepEqual([row.rows_read, row.rows_imported], [source.read, source.imported]);
      assert.equal(row.rows_skipped, source.read - source.imported);
    }
    assert.deepEqual(
      receipt.sources.map(({ version }) => version),
      [null, 1, 2, 4],
    );
    assert.equal(receipt.failed, 0);
  });
});

describe(`importing the real home again on ${RUNTIME}`, () => {
  it('doubles nothing and changes nothing', () => {
    using older = olderHome(REAL_HOME);
    const tables = ['pulse_schedules', 'pulse_runs', 'relay_index', 'relay_traces', 'agents', 'agent_denials'];
    const all = () => [...tables, 'rate_limit_buckets', 'relay_counts'].map((table) => rowsOf(older.db, table));
    const first = importLegacy(older.db, { home: older.home });
    const once = all();
    const second = importLegacy(older.db, { home: older.home });
    assert.deepEqual(all(), once);
    assert.deepEqual([second.imported, second.updated], [0, 0]);
    assert.deepEqual([second.alreadyThere, second.setAside], [first.imported, first.setAside]);
    assert.equal(rowsOf(older.db, 'legacy_imports').length, 8);
  });

  it('brings orphans that were set aside once they are asked for', () => {
    using older = olderHome(REAL_HOME);
    importLegacy(older.db, { home: older.home });
    const second = importLegacy(older.db, { home: older.home, keepOrphans: true });
    assert.equal(second.imported, 1);
    const pulse = new PulseStore(older.db);
    const run = pulse.getRun(expected.orphan);
    const id = String(run?.scheduleId);
    assert.deepEqual(
      [pulse.getSchedule(id)].map((schedule) => [schedule?.name, schedule?.status, schedule?.enabled]),
      [[id, 'paused', false]],
    );
    assert.equal(pulse.getSchedules({ withNextRun: true }).find((schedule) => schedule.id === id)?.nextRun, null);
  });
});

describe(`a dry run on ${RUNTIME}`, () => {
  it('writes nothing and gives the same receipt', () => {
    for (const keepOrphans of [false, true]) {
      using older = olderHome(REAL_HOME);
      older.db.$client.pragma('wal_checkpoint(TRUNCATE)');
      const home = stateOf(join(older.home, '..'));
      const dry = importLegacy(older.db, { home: older.home, dryRun: true, keepOrphans });
      assert.deepEqual(stateOf(join(older.home, '..')), home);
      assert.deepEqual(rowsOf(older.db, 'legacy_imports'), []);
      const wet = importLegacy(older.db, { home: older.home, keepOrphans });
      assert.deepEqual(timeless({ ...dry, dryRun: false }), timeless(wet));
    }
  });
});

/** A receipt without its times. */
function timeless(receipt: ImportReceipt): unknown {
  return JSON.parse(
    JSON.stringify(receipt, (key, value) => (key === 'startedAt' || key === 'finishedAt' ? '' : value)),
  );
}
