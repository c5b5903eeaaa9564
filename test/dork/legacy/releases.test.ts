/** The dork.db of DorkOS's own releases as a source, compared with what plain SQL reads. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import {
  AgentRegistry,
  createDb,
  type ImportReceipt,
  importLegacy,
  PulseStore,
  runMigrations,
  SqliteIndex,
  TraceStore,
} from '#entry';
import { history } from '../../../drizzle/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { historyUpTo } from '../../kit/database-at.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME } from '../../support/runtime.ts';
import {
  MESSAGES,
  message,
  type OlderHome,
  olderHome,
  PULSE,
  receiptOf,
  rowsOf,
  run,
  schedule,
  stateOf,
  type Values,
} from './fixtures/older-home.ts';

const FILES = ['v0.4.0', 'migration-5', 'august-2026'] as const;
/** The columns that identify a row. */
const TABLES: Record<string, readonly string[]> = {
  pulse_schedules: ['id'],
  pulse_runs: ['id'],
  relay_index: ['id', 'endpoint_hash'],
  relay_traces: ['id'],
  agents: ['id'],
  agent_denials: ['id'],
  rate_limit_buckets: ['agent_id', 'bucket_minute'],
};

/** The values that a release writes where the generator of the files wrote anything. */
const REGULAR = [
  "UPDATE pulse_schedules SET status = 'active'",
  'UPDATE pulse_schedules SET enabled = enabled <> 0',
  `UPDATE pulse_runs SET status = 'completed', "trigger" = 'manual'`,
  "UPDATE relay_index SET status = 'pending'",
  "UPDATE relay_traces SET status = 'sent'",
  "UPDATE relay_traces SET kind = 'delivery'",
  "UPDATE agents SET status = 'active'",
];

/** Puts a release's file into a home, as it is or with regular values, and gives its path. */
function release(older: OlderHome, file: (typeof FILES)[number], isRegular: boolean, name = 'dork.db'): string {
  const path = join(older.home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, gunzipSync(readFileSync(join(ROOT, `test/fixtures/dorkos-releases/${file}.db.gz`))), {
    mode: 0o644,
  });
  if (isRegular) change(older, name, ...REGULAR);
  return path;
}

/** Changes a release's file; a statement about a column or a table that it lacks does nothing. */
function change(older: OlderHome, name: string, ...statements: readonly string[]): void {
  using file = older.open(name);
  file.exec('PRAGMA foreign_keys = OFF');
  for (const sql of statements) {
    try {
      file.exec(sql);
    } catch (error) {
      assert.match(String(error), /no such (column|table)/);
    }
  }
}

/** Asserts that each row of ours says what the release's row says, column by column. Returns how many were compared. */
function assertSame(older: OlderHome, name: string): number {
  let compared = 0;
  using file = older.open(name);
  for (const [table, key] of Object.entries(TABLES)) {
    const there = file.prepare<{ n: number }>('SELECT count(*) AS n FROM sqlite_schema WHERE name = ?').get(table)?.n;
    if (!there) continue;
    const isRow = key.map((column) => `${column} = ?`).join(' AND ');
    const find = file.prepare<Values>(`SELECT * FROM ${table} WHERE ${isRow}`);
    for (const row of rowsOf(older.db, table)) {
      const source = find.get(...key.map((column) => row[column]));
      assert.ok(source, `${table} ${key.map((column) => row[column])}`);
      for (const [column, value] of Object.entries(row)) {
        if (column in source) assert.deepEqual(value, source[column], `${table}.${column}`);
      }
      compared++;
    }
  }
  return compared;
}

function assertAddsUp(receipt: ImportReceipt): void {
  for (const source of receipt.sources) {
    for (const { read, imported, updated, alreadyThere, deletedSince, setAside } of [source, ...source.tables]) {
      assert.equal(read, imported + updated + alreadyThere + deletedSince + setAside);
    }
    assert.equal(
      source.setAside,
      source.setAsideReasons.reduce((sum, { rows }) => sum + rows, 0),
    );
  }
}

