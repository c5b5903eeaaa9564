/** relay/index.db in its forms: one of the two older tables alone, without a sender, and beside the new tables. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AgentRegistry, createDb, type ImportReceipt, importLegacy, PulseStore, SqliteIndex, TraceStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import {
  agent,
  insert,
  MESSAGES,
  meshAt,
  message,
  type OlderHome,
  olderHome,
  receiptOf,
  rowsOf,
  schedule,
  span,
  TRACES,
} from './fixtures/older-home.ts';

const AT = '2026-02-02T02:40:00.000Z';

/** relay/index.db with the older messages beside the seven new tables and their ledger, which hold rows as well. */
function writeHybrid(older: OlderHome): void {
  older.write('relay/index.db', MESSAGES, { messages: [message('m1', { status: 'cur' }), message('m2')] });
  {
    using newer = createDb(join(older.home, 'hybrid.db'));
    newer.$client.exec(`
      INSERT INTO pulse_schedules (id, name, cron, prompt, created_at, updated_at) VALUES
        ('s1', 'poor copy', '* * * * *', 'p', '${AT}', '${AT}'), ('s2', 'only here', '* * * * *', 'p', '${AT}', '${AT}');
      INSERT INTO pulse_runs (id, schedule_id, status, started_at, created_at) VALUES ('r1', 's2', 'failed', '${AT}', '${AT}');
      INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES
        ('m1', 's', 'h1', 'pending', '${AT}'), ('m3', 'only here', 'h', 'failed', '${AT}');
      INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES ('01ARZ3NDEKTSV4RRFFQ69G5FAV', 'm3', 't', 's', 'timeout', '${AT}');
      INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at) VALUES
        ('a1', 'poor copy', 'codex', '/projects/a1', '${AT}', '${AT}'),
        ('a2', 'only here', 'codex', '/projects/a2', '${AT}', '${AT}'),
        ('a3', 'another of the same path', 'codex', '/projects/a4', '${AT}', '${AT}');
      INSERT INTO agent_denials (id, path, created_at) VALUES ('d', '/only/here', '${AT}');
      INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES ('a1', 5, 99), ('a2', 5, 3);`);
    newer.$client.exec(`VACUUM INTO '${join(older.home, 'copy.db')}'`);
  }
  using file = older.open('relay/index.db');
  file.exec(`PRAGMA foreign_keys = OFF; ATTACH '${join(older.home, 'copy.db')}' AS n`);
  const tables = file.prepare<{ name: string; sql: string }>(
    "SELECT name, sql FROM n.sqlite_schema WHERE type = 'table' AND name NOT IN ('legacy_imports', 'legacy_rows', 'relay_counts')",
  );
  for (const { name, sql } of tables.all()) {
    file.exec(sql);
    file.exec(`INSERT INTO main.${name} SELECT * FROM n.${name}`);
  }
  file.exec('DETACH n');
}

function writeOthers(older: OlderHome): void {
  older.schedules([schedule('s1')]);
  older.write('mesh/mesh.db', meshAt(4), {
    agents: [agent('a1', { budget: { maxHopsPerMessage: 1, maxCallsPerHour: 2 } }), agent('a4')],
    budget_counters: [{ agent_id: 'a1', bucket_minute: 5, call_count: 7 }],
  });
}

/** What becomes of the rows of each table, without times. */
function countsOf(receipt: ImportReceipt): unknown {
  return receipt.sources.map(({ source, status, tables, setAsideRows, adjusted, notRead }) => {
    return { source, status, tables, setAsideRows, adjusted, notRead };
  });
}

