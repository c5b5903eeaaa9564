/** dork-db export and dork-db import --from-export, on everything that DorkOS's files bring. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createDb, exportDb, health, importExport, importLegacy, SqliteIndex } from '#entry';
import { fatten, SLOW_DISK_MS } from '../../engine/backup/support.ts';
import { contentOf, filesOf } from '../../engine/export/support.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { pause } from '../../support/processes.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';

const FIXTURES = join(ROOT, 'test', 'fixtures');

function dorkDb(home: string, ...args: string[]) {
  const [command, script] = runtimeCommand('src/cli/main.ts');
  const env = { ...process.env, DORK_HOME: home, NO_COLOR: '1', FORCE_COLOR: undefined };
  return spawnSync(command, [script, ...args], { cwd: home, env, encoding: 'utf8' });
}

describe(`dork-db export on ${RUNTIME}`, () => {
  it('and back keeps every row and value of every release and of the older files', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    for (const name of ['v0.4.0', 'migration-5', 'august-2026']) {
      writeFileSync(
        folder.file(`${name}.db`),
        gunzipSync(readFileSync(join(FIXTURES, 'dorkos-releases', `${name}.db.gz`))),
      );
      importLegacy(db, { home: folder.file(`${name}.db`), keepOrphans: true });
    }
    importLegacy(db, { home: join(FIXTURES, 'legacy-home'), keepOrphans: true });
    const { to } = await exportDb(db);
    await importExport({ from: to, to: folder.file('copy.db') });
    using copy = createDb(folder.file('copy.db'), { migrations: 'require' });
    assert.deepEqual(contentOf(copy), contentOf(db));
    assert.ok(new SqliteIndex(copy).getMetrics().totalMessages >= 60);
    const errors = health(copy, { deep: true }).findings.filter(({ severity }) => severity === 'error');
    assert.deepEqual(errors, []);
    // What was imported is known in the copy: nothing comes twice.
    assert.equal(importLegacy(copy, { home: folder.file('august-2026.db') }).imported, 0);
  });

  it('and back counts again what is derived, also if someone edited it in the export', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const index = new SqliteIndex(db);
    const message = { endpointHash: 'e', status: 'pending' } as const;
    index.insertMessages([
      { ...message, id: 'a', subject: 's' },
      { ...message, id: 'b', subject: 's', status: 'failed' },
      { ...message, id: 'c', subject: 't' },
      { ...message, id: 'd', subject: 'gone' },
    ]);
    db.$client.exec("DELETE FROM relay_index WHERE id = 'd'");
    const { to } = await exportDb(db);
    await importExport({ from: to, to: folder.file('honest.db') });
    {
      using honest = createDb(folder.file('honest.db'));
      assert.deepEqual(contentOf(honest), contentOf(db));
    }
    const forge = (change: (lines: Record<string, unknown>[]) => Record<string, unknown>[]) => {
      const path = join(to, 'relay_counts.jsonl');
      const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
      const rows = change(lines.map((line) => JSON.parse(line)));
      const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      writeFileSync(path, text);
      const manifest = JSON.parse(readFileSync(join(to, 'export.json'), 'utf8'));
      const table = manifest.tables.find(({ file }: { file: string }) => file === 'relay_counts.jsonl');
      const sha256 = createHash('sha256').update(text).digest('hex');
      Object.assign(table, { rows: rows.length, bytes: Buffer.byteLength(text), sha256 });
      writeFileSync(join(to, 'export.json'), JSON.stringify(manifest));
    };
    const edits = [
      (rows: Record<string, unknown>[]) => rows.map((row) => ({ ...row, pending: 7 })),
      (rows: Record<string, unknown>[]) => [...rows, { ...rows[0], subject: 'never' }],
      () => [],
    ];
    for (const [i, change] of edits.entries()) {
      forge(change);
      const file = folder.file(`forged-${i}.db`);
      await importExport({ from: to, to: file });
      using forged = createDb(file);
      assert.deepEqual(new SqliteIndex(forged).getMetrics(), index.getMetrics());
      const counters = health(forged, { deep: true }).findings.filter(({ check }) => check === 'counters');
      assert.deepEqual(
        counters.map(({ severity }) => severity),
        ['ok'],
      );
    }
  });

  it('is done by two commands, whose reports are JSON or a screen', () => {
    using folder = temporaryFolder();
    createDb(folder.file('dork.db')).$client.close();
    const made = dorkDb(folder.path, 'export', '--to', 'out');
    assert.equal(made.status, 0, made.stderr);
    assert.match(made.stdout, /^\/.*\/out: 0 rows, 0 bytes in /);
    assert.match(made.stdout, /Left out: __drizzle_migrations/);
    const back = dorkDb(folder.path, 'import', '--from-export', 'out', '--db', 'new.db', '--json');
    assert.equal(back.status, 0, back.stderr);
    assert.equal(JSON.parse(back.stdout).to, folder.file('new.db'));
    assert.equal(dorkDb(folder.path, 'status', '--db', 'new.db').status, 0);
    const some = dorkDb(folder.path, 'export', '--json', '--to', 'some', '--table', 'agents', 'pulse_runs');
    assert.deepEqual(Object.keys(JSON.parse(some.stdout).rows), ['agents', 'pulse_runs']);
  });

  it('refuses what is not there, what is taken, and options that contradict each other', () => {
    using folder = temporaryFolder();
    assert.match(dorkDb(folder.path, 'export').stderr, /dork\.db does not exist/);
    assert.equal(existsSync(folder.file('dork.db')), false);
    createDb(folder.file('dork.db')).$client.close();
    mkdirSync(folder.file('taken'));
    const before = readFileSync(folder.file('dork.db'));
    for (const [args, status, said] of [
      [['export', '--to', 'taken'], 1, /taken already exists\. It was not changed, and no export was made\./],
      [['export', '--to', 'a/b'], 1, /No export was made/],
      [['export', '--to', 'x', '--table', 'nothing'], 1, /Tables to export: agent_denials, agents/],
      [['import', '--from-export', 'taken', '--db', 'new.db'], 1, /is not an export: it has no export\.json/],
      [['import', '--from-export', 'taken', '--dry-run'], 2, /cannot be used with option/],
      [['import', '--from-export', 'taken', '--from', 'x'], 2, /cannot be used with option/],
    ] as const) {
      const result = dorkDb(folder.path, ...args);
      assert.equal(result.status, status, args.join(' '));
      assert.match(result.stderr, said);
    }
    assert.equal(dorkDb(folder.path, 'export', '--to', 'out').status, 0);
    const onto = dorkDb(folder.path, 'import', '--from-export', 'out');
    assert.equal(onto.status, 1);
    assert.match(onto.stderr, /dork\.db already exists/);
    assert.deepEqual(readFileSync(folder.file('dork.db')), before);
    assert.deepEqual(readdirSync(folder.path).sort(), ['dork.db', 'out', 'taken']);
  });

  it('that is interrupted leaves nothing, and says one sentence', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      fatten(db, 40);
    }
    const isRunning = () => readdirSync(folder.path).some((name) => name.endsWith('.partial'));
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const child = spawn(command, [script, 'export', '--db', file, '--to', folder.file('out')], { stdio: 'pipe' });
    let said = '';
    child.stderr.on('data', (data) => (said += data));
    while (!isRunning() && child.exitCode === null) await pause(1);
    child.kill('SIGINT');
    const [, signal] = await once(child, 'close');
    assert.equal(signal, 'SIGINT', said);
    assert.match(said, new RegExp(`Interrupted\\. No export was made, and ${file} was not changed\\.\\n$`));
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith('out')),
      [],
    );
    // A killed process leaves its -wal, which is a part of the database.
    using db = createDb(file);
    assert.deepEqual(Object.keys(filesOf((await exportDb(db, { to: folder.file('out') })).to)).length, 21);
  });
});
