/** An import after an import: what has come since, what has moved on, what was changed or deleted here. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRegistry, createDb, importLegacy, PulseStore, SqliteIndex, TraceStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import {
  agent,
  DENIALS,
  insert,
  MESSAGES,
  meshAt,
  message,
  type OlderHome,
  olderHome,
  PULSE,
  receiptOf,
  rowsOf,
  run,
  schedule,
  span,
  TABLES,
  TRACES,
  type Values,
} from './fixtures/older-home.ts';

const denial = (path: string): Values => {
  return { path, strategy: 's', reason: null, denied_by: 'me', denied_at: '2026-02-02T02:40:00.000Z' };
};

/** Three rows of each kind. */
function writeAll(older: OlderHome): void {
  const ids = ['1', '2', '3'];
  older.schedules(ids.map((id) => schedule(`s${id}`)));
  older.write('pulse.db', PULSE, {
    runs: ids.map((id) => run(`r${id}`, { schedule_id: `s${id}`, status: 'running' })),
  });
  older.write('relay/index.db', MESSAGES + TRACES, {
    messages: ids.map((id) => message(`m${id}`)),
    message_traces: ids.map((id) => span(`m${id}`)),
  });
  older.write('mesh/mesh.db', meshAt(4) + DENIALS, {
    agents: ids.map((id) => agent(`a${id}`)),
    denials: ids.map((id) => denial(`/no/${id}`)),
    budget_counters: ids.map((id) => ({ agent_id: `a${id}`, bucket_minute: 5, call_count: 10 })),
  });
}

/** Changes an older file. */
function change(older: OlderHome, source: string, sql: string): void {
  using file = older.open(source);
  file.exec(sql);
}

