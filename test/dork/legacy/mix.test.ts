/** A release's dork.db together with the three oldest files: the newer one has the last word, also after a kill. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Connection, createDb, type Db, type ImportReceipt, importLegacy, moveReleaseAside } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { REAL_HOME, rowsOf, stateOf, TABLES } from './fixtures/older-home.ts';
import { type Release, writeRelease } from './fixtures/release.ts';

const FILES: readonly Release[] = ['v0.4.0', 'migration-5', 'august-2026'];
const ROUNDS = process.env.DORK_SOAK ? 50 : 4;
/** The values that a release writes where the generator of the files wrote anything. */
const REGULAR = [
  "UPDATE pulse_schedules SET status = 'active'",
  'UPDATE pulse_schedules SET enabled = enabled <> 0',
  `UPDATE pulse_runs SET status = 'completed', "trigger" = 'manual'`,
  "UPDATE relay_index SET status = 'pending'",
  "UPDATE relay_traces SET status = 'sent'",
  "UPDATE agents SET status = 'active'",
  'DELETE FROM pulse_runs WHERE schedule_id NOT IN (SELECT id FROM pulse_schedules)',
];

/** Changes an older file with SQL, and closes it. */
function change(path: string, ...statements: readonly string[]): void {
  using memory = createDb(':memory:');
  using file: Connection = memory.$client.sibling(path);
  file.exec('PRAGMA foreign_keys = OFF');
  for (const sql of statements) {
    try {
      file.exec(sql);
    } catch (error) {
      // The first release lacks some of the columns.
      assert.match(String(error), /no such column/);
    }
  }
}

/** Makes a home with the three oldest files, and a release's dork.db whose rows 1 have the ids of theirs. */
function mixedHome(home: string, release: Release): string {
  mkdirSync(home, { recursive: true });
  cpSync(REAL_HOME, home, { recursive: true });
  const file = writeRelease(join(home, 'dork.db'), release);
  change(
    file,
    ...REGULAR,
    `UPDATE pulse_schedules SET id = 'id-shared' WHERE id = 'id-pulse_schedules-1'`,
    `ATTACH '${join(home, 'pulse.db')}' AS pulse`,
    `ATTACH '${join(home, 'relay', 'index.db')}' AS relay`,
    `ATTACH '${join(home, 'mesh', 'mesh.db')}' AS mesh`,
    // Shared by both: the release goes on with what the older code wrote.
    `UPDATE pulse_runs SET id = (SELECT min(id) FROM pulse.runs), error = 'newer' WHERE id = 'id-pulse_runs-1'`,
    `UPDATE relay_index SET id = (SELECT min(id) FROM relay.messages), subject = 'newer',
       endpoint_hash = (SELECT endpoint_hash FROM relay.messages ORDER BY id LIMIT 1) WHERE id = 'id-relay_index-1'`,
    `UPDATE agents SET id = (SELECT min(id) FROM mesh.agents), name = 'newer', project_path = (SELECT project_path FROM mesh.agents ORDER BY id LIMIT 1) WHERE id = 'id-agents-1'`,
    'UPDATE pulse_runs SET schedule_id = (SELECT max(id) FROM pulse_schedules)',
    'DETACH pulse; DETACH relay; DETACH mesh; PRAGMA wal_checkpoint(TRUNCATE)',
  );
  return file;
}

function assertAddsUp(receipt: ImportReceipt): void {
  for (const source of receipt.sources) {
    assert.notEqual(source.status, 'failed', source.error?.message);
    for (const each of [source, ...source.tables]) {
      const { read, imported, updated, alreadyThere, deletedSince, setAside } = each;
      assert.equal(read, imported + updated + alreadyThere + deletedSince + setAside);
    }
    assert.equal(
      source.read,
      source.tables.reduce((sum, { read }) => sum + read, 0),
    );
  }
  assert.equal(
    receipt.read,
    receipt.sources.reduce((sum, { read }) => sum + read, 0),
  );
}

/** Every row of the seven tables, without ids that an import makes. */
function contentOf(db: Db): Record<string, unknown[]> {
  return Object.fromEntries(
    TABLES.map((table) => {
      const made = table === 'relay_traces' || table === 'agent_denials' ? 'id' : '';
      const rows = rowsOf(db, table).map((row) =>
        JSON.stringify(Object.entries(row).filter(([column]) => column !== made)),
      );
      return [table, rows.sort()];
    }),
  );
}

