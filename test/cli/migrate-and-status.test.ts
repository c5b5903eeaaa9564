/** The command as a person runs it, in a process of its own, on this runtime. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, pulseSchedules } from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../support/runtime.ts';

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const LEGACY = ['schedules.json', 'pulse.db', 'relay/index.db', 'mesh/mesh.db'];

describe(`dork-db on ${RUNTIME}`, () => {
  /** Runs `dork-db` in a home, by the default path. */
  function dorkDb(home: string, ...args: string[]): Outcome {
    const [command, script] = runtimeCommand('src/cli/main.ts');
    return spawnSync(command, [script, ...args], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, DORK_HOME: home, NO_COLOR: '1' },
    });
  }

  it('creates the file, says what it applied, and then that there is nothing to do', () => {
    using folder = temporaryFolder();
    const home = folder.file('home');
    const first = dorkDb(home, 'migrate');
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stdout, new RegExp(`^${home}/dork.db: applied \\d+ migrations? in \\d+ ms`));
    assert.match(first.stdout, /0000_consolidate {2}\d+ statements, \d+ ms/);
    assert.equal((statSync(home).mode & 0o777).toString(8), '700');
    assert.deepEqual(readdirSync(home), ['dork.db']);
    const second = dorkDb(home, 'migrate');
    assert.equal(second.status, 0);
    assert.match(second.stdout, /is up to date \(\d+ migrations?\)/);
    const json = JSON.parse(dorkDb(home, 'migrate', '--json').stdout);
    assert.deepEqual(json.applied, []);
    assert.equal(json.filename, `${home}/dork.db`);
  });

  it('leaves the older files byte for byte as they were and says that they wait', () => {
    using folder = temporaryFolder();
    for (const name of LEGACY) {
      mkdirSync(dirname(folder.file(name)), { recursive: true });
      writeFileSync(folder.file(name), `what ${name} held`);
    }
    const before = LEGACY.map((name) => [readFileSync(folder.file(name), 'utf8'), statSync(folder.file(name)).mtimeMs]);
    const { status, stdout } = dorkDb(folder.path, 'migrate');
    assert.equal(status, 0);
    for (const name of LEGACY) assert.ok(stdout.includes(folder.file(name)), name);
    assert.deepEqual(
      LEGACY.map((name) => [readFileSync(folder.file(name), 'utf8'), statSync(folder.file(name)).mtimeMs]),
      before,
    );
    assert.deepEqual(readdirSync(folder.path).sort(), ['dork.db', 'mesh', 'pulse.db', 'relay', 'schedules.json']);
  });

  it('says what the file holds, and writes nothing', () => {
    using folder = temporaryFolder();
    const none = dorkDb(folder.path, 'status');
    assert.equal(none.status, 3, none.stderr);
    assert.match(none.stdout, /does not exist yet/);
    assert.deepEqual(readdirSync(folder.path), []);
    {
      using db = createDb(folder.file('dork.db'));
      db.insert(pulseSchedules)
        .values({ id: 's', name: 'n', cron: 'c', prompt: 'p', createdAt: 'c', updatedAt: 'u' })
        .run();
    }
    const before = readFileSync(folder.file('dork.db'));
    const report = JSON.parse(dorkDb(folder.path, 'status', '--json').stdout);
    assert.equal(report.filename, folder.file('dork.db'));
    assert.equal(report.state, 'current');
    assert.equal(report.bytes, before.length);
    assert.equal(report.walBytes, 0);
    assert.equal(report.rows.pulse_schedules, 1);
    assert.equal(report.driver, RUNTIME === 'bun' ? 'bun:sqlite' : 'better-sqlite3');
    assert.match(report.driverVersion, /^\d+\.\d+\.\d+$/);
    assert.match(report.sqliteVersion, /^3\.\d+\.\d+$/);
    assert.deepEqual(report.pending, []);
    assert.match(report.applied[0].appliedAt, /^\d{4}-/);
    const text = dorkDb(folder.path, 'status').stdout;
    for (const part of [
      'dork.db',
      '-wal',
      report.sqliteVersion,
      report.driverVersion,
      report.applied.at(-1).tag,
      'pulse_schedules',
    ]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    assert.deepEqual(readFileSync(folder.file('dork.db')), before);
    assert.deepEqual(readdirSync(folder.path), ['dork.db']);
  });

  it('prints Error: and Try: and exits with 1; with --json the same fields', () => {
    using folder = temporaryFolder();
    const db = folder.file('missing/dork.db');
    const text = dorkDb(folder.path, 'migrate', '--db', db);
    assert.equal(text.status, 1);
    assert.match(text.stderr, /^Error: The folder .*missing does not exist.*\nTry: /);
    assert.equal(text.stdout, '');
    const json = dorkDb(folder.path, 'migrate', '--db', db, '--json');
    assert.equal(json.status, 1);
    const { error } = JSON.parse(json.stdout);
    assert.equal(error.name, 'DatabaseOpenError');
    assert.equal(error.code, 'FOLDER_MISSING');
    assert.equal(error.retryable, false);
    assert.ok(error.hint.length > 0);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('exits with 2 where the command line is wrong, and with 0 for help', () => {
    using folder = temporaryFolder();
    for (const args of [['nothing'], ['status', '--nothing'], ['status', 'more'], ['migrate', '--db']]) {
      assert.equal(dorkDb(folder.path, ...args).status, 2, args.join(' '));
    }
    for (const args of [[], ['--help'], ['migrate', '--help'], ['--version']]) {
      assert.equal(dorkDb(folder.path, ...args).status, 0, args.join(' '));
    }
    assert.match(dorkDb(folder.path, 'migrate', '--help').stdout, /Examples:/);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('refuses a path that a driver would take for another one, and creates nothing', () => {
    using folder = temporaryFolder();
    for (const path of ['', '~/dork.db', 'file:dork.db', `${folder.file('dork.db')} `]) {
      const { status, stdout } = dorkDb(folder.path, 'migrate', '--json', '--db', path);
      assert.equal(status, 1);
      assert.equal(JSON.parse(stdout).error.code, 'INVALID_INPUT');
    }
    assert.deepEqual(readdirSync(folder.path), []);
  });
});