describe(`relay/index.db on ${RUNTIME}`, () => {
  it('with only one of the two older tables comes through', () => {
    for (const table of ['messages', 'message_traces'] as const) {
      using older = olderHome();
      if (table === 'messages') older.write('relay/index.db', MESSAGES, { messages: [message('a')] });
      else older.write('relay/index.db', TRACES, { message_traces: [span('a')] });
      const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
      assert.deepEqual([receipt.status, receipt.imported], ['imported', 1]);
      assert.deepEqual(
        receipt.tables.map((each) => each.table),
        [table],
      );
      assert.equal(receipt.version, table === 'messages' ? 2 : 0);
    }
  });

  it('from before there were senders comes through without them', () => {
    using older = olderHome();
    const schema = MESSAGES.replace('sender TEXT NOT NULL, ', '')
      .replace(/CREATE INDEX idx_messages_sender.*/, '')
      .replace('= 2', '= 1');
    const { sender: _, ...row } = message('a');
    older.write('relay/index.db', schema, { messages: [row] });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.deepEqual([receipt.status, receipt.version, receipt.imported], ['imported', 1, 1]);
    assert.equal('sender' in (new SqliteIndex(older.db).getMessage('a') ?? {}), false);
  });

  it('with tables and columns that nobody knows says that it did not read them', () => {
    using older = olderHome();
    older.write('relay/index.db', `${MESSAGES} ALTER TABLE messages ADD COLUMN color TEXT; CREATE TABLE notes (x);`, {
      messages: [message('a', { color: 'red' })],
    });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.deepEqual([receipt.imported, receipt.notRead], [1, ['messages.color (1 value)', 'notes (0 rows)']]);
  });

  it('as a hybrid gives what the older tables and the other files lack, and nothing twice', () => {
    using older = olderHome();
    writeOthers(older);
    writeHybrid(older);
    const receipt = importLegacy(older.db, { home: older.home });
    const relay = receiptOf(receipt, 'relay/index.db');
    assert.deepEqual([relay.status, relay.isHybrid, relay.notRead], ['imported', true, []]);
    const index = new SqliteIndex(older.db);
    assert.deepEqual(
      ['m1', 'm2', 'm3'].map((id) => [index.getMessage(id)?.status, index.getMessage(id)?.sender]),
      [
        ['delivered', 'relay.agent.b'],
        ['pending', 'relay.agent.b'],
        ['failed', undefined],
      ],
    );
    const trace = new TraceStore(older.db).getSpanByMessageId('m3');
    assert.deepEqual([trace?.id, trace?.status], ['01ARZ3NDEKTSV4RRFFQ69G5FAV', 'timeout']);
    const pulse = new PulseStore(older.db);
    assert.deepEqual(
      pulse
        .getSchedules()
        .map(({ name }) => name)
        .sort(),
      ['only here', 'schedule s1'],
    );
    assert.equal(pulse.getRun('r1')?.scheduleId, 's2');
    const registry = new AgentRegistry(older.db);
    assert.deepEqual([registry.get('a1')?.name, registry.get('a1')?.budget.maxCallsPerHour], ['agent a1', 2]);
    assert.equal(registry.get('a2')?.name, 'only here');
    assert.deepEqual(
      relay.setAsideRows.map(({ id, reason }) => [id, reason]),
      [['a3', 'project_path belongs to another agent']],
    );
    assert.deepEqual(
      rowsOf(older.db, 'rate_limit_buckets').map(({ agent_id, count }) => [agent_id, count]),
      [
        ['a1', 7],
        ['a2', 3],
      ],
    );
    assert.deepEqual(
      rowsOf(older.db, 'agent_denials').map(({ path }) => path),
      ['/only/here'],
    );
    const again = importLegacy(older.db, { home: older.home });
    assert.deepEqual([again.imported, again.updated, again.setAside], [0, 0, 1]);
  });

  it('as a hybrid brings its rows up to date as well, unless another file says more of them', () => {
    using older = olderHome();
    writeOthers(older);
    writeHybrid(older);
    importLegacy(older.db, { home: older.home });
    older.db.$client.exec("UPDATE relay_index SET subject = 'mine' WHERE id = 'm3'");
    {
      using file = older.open('relay/index.db');
      file.exec(`UPDATE pulse_runs SET status = 'completed'; UPDATE relay_traces SET status = 'processed';
        UPDATE relay_index SET status = 'delivered'; UPDATE pulse_schedules SET name = name || ' still';
        UPDATE rate_limit_buckets SET count = count + 1; UPDATE agents SET description = 'new'`);
    }
    for (const dryRun of [true, false]) {
      const receipt = importLegacy(older.db, { home: older.home, dryRun });
      assert.deepEqual([receipt.imported, receipt.updated], [0, 5]);
    }
    const pulse = new PulseStore(older.db);
    assert.deepEqual([pulse.getRun('r1')?.status, pulse.getSchedule('s2')?.name], ['completed', 'only here still']);
    assert.equal(pulse.getSchedule('s1')?.name, 'schedule s1');
    assert.equal(new TraceStore(older.db).getSpanByMessageId('m3')?.status, 'processed');
    assert.equal(new SqliteIndex(older.db).getMessage('m3')?.status, 'failed');
    const registry = new AgentRegistry(older.db);
    assert.deepEqual([registry.get('a1')?.description, registry.get('a2')?.description], ['', 'new']);
    assert.deepEqual(
      rowsOf(older.db, 'rate_limit_buckets').map(({ count }) => count),
      [7, 4],
    );
  });

  it('sets a row aside that the new table does not take, and imports the others', () => {
    using older = olderHome();
    writeHybrid(older);
    {
      using file = older.open('relay/index.db');
      file.exec("PRAGMA ignore_check_constraints = ON; UPDATE pulse_schedules SET enabled = 7 WHERE id = 's1'");
      file.exec("PRAGMA foreign_keys = OFF; UPDATE relay_traces SET id = 'same'");
    }
    older.db.$client.exec(
      `INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES ('same', 'own', 't', 's', 'sent', '${AT}')`,
    );
    const relay = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.equal(relay.status, 'imported');
    assert.deepEqual(
      relay.setAsideRows.map(({ id, reason }) => [id, reason]),
      [
        ['s1', 'enabled must be 0 or 1'],
        ['m3', 'a constraint of dork.db refuses the row (unique)'],
      ],
    );
    assert.equal(new PulseStore(older.db).getSchedule('s2')?.name, 'only here');
  });

  it('of a later release, with a search table messages and a message at two endpoints, comes row by row', () => {
    using older = olderHome();
    using file = older.open('relay/index.db');
    file.exec(`CREATE TABLE messages (rowid INTEGER PRIMARY KEY, body TEXT);
      INSERT INTO messages (body) VALUES ('found'), ('again');
      CREATE TABLE relay_index (id TEXT NOT NULL, subject TEXT NOT NULL, endpoint_hash TEXT NOT NULL, status TEXT NOT NULL,
        sender TEXT, tags TEXT, created_at TEXT NOT NULL, PRIMARY KEY (id, endpoint_hash));
      INSERT INTO relay_index VALUES ('x', 's', '*', 'pending', 'me', NULL, '${AT}'), ('x', 's', 'h', 'delivered', 'me', 'a', '${AT}');
      CREATE TABLE pulse_schedules (id TEXT PRIMARY KEY, name TEXT, cron TEXT, prompt TEXT, enabled INTEGER, created_at TEXT, updated_at TEXT);
      INSERT INTO pulse_schedules VALUES ('s1', 'n', '* * * * *', 'p', 4, '${AT}', '${AT}'), ('s2', 'n', '* * * * *', 'p', 0, '${AT}', '${AT}')`);
    file.close();
    const relay = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.deepEqual([relay.status, relay.imported], ['imported', 3]);
    assert.deepEqual(relay.notRead, ['relay_index.tags (1 value)', 'messages (2 rows)']);
    assert.deepEqual(
      relay.setAsideRows.map(({ id, reason }) => [id, reason]),
      [['s1', 'enabled must be 0 or 1']],
    );
    const index = new SqliteIndex(older.db);
    assert.deepEqual(
      ['*', 'h'].map((endpoint) => index.getMessage('x', endpoint)?.status),
      ['pending', 'delivered'],
    );
    assert.equal(new PulseStore(older.db).getSchedule('s2')?.enabled, false);
  });

  it('as a hybrid gives the same receipt in a dry run', () => {
    using older = olderHome();
    writeOthers(older);
    writeHybrid(older);
    const dry = importLegacy(older.db, { home: older.home, dryRun: true });
    assert.deepEqual(rowsOf(older.db, 'agents'), []);
    assert.deepEqual(countsOf(dry), countsOf(importLegacy(older.db, { home: older.home })));
  });

  it('as a hybrid keeps its poorer copies back while the file that says more cannot be read', () => {
    using older = olderHome();
    writeOthers(older);
    writeHybrid(older);
    const schedules = join(older.home, 'schedules.json');
    writeFileSync(schedules, '[');
    const first = importLegacy(older.db, { home: older.home });
    assert.deepEqual(receiptOf(first, 'relay/index.db').notRead, [
      'pulse_schedules (waits for schedules.json)',
      'pulse_runs (waits for schedules.json)',
    ]);
    older.schedules([schedule('s1')]);
    importLegacy(older.db, { home: older.home });
    assert.equal(new PulseStore(older.db).getSchedule('s1')?.name, 'schedule s1');
    assert.equal(new PulseStore(older.db).getSchedule('s2')?.name, 'only here');
  });

  it('of the first consolidation, whose new tables lack columns, gives what they have', () => {
    using older = olderHome();
    using file = older.open('relay/index.db');
    file.exec(`${MESSAGES}
      CREATE TABLE relay_index (id TEXT PRIMARY KEY, subject TEXT NOT NULL, endpoint_hash TEXT NOT NULL, status TEXT NOT NULL, expires_at TEXT, created_at TEXT NOT NULL);
      CREATE TABLE relay_traces (id TEXT PRIMARY KEY, message_id TEXT NOT NULL UNIQUE, trace_id TEXT NOT NULL, subject TEXT NOT NULL, status TEXT NOT NULL, sent_at TEXT NOT NULL, metadata TEXT);
      CREATE TABLE agents (id TEXT PRIMARY KEY, name TEXT NOT NULL, runtime TEXT NOT NULL, project_path TEXT NOT NULL UNIQUE, registered_at TEXT NOT NULL, updated_at TEXT NOT NULL);
      CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric);`);
    insert(file, 'relay_index', [{ id: 'x', subject: 's', endpoint_hash: 'h', status: 'new', created_at: AT }]);
    insert(file, 'relay_traces', [
      { id: 'i', message_id: 'x', trace_id: 't', subject: 's', status: 'pending', sent_at: AT, metadata: '{"a":1}' },
      { id: 'j', message_id: 'y', trace_id: 't', subject: 's', status: 'pending', sent_at: AT, metadata: '{half' },
    ]);
    insert(file, 'agents', [
      { id: 'a', name: 'n', runtime: 'r', project_path: '/p', registered_at: AT, updated_at: AT },
    ]);
    file.close();
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.deepEqual([receipt.status, receipt.imported], ['imported', 3]);
    assert.deepEqual(
      receipt.setAsideRows.map(({ id, reason }) => [id, reason]),
      [['y', 'metadata must be JSON']],
    );
    assert.equal(new SqliteIndex(older.db).getMessage('x')?.status, 'pending');
    assert.equal(new TraceStore(older.db).getSpanByMessageId('x')?.status, 'sent');
    assert.deepEqual(new AgentRegistry(older.db).get('a')?.behavior, { responseMode: 'always' });
  });
});