describe(`a release and the three oldest files in one home, on ${RUNTIME}`, () => {
  for (const release of FILES) {
    it(`${release}: whatever comes first, the release has the last word of a row that both have`, () => {
      using folder = temporaryFolder();
      const contents = [true, false].map((isTogether) => {
        const home = folder.file(`home-${isTogether}`);
        const file = mixedHome(home, release);
        const before = stateOf(home);
        using db = createDb(folder.file(`${isTogether}.db`));
        if (!isTogether) {
          // The older files first, by themselves, as someone has it who used this package before the release's file came.
          renameSync(file, join(home, 'later'));
          assertAddsUp(importLegacy(db, { home }));
          renameSync(join(home, 'later'), file);
        }
        const receipt = importLegacy(db, { home });
        assertAddsUp(receipt);
        assert.equal(receipt.updated, isTogether ? 0 : 3);
        const again = importLegacy(db, { home });
        assertAddsUp(again);
        assert.deepEqual([again.imported, again.updated, again.deletedSince], [0, 0, 0]);
        const { '.': _, ...files } = before;
        const { '.': __, ...after } = stateOf(home);
        assert.deepEqual(after, files);
        const rows = TABLES.reduce((sum, table) => sum + rowsOf(db, table).length, 0);
        const known = Number(db.$client.prepare<{ n: number }>('SELECT count(*) AS n FROM legacy_rows').get()?.n);
        assert.equal(rows, known, 'each row is remembered once');
        return contentOf(db);
      });
      assert.deepEqual(contents[0], contents[1]);
      assert.equal(contents[0]?.agents?.filter((row) => String(row).includes('["name","newer"]')).length, 1);
      assert.equal(contents[0]?.pulse_runs?.filter((row) => String(row).includes('["error","newer"]')).length, 1);
      assert.equal(contents[0]?.relay_index?.filter((row) => String(row).includes('["subject","newer"]')).length, 1);
    });
  }

  it('brings what is new and what moved on, on either side; what was changed or deleted here stays', () => {
    using folder = temporaryFolder();
    const home = folder.file('home');
    const file = mixedHome(home, 'august-2026');
    using db = createDb(folder.file('dork.db'));
    assertAddsUp(importLegacy(db, { home }));
    const [shared = '', gone = '', mine = '', moved = ''] = rowsOf(db, 'agents')
      .filter(({ id }) => !String(id).startsWith('id-'))
      .map(({ id }) => String(id));
    db.$client.exec(`DELETE FROM agents WHERE id = '${gone}'; UPDATE agents SET name = 'mine' WHERE id = '${mine}';
      DELETE FROM agents WHERE id = 'id-agents-2'; UPDATE agents SET name = 'mine' WHERE id = 'id-agents-3'`);
    change(
      join(home, 'mesh', 'mesh.db'),
      `UPDATE agents SET runtime = 'moved on' WHERE id IN ('${shared}', '${gone}', '${mine}', '${moved}')`,
      `INSERT INTO agents SELECT 'new-older', name, description, '/new-older', runtime, capabilities_json, manifest_json, registered_at, registered_by, last_seen_at, last_seen_event, namespace, scan_root FROM agents WHERE id = '${moved}'`,
    );
    change(
      file,
      "UPDATE agents SET runtime = 'moved on' WHERE id IN ('id-agents-2', 'id-agents-3', 'id-agents-4')",
      `INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES ('new', 's', 'h', 'pending', '2026-02-02T00:00:00.000Z'),
        ('new', 's', 'h2', 'pending', '2026-02-02T00:00:00.000Z')`,
    );
    for (const dryRun of [true, false]) {
      const receipt = importLegacy(db, { home, dryRun });
      assertAddsUp(receipt);
      assert.deepEqual([receipt.imported, receipt.updated, receipt.deletedSince], [3, 2, 2]);
    }
    const agentsNow = new Map(rowsOf(db, 'agents').map((row) => [row.id, row]));
    assert.deepEqual(
      [shared, mine, moved, 'id-agents-3', 'id-agents-4', 'new-older'].map((id) => {
        const { name, runtime } = agentsNow.get(id) ?? {};
        return [name === 'mine', runtime === 'moved on'];
      }),
      [
        [false, false],
        [true, false],
        [false, true],
        [true, false],
        [false, true],
        [false, true],
      ],
    );
    assert.deepEqual([agentsNow.has(gone), agentsNow.has('id-agents-2')], [false, false]);
    const again = importLegacy(db, { home });
    assert.deepEqual([again.imported, again.updated, again.deletedSince], [0, 0, 2]);
  });

  it(`is moved and imported whole by the next command after a kill at any of ${ROUNDS} moments`, {
    timeout: 600_000,
  }, async () => {
    using folder = temporaryFolder();
    const model = folder.file('model');
    mixedHome(model, 'august-2026');
    const [command, script] = runtimeCommand('src/cli/main.ts', RUNTIME);
    const start = (home: string) =>
      spawn(command, [script, 'import', '--json'], { env: { ...process.env, DORK_HOME: home }, stdio: 'ignore' });
    const homeOf = (name: string) => {
      const home = folder.file(name);
      cpSync(model, home, { recursive: true, preserveTimestamps: true });
      return home;
    };
    const whole = homeOf('whole');
    const began = performance.now();
    const [code] = await once(start(whole), 'exit');
    assert.equal(code, 0);
    const duration = performance.now() - began;
    const expected = read(whole);
    let killed = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const home = homeOf(`round-${round}`);
      const child = start(home);
      const ended = once(child, 'exit');
      // The runtime itself starts for the first part of the time.
      const timer = setTimeout(() => child.kill('SIGKILL'), ((round + 0.3 + Math.random() * 0.7) / ROUNDS) * duration);
      const [, signal] = await ended;
      clearTimeout(timer);
      if (signal === 'SIGKILL') killed++;
      moveReleaseAside(join(home, 'dork.db'));
      {
        using db = createDb(join(home, 'dork.db'));
        assertAddsUp(importLegacy(db, { home }));
      }
      assert.deepEqual(read(home), expected);
      const left = readdirSync(home).filter((name) => /partial|moving|import/.test(name));
      assert.deepEqual(left, []);
      rmSync(home, { recursive: true });
    }
    assert.ok(killed > 0, 'some were killed in time');

    function read(home: string): unknown {
      using db = createDb(join(home, 'dork.db'), { migrations: 'require' });
      assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
      return contentOf(db);
    }
  });
});
