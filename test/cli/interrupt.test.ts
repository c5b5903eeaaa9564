/** The commands when they are interrupted, and when there is no terminal to ask on. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { backup, createDb } from '#entry';
import { deny, fatten, fileWith, idsIn, SLOW_DISK_MS } from '../engine/backup/support.ts';
import { temporaryFolder } from '../support/folder.ts';
import { pause } from '../support/processes.ts';
import { RUNTIME, runtimeCommand } from '../support/runtime.ts';

const COMMAND = runtimeCommand('src/cli/main.ts', RUNTIME);

/** Runs `dork-db` in a shell, which prints the exit code that it sees. */
function shell(args: readonly string[], before = '') {
  const child = spawn('sh', ['-c', `${before}"$@" & echo $!; wait $!; echo code $?`, 'sh', ...COMMAND, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  const ended = once(child, 'close');
  return { child, ended, pid: () => Number(out.split('\n')[0]), out: () => out, err: () => err };
}

describe(`an interrupted command on ${RUNTIME}`, () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`cleans up, says one sentence and ends as ${signal} does, with ${code}`, {
      timeout: SLOW_DISK_MS * 2,
    }, async () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      {
        using db = createDb(file);
        fatten(db, 40);
        deny(db, 'kept');
      }
      const backups = folder.file('backups');
      const isCopying = () => existsSync(backups) && readdirSync(backups).some((name) => name.endsWith('.partial'));
      const run = shell(['backup', '--db', file]);
      while (!isCopying() && run.child.exitCode === null) await pause(1);
      process.kill(run.pid(), signal);
      await run.ended;
      assert.match(run.out(), new RegExp(`code ${code}\n$`), run.err());
      const said = run
        .err()
        .split('\n')
        .filter((line) => line.startsWith('Interrupted'));
      assert.deepEqual(said, [`Interrupted. No backup was made, and ${file} was not changed.`]);
      assert.equal(existsSync(backups), false, 'a folder that was made for it goes too');
      assert.deepEqual(idsIn(file), ['kept']);
    });
  }

  it('of a restore leaves the database as it was, and no half copy', { timeout: SLOW_DISK_MS * 2 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      fatten(db, 40);
      await backup(db, { to: folder.file('copy.db') });
      deny(db, 'later');
    }
    const isCopying = () => readdirSync(folder.path).some((name) => name.endsWith('.partial'));
    const run = shell(['restore', folder.file('copy.db'), '--db', file, '--yes']);
    while (!isCopying() && run.child.exitCode === null) await pause(1);
    process.kill(run.pid(), 'SIGINT');
    await run.ended;
    assert.match(run.out(), /code 130\n$/, run.err());
    assert.match(run.err(), /\nInterrupted\. Nothing was restored, and .* was not changed\.\n$|^Interrupted\. Nothing/);
    assert.deepEqual(idsIn(file), ['later']);
    assert.deepEqual(readdirSync(folder.path).sort(), ['copy.db', 'dork.db'], 'no lock, and no folder of backups');
  });
});

describe(`dork-db restore without a terminal, on ${RUNTIME}`, () => {
  it('asks for --yes, whatever it is answered, and does nothing', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = fileWith(folder.file('dork.db'), 'a');
    {
      using db = createDb(file);
      await backup(db, { to: folder.file('copy.db') });
      deny(db, 'later');
    }
    const before = readFileSync(file);
    const [command, script] = COMMAND;
    for (const input of ['n\n', 'y\n', 'yes\n', '']) {
      const { status, stderr } = spawnSync(command, [script, 'restore', folder.file('copy.db'), '--db', file], {
        input,
        encoding: 'utf8',
      });
      assert.equal(status, 2, stderr);
      assert.match(stderr, /pass --yes to restore, or --dry-run/);
    }
    assert.deepEqual(readFileSync(file), before);
    assert.equal(existsSync(folder.file('backups')), false);
    assert.deepEqual(idsIn(file), ['a', 'later']);
  });
});