describe(`the dork.db of DorkOS's releases on ${RUNTIME}`, () => {
  for (const file of FILES) {
    it(`as ${file}: what fits comes in exactly, the rest is named, and the file stays as it is`, () => {
      using older = olderHome();
      const path = release(older, file, false);
      const before = stateOf(older.home);
      const dry = importLegacy(older.db, { home: path, dryRun: true });
      const receipt = importLegacy(older.db, { home: path });
      assert.deepEqual(stateOf(older.home), before);
      assertAddsUp(receipt);
      const counts = ({ imported, setAside, failed }: ImportReceipt) => [imported, setAside, failed];
      assert.deepEqual(counts(dry), counts(receipt));
      assert.deepEqual([receipt.failed, receipt.sources.map(({ source }) => source)], [0, ['dork.db']]);
      assert.equal(assertSame(older, 'dork.db'), receipt.imported);
      assert.ok(receipt.imported > 0);
      const again = importLegacy(older.db, { home: path });
      assert.deepEqual([again.imported, again.updated, again.setAside], [0, 0, receipt.setAside]);
    });

    it(`as ${file} with the values that a release writes: every row, from its folder`, () => {
      using older = olderHome();
      release(older, file, true);
      const receipt = importLegacy(older.db, { home: older.home });
      const { read, imported, setAsideReasons } = receiptOf(receipt, 'dork.db');
      assertAddsUp(receipt);
      // One file holds a run of a schedule that is gone.
      const orphans = file === 'migration-5' ? 1 : 0;
      assert.deepEqual(
        setAsideReasons.map(({ reason }) => reason),
        orphans ? ['its schedule is missing'] : [],
      );
      assert.equal(imported, read - orphans);
      assert.equal(assertSame(older, 'dork.db'), imported);
      const source = rowsOf(older.db, 'legacy_imports')[0];
      assert.deepEqual([source?.source, source?.rows_imported], ['dork.db', imported]);
    });
  }

  it('keeps what this package has no column for: with the agents, and by name in the receipt', () => {
    using older = olderHome();
    release(older, 'august-2026', true);
    const { notRead } = receiptOf(importLegacy(older.db, { home: older.home }), 'dork.db');
    for (const each of ['rooms (20 rows)', 'messages (20 rows)', 'pulse_schedules.file_path (20 values)']) {
      assert.ok(notRead.includes(each), each);
    }
    assert.ok(!notRead.some((each) => each.startsWith('agents.')), notRead.join());
    const registry = new AgentRegistry(older.db);
    for (const row of older.rows('dork.db', 'agents')) {
      const entry = registry.get(String(row.id)) as unknown as Record<string, unknown>;
      assert.equal(entry.displayName ?? null, row.display_name);
      assert.equal(entry.persona ?? null, row.persona);
      assert.equal(entry.model ?? null, row.model);
      const flag =
        row.persona_enabled === 0 || row.persona_enabled === 1 ? row.persona_enabled === 1 : row.persona_enabled;
      assert.equal(entry.personaEnabled, flag);
      assert.deepEqual(entry.traits ?? null, row.traits_json === null ? null : JSON.parse(String(row.traits_json)));
    }
  });

  it('brings the row of every endpoint of a message, and every kind and status of a trace', () => {
    using older = olderHome();
    release(older, 'august-2026', true);
    change(
      older,
      'dork.db',
      'DELETE FROM relay_index',
      `INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES
        ('m1', 's', '*', 'delivered', '2026-02-05T00:00:00.000Z'), ('m1', 's', 'h1', 'pending', '2026-02-02T00:00:00.000Z'),
        ('m1', 's', 'h2', 'failed', '2026-02-03T00:00:00.000Z'), ('m1', 's', 'adapter:x', 'pending', '2026-02-04T00:00:00.000Z'),
        ('m2', 's', '*', 'pending', '2026-02-02T00:00:00.000Z')`,
      "UPDATE relay_traces SET kind = 'lifecycle', status = 'failed' WHERE rowid % 2 = 0",
      "UPDATE relay_traces SET status = 'no_subscriber' WHERE rowid = 1",
      "UPDATE relay_traces SET kind = 'unheard of' WHERE rowid = 3",
    );
    for (const dryRun of [true, false]) {
      const { tables, setAsideReasons, notRead } = receiptOf(
        importLegacy(older.db, { home: older.home, dryRun }),
        'dork.db',
      );
      const of = (name: string) => tables.find(({ table }) => table === name);
      assert.deepEqual([of('relay_index')?.imported, of('relay_traces')?.imported], [5, 19]);
      assert.deepEqual(
        setAsideReasons.map(({ reason }) => reason),
        ['kind must be a known value'],
      );
      assert.ok(!notRead.some((each) => each.startsWith('relay_')), notRead.join());
    }
    assertSame(older, 'dork.db');
    const index = new SqliteIndex(older.db);
    assert.deepEqual(
      ['*', 'h1', 'h2', 'adapter:x'].map((endpoint) => index.getMessage('m1', endpoint)?.status),
      ['delivered', 'pending', 'failed', 'pending'],
    );
    assert.equal(index.getMessage('m2')?.endpointHash, '*');
    const { totalMessages, failedCount } = new TraceStore(older.db).getMetrics();
    assert.deepEqual([totalMessages, failedCount], [9, 0]);
    change(older, 'dork.db', "UPDATE relay_index SET status = 'delivered' WHERE id = 'm1' AND endpoint_hash = 'h1'");
    older.db.$client.exec("DELETE FROM relay_index WHERE id = 'm1' AND endpoint_hash = 'h2'");
    for (const dryRun of [true, false]) {
      const again = importLegacy(older.db, { home: older.home, dryRun });
      assert.deepEqual([again.imported, again.updated, again.deletedSince], [0, 1, 1]);
    }
    assert.equal(index.getMessage('m1', 'h1')?.status, 'delivered');
  });

  it('brings the endpoints that an import into an older dork.db has left out, and nothing that was deleted in it', () => {
    using older = olderHome();
    release(older, 'august-2026', true);
    using folder = temporaryFolder();
    using db = createDb(folder.file('before.db'), { migrations: 'skip' });
    migrate(db.$client, historyUpTo(history, 5), { snapshot: false });
    db.$client.exec(`INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES
        ('m1', 's', 'h1', 'pending', '2026-02-02T00:00:00.000Z');
      INSERT INTO legacy_rows (kind, id, state) VALUES ('message', 'm1', 'as it was release'), ('message', 'm2', 'x release')`);
    runMigrations(db);
    change(
      older,
      'dork.db',
      'DELETE FROM relay_index',
      `INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES
        ('m1', 's', 'h1', 'pending', '2026-02-02T00:00:00.000Z'), ('m1', 's', 'h2', 'failed', '2026-02-02T00:00:00.000Z'),
        ('m2', 's', 'h1', 'pending', '2026-02-02T00:00:00.000Z'), ('m2', 's', 'h2', 'pending', '2026-02-02T00:00:00.000Z')`,
    );
    const { tables } = receiptOf(importLegacy(db, { home: older.home }), 'dork.db');
    const messages = tables.find(({ table }) => table === 'relay_index');
    assert.deepEqual([messages?.imported, messages?.alreadyThere, messages?.deletedSince], [1, 1, 2]);
  });

  it('keeps the row of a message that an older file says less of', () => {
    using older = olderHome();
    release(older, 'august-2026', true);
    change(
      older,
      'dork.db',
      'DELETE FROM relay_index',
      `INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES
        ('m1', 's', '*', 'pending', '2026-02-02T00:00:00.000Z'), ('m1', 's', 'h2', 'failed', '2026-02-02T00:00:00.000Z')`,
    );
    older.write('relay/index.db', MESSAGES, {
      messages: [message('m1', { endpoint_hash: 'h2', status: 'cur' }), message('m3', { endpoint_hash: 'h2' })],
    });
    assert.equal(importLegacy(older.db, { home: older.home }).failed, 0);
    const rows = () =>
      rowsOf(older.db, 'relay_index').map(({ id, endpoint_hash, status }) => [id, endpoint_hash, status]);
    const expected = [
      ['m1', '*', 'pending'],
      ['m1', 'h2', 'failed'],
      ['m3', 'h2', 'pending'],
    ];
    assert.deepEqual(rows().sort(), expected);
    // In a table with one row of a message the endpoint may change: it is the same row.
    change(older, 'relay/index.db', "UPDATE messages SET endpoint_hash = 'h9'");
    for (const dryRun of [true, false]) {
      const again = importLegacy(older.db, { home: older.home, dryRun });
      assert.deepEqual([again.imported, again.updated], [0, 1]);
    }
    assert.deepEqual(rows().sort(), [...expected.slice(0, 2), ['m3', 'h9', 'pending']]);
  });

  it('is newer than the older three, whichever came first', () => {
    for (const releaseFirst of [true, false]) {
      using older = olderHome();
      const id = 'id-pulse_schedules-1';
      older.schedules([schedule(id, { name: 'older' }), schedule('s2')]);
      older.write('pulse.db', PULSE, {
        runs: [run('id-pulse_runs-1', { schedule_id: id, status: 'running' }), run('r2', { schedule_id: 's2' })],
      });
      if (!releaseFirst) assert.equal(importLegacy(older.db, { home: older.home }).imported, 4);
      const path = release(older, 'v0.4.0', true);
      const receipt = importLegacy(older.db, { home: older.home });
      assert.equal(receiptOf(receipt, 'dork.db').updated, releaseFirst ? 0 : 2);
      change(older, 'pulse.db', "UPDATE runs SET error = 'older' WHERE id = 'id-pulse_runs-1'");
      const again = importLegacy(older.db, { home: older.home });
      assert.deepEqual([again.imported, again.updated], [0, 0]);
      const pulse = new PulseStore(older.db);
      assert.equal(pulse.getSchedule(id)?.name, 'name-pulse_schedules-1');
      const { status, error } = pulse.getRun('id-pulse_runs-1') ?? {};
      assert.deepEqual([status, error], ['completed', 'null\0byte']);
      assert.equal(pulse.getRun('r2')?.scheduleId, 's2');
      assert.ok(path);
    }
  });

  it('brings what is new and what moved on there; what was changed or deleted here stays', () => {
    using older = olderHome();
    release(older, 'migration-5', true);
    importLegacy(older.db, { home: older.home });
    older.db.$client.exec(`UPDATE agents SET name = 'mine' WHERE id = 'id-agents-1';
      DELETE FROM agents WHERE id = 'id-agents-2'; DELETE FROM relay_index WHERE id = 'id-relay_index-3'`);
    change(
      older,
      'dork.db',
      "UPDATE agents SET color = 'red' WHERE id IN ('id-agents-1', 'id-agents-2', 'id-agents-3')",
      "UPDATE pulse_runs SET status = 'failed' WHERE id = 'id-pulse_runs-4'",
      'UPDATE rate_limit_buckets SET count = count + 1 WHERE rowid = 1',
      `INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES ('new', 's', 'h', 'pending', '2026-02-02T00:00:00.000Z')`,
    );
    for (const dryRun of [true, false]) {
      const receipt = importLegacy(older.db, { home: older.home, dryRun });
      assert.deepEqual([receipt.imported, receipt.updated, receipt.deletedSince], [1, 3, 2]);
      assertAddsUp(receipt);
    }
    const registry = new AgentRegistry(older.db);
    assert.equal(registry.get('id-agents-1')?.name, 'mine');
    assert.equal(registry.get('id-agents-2'), undefined);
    assert.equal((registry.get('id-agents-3') as unknown as Record<string, unknown>).color, 'red');
    assert.equal(new PulseStore(older.db).getRun('id-pulse_runs-4')?.status, 'failed');
    assert.ok(new SqliteIndex(older.db).getMessage('new'));
  });

  it('is not mistaken for this database, nor for a file of something else', () => {
    using older = olderHome();
    const own = older.db.$client.filename;
    const receipt = importLegacy(older.db, { home: dirname(own) });
    assert.ok(!receipt.sources.some(({ source }) => source === 'dork.db'));
    const other = join(older.home, 'other.db');
    older.write('other.db', 'CREATE TABLE notes (x)');
    const { error } = receiptOf(importLegacy(older.db, { home: other }), 'dork.db');
    assert.deepEqual([error?.name, error?.code], ['ImportError', 'FOREIGN']);
  });
});