describe(`an import after an import on ${RUNTIME}`, () => {
  it('brings what has come since, and only that', () => {
    using older = olderHome();
    writeAll(older);
    importLegacy(older.db, { home: older.home });
    const once = TABLES.map((table) => rowsOf(older.db, table));
    older.schedules(['1', '2', '3', '4'].map((id) => schedule(`s${id}`)));
    const add = (source: string, table: string, row: Values) => {
      using file = older.open(source);
      insert(file, table, [row]);
    };
    add('pulse.db', 'runs', run('r4', { schedule_id: 's4' }));
    add('relay/index.db', 'messages', message('m4'));
    add('relay/index.db', 'message_traces', span('m4'));
    add('mesh/mesh.db', 'agents', agent('a4'));
    add('mesh/mesh.db', 'denials', denial('/no/4'));
    add('mesh/mesh.db', 'budget_counters', { agent_id: 'a4', bucket_minute: 5, call_count: 1 });
    const dry = importLegacy(older.db, { home: older.home, dryRun: true });
    const receipt = importLegacy(older.db, { home: older.home });
    for (const { imported, updated, alreadyThere, setAside } of [dry, receipt]) {
      assert.deepEqual(
        { imported, updated, alreadyThere, setAside },
        { imported: 7, updated: 0, alreadyThere: 21, setAside: 0 },
      );
    }
    for (const [i, table] of TABLES.entries()) {
      const rows = rowsOf(older.db, table);
      assert.equal(rows.length, 4);
      assert.deepEqual(rows.slice(0, 3), once[i]);
    }
  });

  it('brings rows that have moved on in the older file since', () => {
    using older = olderHome();
    writeAll(older);
    importLegacy(older.db, { home: older.home });
    older.schedules([schedule('s1', { name: 'renamed', updatedAt: '2026-03-01T00:00:00.000Z' }), schedule('s2')]);
    change(
      older,
      'pulse.db',
      `UPDATE runs SET status = 'completed', finished_at = '2026-02-02T02:41:00.000Z', output_summary = 'done', session_id = 'x' WHERE id = 'r1'; UPDATE runs SET session_id = 'y' WHERE id = 'r2'`,
    );
    change(
      older,
      'relay/index.db',
      "UPDATE messages SET status = 'cur' WHERE id = 'm1'; UPDATE message_traces SET status = 'processed', delivered_at = sent_at + 5, processed_at = sent_at + 9 WHERE message_id = 'm1'",
    );
    change(
      older,
      'mesh/mesh.db',
      `UPDATE agents SET last_seen_at = '2026-03-01T00:00:00.000Z', last_seen_event = 'heartbeat' WHERE id = 'a1';
      UPDATE denials SET reason = 'now there is one' WHERE path = '/no/1'; UPDATE budget_counters SET call_count = 12 WHERE agent_id = 'a1'`,
    );
    const dry = importLegacy(older.db, { home: older.home, dryRun: true });
    const receipt = importLegacy(older.db, { home: older.home });
    for (const each of [dry, receipt]) assert.deepEqual([each.imported, each.updated, each.alreadyThere], [0, 8, 12]);
    const pulse = new PulseStore(older.db);
    assert.equal(pulse.getSchedule('s1')?.name, 'renamed');
    const { status, outputSummary, finishedAt, sessionId } = pulse.getRun('r1') ?? {};
    assert.deepEqual(
      [status, outputSummary, finishedAt, sessionId],
      ['completed', 'done', '2026-02-02T02:41:00.000Z', 'x'],
    );
    assert.deepEqual([pulse.getRun('r2')?.status, pulse.getRun('r2')?.sessionId], ['running', 'y']);
    const index = new SqliteIndex(older.db);
    assert.deepEqual(index.getMetrics().byStatus, { pending: 2, delivered: 1 });
    assert.equal(new TraceStore(older.db).getMetrics().avgDeliveryLatencyMs, 5);
    assert.equal(new AgentRegistry(older.db).getWithHealth('a1')?.lastSeenEvent, 'heartbeat');
    assert.equal(rowsOf(older.db, 'agent_denials')[0]?.reason, 'now there is one');
    assert.equal(rowsOf(older.db, 'rate_limit_buckets')[0]?.count, 12);
    const again = importLegacy(older.db, { home: older.home });
    assert.deepEqual([again.imported, again.updated, again.alreadyThere], [0, 0, 20]);
  });

  it('brings rows up to date whatever changed in them: values that were there, and rows that had ended', () => {
    using older = olderHome();
    writeAll(older);
    change(
      older,
      'pulse.db',
      "UPDATE runs SET output_summary = 'so far', session_id = 'a', duration_ms = 1; UPDATE runs SET status = 'completed' WHERE id = 'r2'",
    );
    change(older, 'relay/index.db', "UPDATE messages SET status = 'failed' WHERE id = 'm2'");
    importLegacy(older.db, { home: older.home });
    change(
      older,
      'pulse.db',
      "UPDATE runs SET status = 'completed', output_summary = 'so far, and done', session_id = 'b', duration_ms = 2 WHERE id = 'r1'; UPDATE runs SET error = 'seen later', output_summary = NULL WHERE id = 'r2'",
    );
    change(
      older,
      'relay/index.db',
      "UPDATE messages SET status = 'cur', endpoint_hash = 'h2' WHERE id = 'm1'; UPDATE messages SET ttl = 1 WHERE id = 'm2'; UPDATE message_traces SET to_endpoint = 'u' WHERE message_id = 'm1'",
    );
    for (const dryRun of [true, false]) {
      const receipt = importLegacy(older.db, { home: older.home, dryRun });
      assert.deepEqual([receipt.imported, receipt.updated, receipt.alreadyThere], [0, 5, 16]);
    }
    const runs = rowsOf(older.db, 'pulse_runs').map((row) => [
      row.status,
      row.output,
      row.session_id,
      row.duration_ms,
      row.error,
    ]);
    assert.deepEqual(runs, [
      ['completed', 'so far, and done', 'b', 2, null],
      ['completed', null, 'a', 1, 'seen later'],
      ['running', 'so far', 'a', 1, null],
    ]);
    const messages = rowsOf(older.db, 'relay_index').map((row) => [row.status, row.endpoint_hash, row.expires_at]);
    assert.deepEqual(messages, [
      ['delivered', 'h2', null],
      ['failed', 'h1', '1970-01-01T00:00:00.001Z'],
      ['pending', 'h1', null],
    ]);
    assert.equal(rowsOf(older.db, 'relay_traces')[0]?.to_endpoint, 'u');
    assert.equal(importLegacy(older.db, { home: older.home }).updated, 0);
  });

  it('leaves rows that were changed here, also where the older file has moved on', () => {
    using older = olderHome();
    writeAll(older);
    importLegacy(older.db, { home: older.home });
    older.db.$client.exec(`
      UPDATE pulse_schedules SET name = 'mine' WHERE id IN ('s1', 's2');
      UPDATE pulse_runs SET status = 'failed', error = 'mine' WHERE id = 'r1';
      UPDATE pulse_runs SET output = 'mine' WHERE id = 'r2';
      UPDATE relay_index SET status = 'failed' WHERE id = 'm1';
      UPDATE relay_index SET payload = 'mine' WHERE id = 'm2';
      UPDATE relay_index SET sender = 'mine' WHERE id = 'm3';
      UPDATE relay_traces SET status = 'timeout' WHERE message_id = 'm1';
      UPDATE relay_traces SET error_message = 'mine' WHERE message_id = 'm2';
      UPDATE agents SET name = 'mine' WHERE id IN ('a1', 'a2');
      UPDATE agent_denials SET reason = 'mine' WHERE path = '/no/1';
      UPDATE rate_limit_buckets SET count = 1 WHERE agent_id = 'a1'`);
    const mine = TABLES.map((table) => rowsOf(older.db, table));
    const untouched = importLegacy(older.db, { home: older.home });
    assert.deepEqual([untouched.imported, untouched.updated, untouched.alreadyThere], [0, 0, 21]);
    assert.deepEqual(
      TABLES.map((table) => rowsOf(older.db, table)),
      mine,
    );
    older.schedules([schedule('s1', { prompt: 'theirs' }), schedule('s2'), schedule('s3')]);
    change(older, 'pulse.db', "UPDATE runs SET status = 'completed', error = 'theirs', output_summary = 'theirs'");
    change(
      older,
      'relay/index.db',
      "UPDATE messages SET status = 'cur'; UPDATE message_traces SET status = 'failed', error = 'theirs'",
    );
    change(
      older,
      'mesh/mesh.db',
      "UPDATE agents SET last_seen_event = 'theirs' WHERE id = 'a1'; UPDATE denials SET denied_by = 'theirs' WHERE path = '/no/1'",
    );
    const receipt = importLegacy(older.db, { home: older.home });
    // r3 and the span m3: nothing else was left as it came.
    assert.equal(receipt.updated, 2);
    const kept = (table: string, column: string, value: string) =>
      rowsOf(older.db, table).filter((row) => row[column] === value).length;
    assert.equal(kept('pulse_schedules', 'name', 'mine'), 2);
    assert.equal(kept('pulse_runs', 'error', 'mine') + kept('pulse_runs', 'output', 'mine'), 2);
    assert.deepEqual(
      rowsOf(older.db, 'relay_index').map(({ status }) => status),
      ['failed', 'pending', 'pending'],
    );
    assert.deepEqual(
      rowsOf(older.db, 'relay_index').map(({ payload }) => payload),
      [null, 'mine', null],
    );
    assert.deepEqual(
      rowsOf(older.db, 'relay_traces').map(({ status }) => status),
      ['timeout', 'sent', 'failed'],
    );
    assert.equal(kept('agents', 'name', 'mine'), 2);
    assert.equal(kept('agent_denials', 'denier', 'theirs'), 0);
  });

  it('does not bring back what was deleted here', () => {
    using older = olderHome();
    writeAll(older);
    importLegacy(older.db, { home: older.home });
    new PulseStore(older.db).deleteSchedule('s1');
    older.db.$client.exec(`DELETE FROM relay_index WHERE id = 'm1'; DELETE FROM relay_traces WHERE message_id = 'm1';
      DELETE FROM agents WHERE id = 'a1'; DELETE FROM agent_denials WHERE path = '/no/1'; DELETE FROM rate_limit_buckets WHERE agent_id = 'a1'`);
    const receipt = importLegacy(older.db, { home: older.home, keepOrphans: true });
    assert.deepEqual([receipt.imported, receipt.updated, receipt.deletedSince, receipt.alreadyThere], [0, 0, 7, 14]);
    for (const table of TABLES) assert.equal(rowsOf(older.db, table).length, 2);
  });

  it('does not bring a schedule back that was deleted here, whatever runs the older file has got since', () => {
    using older = olderHome();
    older.schedules([schedule('s1')]);
    older.write('pulse.db', PULSE, { runs: [run('r1'), run('lost', { schedule_id: 'gone' })] });
    const options = { home: older.home, keepOrphans: true };
    importLegacy(older.db, options);
    const pulse = new PulseStore(older.db);
    for (const id of ['s1', 'gone']) pulse.deleteSchedule(id);
    change(
      older,
      'pulse.db',
      "INSERT INTO runs SELECT 'new ' || id, schedule_id, status, started_at, finished_at, duration_ms, output_summary, error, session_id, trigger, created_at FROM runs",
    );
    change(
      older,
      'pulse.db',
      "INSERT INTO runs SELECT 'other', 'other', status, started_at, finished_at, duration_ms, output_summary, error, session_id, trigger, created_at FROM runs LIMIT 1",
    );
    for (const imported of [1, 0]) {
      const dry = importLegacy(older.db, { ...options, dryRun: true });
      const receipt = importLegacy(older.db, options);
      for (const each of [dry, receipt]) {
        assert.deepEqual([each.imported, each.updated, each.setAside], [imported, 0, 2]);
        assert.deepEqual(receiptOf(each, 'pulse.db').setAsideReasons, [
          { table: 'runs', reason: 'its schedule was deleted here', rows: 2 },
        ]);
      }
      assert.deepEqual(
        rowsOf(older.db, 'pulse_schedules').map(({ id, enabled, status }) => [id, enabled, status]),
        [['other', 0, 'paused']],
      );
    }
  });

  it('adds calls that the older code has counted since to those that were counted here', () => {
    using older = olderHome();
    writeAll(older);
    older.db.$client.exec("INSERT INTO rate_limit_buckets VALUES ('a1', 5, 4), ('a2', 5, 40)");
    importLegacy(older.db, { home: older.home });
    const counts = () => rowsOf(older.db, 'rate_limit_buckets').map(({ agent_id, count }) => [agent_id, count]);
    assert.deepEqual(counts(), [
      ['a1', 10],
      ['a2', 40],
      ['a3', 10],
    ]);
    older.db.$client.exec('UPDATE rate_limit_buckets SET count = count + 3');
    change(older, 'mesh/mesh.db', 'UPDATE budget_counters SET call_count = call_count + 2');
    importLegacy(older.db, { home: older.home });
    importLegacy(older.db, { home: older.home });
    assert.deepEqual(counts(), [
      ['a1', 15],
      ['a2', 45],
      ['a3', 15],
    ]);
  });

  it('brings rows that were set aside once they fit', () => {
    using older = olderHome();
    older.write('pulse.db', PULSE, { runs: [run('r1'), run('r2', { status: 'odd' })] });
    const first = importLegacy(older.db, { home: older.home });
    assert.deepEqual([first.imported, first.setAside], [0, 2]);
    older.schedules([schedule('s1')]);
    change(older, 'pulse.db', "UPDATE runs SET status = 'failed' WHERE id = 'r2'");
    const second = importLegacy(older.db, { home: older.home });
    assert.deepEqual([second.imported, second.setAside], [3, 0]);
  });

  it('of another home with the same rows doubles nothing', () => {
    using older = olderHome();
    writeAll(older);
    importLegacy(older.db, { home: older.home });
    using copy = olderHome(older.home);
    const receipt = importLegacy(older.db, { home: copy.home });
    assert.deepEqual([receipt.imported, receipt.alreadyThere], [0, 21]);
    assert.equal(receiptOf(receipt, 'pulse.db').path.startsWith(copy.home), true);
  });

  it('keeps what a database had of its own under the same ids', () => {
    using older = olderHome();
    writeAll(older);
    using db = createDb(':memory:');
    const pulse = new PulseStore(db);
    db.$client.exec(
      `INSERT INTO pulse_schedules (id, name, cron, prompt, created_at, updated_at) VALUES ('s1', 'mine', '* * * * *', 'p', 'c', 'u')`,
    );
    new SqliteIndex(db).insertMessage({
      id: 'm1',
      subject: 'mine',
      endpointHash: 'h',
      status: 'failed',
      createdAt: '2026-02-02T02:40:00.000Z',
      expiresAt: null,
    });
    const receipt = importLegacy(db, { home: older.home });
    assert.deepEqual([receipt.imported, receipt.alreadyThere], [19, 2]);
    assert.equal(pulse.getSchedule('s1')?.name, 'mine');
    assert.equal(new SqliteIndex(db).getMessage('m1')?.subject, 'mine');
    // They are remembered as well: what is deleted here stays deleted.
    db.$client.exec("DELETE FROM relay_index WHERE id = 'm1'");
    const again = importLegacy(db, { home: older.home });
    assert.deepEqual([again.imported, again.alreadyThere, again.deletedSince], [0, 20, 1]);
    assert.equal(new SqliteIndex(db).getMessage('m1'), null);
  });
});
