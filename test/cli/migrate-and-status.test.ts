/** The command as a person runs it, in a process of its own, on this runtime. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
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
    assert.match(first.stdout, new RegExp(`^${home}/dork.db: applied \\d+ migrations? in [\\d.]+ m?s`));
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
    assert.equal(dorkDb(folder.path).status, 3, 'there is no file, as status says it');
    for (const args of [['--help'], ['migrate', '--help'], ['--version']]) {
      assert.equal(dorkDb(folder.path, ...args).status, 0, args.join(' '));
    }
    assert.match(dorkDb(folder.path, 'migrate', '--help').stdout, /Examples:/);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('refuses a path that a driver would take for another one, and creates nothing', () => {
    using folder = temporaryFolder();
    for (const path of ['', '~', 'file:dork.db', `${folder.file('dork.db')} `]) {
      const { status, stdout } = dorkDb(folder.path, 'migrate', '--json', '--db', path);
      assert.equal(status, 1);
      assert.equal(JSON.parse(stdout).error.code, 'INVALID_INPUT');
    }
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('expands ~ where a shell has left it', () => {
    using folder = temporaryFolder();
    const home = process.env.HOME;
    process.env.HOME = folder.path;
    try {
      assert.equal(dorkDb(folder.file('home'), 'migrate', '--db=~/dork.db').status, 0);
      assert.equal(dorkDb(folder.file('home'), 'backup', '--db', '~/dork.db', '--to', '~/copy.db').status, 0);
      const { status, stdout } = dorkDb(folder.file('home'), 'verify', '~/copy.db');
      assert.equal(status, 0);
      assert.ok(stdout.startsWith(`${folder.file('copy.db')}: `), stdout);
    } finally {
      if (home === undefined) delete process.env.HOME;
      else process.env.HOME = home;
    }
    // Bun keeps a folder of its own in a home.
    const made = readdirSync(folder.path).filter((name) => name !== '.bun');
    assert.deepEqual(made.sort(), ['copy.db', 'dork.db']);
  });

  it('names an option as it was typed, and says where its help is', () => {
    using folder = temporaryFolder();
    assert.equal(dorkDb(folder.path, 'migrate').status, 0);
    for (const [args, words, code] of [
      [
        ['prune', '--traces-older-than', 'x'],
        /--traces-older-than .* 30d, 12h or 90m.*\n\(see dork-db prune --help/s,
        2,
      ],
      [['prune', '--traces-older-than', '2026-02-31'], /--traces-older-than/, 2],
      [['export', '--table', 'none'], /Error: --table has an unknown/, 1],
      [['restore', 'file:x', '--yes'], /Error: FILE is a file: URI/, 1],
    ] as const) {
      const { status, stderr } = dorkDb(folder.path, ...args);
      assert.match(stderr, words);
      assert.doesNotMatch(stderr, /options\./);
      assert.equal(status, code, stderr);
    }
  });

  it('names the process that holds the lock, in every command that needs it', {
    skip: !existsSync('/proc/locks'),
  }, () => {
    using folder = temporaryFolder();
    assert.equal(dorkDb(folder.path, 'migrate').status, 0);
    using db = createDb(folder.file('dork.db'));
    db.$client.exec('BEGIN IMMEDIATE');
    const { status, stderr } = dorkDb(folder.path, 'prune', '--expired-messages');
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`The lock is held by ${process.pid} \\(`));
    assert.match(stderr, /Try: Run the command again/);
    db.$client.exec('COMMIT');
    assert.equal(
      dorkDb(folder.path, 'prune', '--expired-messages').stdout,
      `${folder.file('dork.db')}: there was nothing to delete.\n`,
    );
  });
});
