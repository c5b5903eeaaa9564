import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { backup, createDb, type HealthReport, PulseStore, SqliteIndex } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { runtimeCommand } from '../../support/runtime.ts';

function doctor(...args: string[]) {
  const [command, script] = runtimeCommand('src/cli/main.ts');
  const { status, stdout, stderr } = spawnSync(command, [script, 'doctor', ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const path = join(folder, name);
      return [name, `${statSync(path).mtimeMs} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`];
    }),
  );
}

describe('dork-db doctor', () => {
  it('ends with 0 for a sound file, leaves everything as it was, and prints the report of health() with --json', {
    timeout: 60_000,
  }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    const before = contents(folder.path);
    const json = doctor('--db', file, '--deep', '--json');
    assert.deepEqual(contents(folder.path), before);
    const report = JSON.parse(json.stdout) as HealthReport;
    const wrong = report.findings.filter(({ severity }) => severity === 'warning' || severity === 'error');
    // The temporary folder of some systems is in memory, which is worth a warning.
    const isInMemory = wrong.length === 1 && wrong[0]?.check === 'file-system';
    assert.deepEqual(wrong, isInMemory ? wrong : []);
    assert.equal(json.status, isInMemory ? 3 : 0, json.stderr);

    const text = doctor('--db', file);
    assert.equal(text.status, isInMemory ? 3 : 0, text.stderr);
    assert.match(text.stdout, /Every migration is applied/);
    assert.deepEqual(contents(folder.path), before);

    assert.equal(report.filename, file);
    assert.equal(report.depth, 'full');
    assert.ok(report.findings.length > 10);
    assert.ok((report.size?.objects?.length ?? 0) > 10);
    assert.deepEqual(report.damage, []);
  });

  it('reads a small file whole, and finds zeroed pages, and ends with the command that rescues the rows', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      const index = new SqliteIndex(db);
      for (let i = 0; i < 300; i++) {
        index.insertMessage({ id: String(i), subject: 's', endpointHash: 'e', payload: 'x'.repeat(500) });
      }
    }
    const sound = readFileSync(file);
    const pages = Math.floor(statSync(file).size / 4096);
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(6 * 4096), 0, 6 * 4096, (pages - 10) * 4096);
    closeSync(fd);
    const { status, stdout } = doctor('--db', file);
    assert.equal(status, 1, stdout);
    assert.match(stdout, /is damaged\. quick_check reports/);
    assert.ok(stdout.endsWith(`\n  dork-db recover --db '${file}'\n`), stdout);

    const damaged = readFileSync(file);
    writeFileSync(file, sound);
    let copy: string;
    {
      using db = createDb(file);
      copy = (await backup(db)).path;
    }
    writeFileSync(file, damaged);
    const withBackup = doctor('--db', file).stdout;
    assert.ok(withBackup.endsWith(`\n  dork-db restore '${copy}' --db '${file}'\n`), withBackup);
  });

  it('--deep reads the newest backup whole, and finds what a look does not', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    let path: string;
    {
      using db = createDb(file);
      const index = new SqliteIndex(db);
      for (let i = 0; i < 300; i++) {
        index.insertMessage({ id: String(i), subject: 's', endpointHash: 'e', payload: 'x'.repeat(500) });
      }
      ({ path } = await backup(db));
    }
    assert.match(doctor('--db', file, '--deep').stdout, /The newest backup was read whole and is good/);
    const pages = Math.floor(statSync(path).size / 4096);
    const fd = openSync(path, 'r+');
    writeSync(fd, Buffer.alloc(6 * 4096, 7), 0, 6 * 4096, (pages - 10) * 4096);
    closeSync(fd);
    assert.match(doctor('--db', file).stdout, /its pages were not read/);
    const deep = doctor('--db', file, '--deep');
    assert.equal(deep.status, 1, deep.stdout);
    assert.match(deep.stdout, /error +\S+dork-backup-\S+ is (damaged|not a usable backup)/);
  });

  it('ends with 3 for warnings and says what to do', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      new PulseStore(db).createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    }
    chmodSync(file, 0o640);
    const { status, stdout } = doctor('--db', file);
    assert.equal(status, 3, stdout);
    assert.match(stdout, /other users may read it/);
    assert.ok(stdout.includes(`Try: chmod 600 '${file}'`), stdout);
    assert.match(stdout, /There is no backup/);
  });

  it('ends with 1 for damage, and for a file that is not there, which it does not create', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    const fd = openSync(file, 'r+');
    writeSync(fd, Buffer.alloc(4096), 0, 4096, 20 * 4096);
    closeSync(fd);
    const damaged = doctor('--db', file, '--deep');
    assert.equal(damaged.status, 1, damaged.stdout);
    assert.match(damaged.stdout, /is damaged/);
    const missing = doctor('--db', folder.file('none.db'));
    assert.equal(missing.status, 1);
    assert.match(missing.stderr, /^Error: .*does not exist/);
    assert.match(missing.stderr, /\nTry: /);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith('none')),
      [],
    );
  });
});
