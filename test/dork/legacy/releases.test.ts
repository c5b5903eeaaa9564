/** The dork.db of DorkOS's own releases as a source, compared with what plain SQL reads. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { AgentRegistry, type ImportReceipt, importLegacy, PulseStore, SqliteIndex } from '#entry';
import { ROOT, RUNTIME } from '../../support/runtime.ts';
import {
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
const TABLES: Record<string, string> = {
  pulse_schedules: 'id',
  pulse_runs: 'id',
  relay_index: 'id',
  relay_traces: 'id',
  agents: 'id',
  agent_denials: 'id',
  rate_limit_buckets: 'agent_id',
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
    const find = file.prepare<Values>(`SELECT * FROM ${table} WHERE ${key} = ?`);
    for (const row of rowsOf(older.db, table)) {
      const source = find.get(row[key]);
      assert.ok(source, `${table} ${row[key]}`);
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
        orphans ? ['its schedule is gone'] : [],
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

  it('takes the row of the last endpoint of a message, and no trace that is not a delivery', () => {
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
      "UPDATE relay_traces SET kind = 'lifecycle' WHERE rowid % 2 = 0",
    );
    for (const imported of [true, false]) {
      const { tables, setAsideReasons } = receiptOf(importLegacy(older.db, { home: older.home }), 'dork.db');
      const of = (name: string) => tables.find(({ table }) => table === name);
      assert.deepEqual([of('relay_index')?.imported, of('relay_index')?.setAside], [imported ? 2 : 0, 3]);
      assert.equal(of('relay_traces')?.setAside, 10);
      assert.deepEqual(setAsideReasons.map(({ reason }) => reason).sort(), [
        'id has a row of another endpoint',
        'kind is not delivery',
      ]);
    }
    const index = new SqliteIndex(older.db);
    assert.deepEqual([index.getMessage('m1')?.endpointHash, index.getMessage('m1')?.status], ['h2', 'failed']);
    assert.equal(index.getMessage('m2')?.endpointHash, '*');
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
