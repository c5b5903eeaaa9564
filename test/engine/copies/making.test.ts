/** Files in the making: who makes one, in which process, and what is left when a maker is killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { BackupError, backup, createDb, pruneBackups } from '#entry';
import { discardAll, Making } from '../../../src/engine/copies/making.ts';
import { isInTheMaking, leftoversIn, sweep } from '../../../src/engine/copies/sweep.ts';
import { fsyncPath } from '../../../src/engine/file/flush.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { errorForNobody, NOBODY } from '../../support/user.ts';

const { adapter } = createDb(':memory:').$client;
const isMeant = (name: string) => name === 'a.db';

/** A process of either runtime that makes a file; resolves with the temporary name. */
async function maker(
  runtime: 'bun' | 'node',
  to: string,
  ...more: string[]
): Promise<{ child: ChildProcess; path: string }> {
  const [command, script] = runtimeCommand('test/engine/copies/fixtures/make.ts', runtime);
  const child = spawn(command, [script, to, ...more], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { child, path: String(line).trim() };
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

describe(`a file in the making on ${RUNTIME}`, () => {
  for (const other of ['bun', 'node'] as const) {
    it(`of a process on ${other} is left alone while that lives, and swept when it was killed`, {
      timeout: 60_000,
    }, async () => {
      using folder = temporaryFolder();
      const { child, path } = await maker(other, folder.file('a.db'));
      try {
        // As in another container, where the number of the process means nothing or somebody else.
        assert.equal(isInTheMaking(adapter, folder.file('a.db')), true);
        assert.deepEqual(leftoversIn(adapter, folder.path, isMeant), []);
        assert.deepEqual(await sweep(adapter, folder.path, isMeant), []);
        assert.deepEqual(readdirSync(folder.path).sort(), [basename(path), `${basename(path)}-lock`]);
        assert.equal(isInTheMaking(adapter, folder.file('a.db')), true, 'looking at it takes nothing from its maker');
      } finally {
        await kill(child);
      }
      assert.equal(isInTheMaking(adapter, folder.file('a.db')), false);
      assert.deepEqual(leftoversIn(adapter, folder.path, isMeant), [path]);
      assert.deepEqual(await sweep(adapter, folder.path, isMeant), [path]);
      assert.deepEqual(readdirSync(folder.path), []);
    });
  }

  it('that was published is swept whatever its name, once its process was killed', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const [to, gone] = [folder.file('mine.data'), folder.file('gone.data')];
    const { child, path } = await maker(RUNTIME, to, 'publish');
    // As after a rename, which leaves the lock alone.
    const renamed = await maker(RUNTIME, gone);
    rmSync(renamed.path);
    const locks = [path, renamed.path].map((one) => `${basename(one)}-lock`);
    const all = ['mine.data', basename(path), ...locks].sort();
    try {
      assert.deepEqual(await sweep(adapter, folder.path, isMeant), []);
      assert.deepEqual(readdirSync(folder.path).sort(), all);
    } finally {
      await kill(child);
      await kill(renamed.child);
    }
    // Of the same name, and not the same file.
    writeFileSync(folder.file('mine.data.0a1b2c3d.partial'), 'x');
    assert.deepEqual(leftoversIn(adapter, folder.path, isMeant), [path]);
    assert.deepEqual(await sweep(adapter, folder.path, isMeant), [path]);
    assert.deepEqual(readdirSync(folder.path).sort(), ['mine.data', 'mine.data.0a1b2c3d.partial']);
  });

  it('of root that was killed can be swept by whoever the folder belongs to', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    // Whoever is not root has no other owner to give a file to, and sweeps what is his own.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(folder.path, NOBODY, NOBODY);
    const to = folder.file('dork-daily-20261122.db');
    const { child, path } = await maker(RUNTIME, to);
    await kill(child);
    assert.equal(statSync(`${path}-lock`).uid, statSync(folder.path).uid);
    if (isRoot) assert.deepEqual(errorForNobody('pruneBackups', folder.path), {});
    else await pruneBackups(folder.path);
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('of this process is not taken for a leftover, neither here nor in a thread', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    using making = new Making(adapter, folder.file('a.db'));
    assert.deepEqual(await sweep(adapter, folder.path, isMeant), []);
    const worker = new Worker(new URL('./fixtures/sweep-in-thread.ts', import.meta.url), { workerData: folder.path });
    const [swept] = await once(worker, 'message');
    await worker.terminate();
    assert.deepEqual(swept, []);
    assert.ok(existsSync(making.path));
    assert.equal(isInTheMaking(adapter, folder.file('a.db')), true);
  });

  it('has mode 0600, a folder 0700, and two of one name never meet', async () => {
    using folder = temporaryFolder();
    const [one, two] = [new Making(adapter, folder.file('a.db')), new Making(adapter, folder.file('a.db'))];
    using inside = new Making(adapter, folder.file('a.db'), { isFolder: true });
    assert.deepEqual(
      [one, two, inside].map(({ path }) => (statSync(path).mode & 0o777).toString(8)),
      ['600', '600', '700'],
    );
    writeFileSync(one.path, 'one');
    writeFileSync(two.path, 'two');
    await one.publish();
    await assert.rejects(two.publish(), (error) => error instanceof BackupError && error.code === 'TARGET_EXISTS');
    one[Symbol.dispose]();
    await two[Symbol.asyncDispose]();
    inside[Symbol.dispose]();
    assert.deepEqual(readdirSync(folder.path), ['a.db']);
    assert.equal(readFileSync(folder.file('a.db'), 'utf8'), 'one');
  });

  it('replaces a file only if it is told to, and is gone from its temporary name', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('a.db'), 'old');
    {
      using making = new Making(adapter, folder.file('a.db'));
      writeFileSync(making.path, 'new');
      making.replace();
    }
    assert.deepEqual(readdirSync(folder.path), ['a.db']);
    assert.equal(readFileSync(folder.file('a.db'), 'utf8'), 'new');
  });

  it('takes the folder away that was created for it, if that is empty then', async () => {
    using folder = temporaryFolder();
    for (const other of [false, true]) {
      mkdirSync(folder.file('backups'));
      if (other) writeFileSync(folder.file('backups/mine'), 'x');
      new Making(adapter, folder.file('backups/a.db'), { createdFolder: folder.file('backups') }).discard();
      assert.equal(existsSync(folder.file('backups')), other);
    }
    assert.deepEqual(readdirSync(folder.file('backups')), ['mine']);
  });

  it('is discarded at once with every other one when the process is about to end', () => {
    using folder = temporaryFolder();
    const made = ['a.db', 'b.db'].map((name) => new Making(adapter, folder.file(name)));
    assert.equal(discardAll(), 2);
    assert.deepEqual(readdirSync(folder.path), []);
    for (const making of made) making.discard();
    assert.equal(discardAll(), 0);
  });

  it('is refused by a typed error where no file can be made', () => {
    using folder = temporaryFolder();
    assert.throws(
      () => new Making(adapter, folder.file('nowhere/a.db')),
      (error) => error instanceof BackupError && error.code === 'CANNOT_CREATE' && error.hint.length > 10,
    );
    assert.equal(discardAll(), 0);
  });

  it('refuses a second backup of one name in this process, and lets it be made later', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const to = folder.file('copy.db');
    const [first, second] = await Promise.allSettled([backup(db, { to }), backup(db, { to })]);
    assert.equal(first.status, 'fulfilled');
    assert.ok(second.status === 'rejected' && second.reason instanceof BackupError);
    assert.equal(second.reason.code, 'RUNNING');
    assert.equal(second.reason.retryable, true);
    rmSync(to);
    assert.equal((await backup(db, { to })).path, to);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.includes('partial')),
      [],
    );
  });
});

describe('a folder whose names cannot be flushed', () => {
  it('is a warning of the process, said once, and no failure; a file is one', async () => {
    using folder = temporaryFolder();
    const warnings: string[] = [];
    const listen = (warning: Error & { code?: string }) => {
      if (warning.code === 'DORK_DB_FOLDER_NOT_FLUSHED') warnings.push(warning.message);
    };
    process.on('warning', listen);
    try {
      // Linux answers EINVAL for its folder of processes, as SMB and some FUSE do for theirs.
      for (const path of ['/proc', '/proc', folder.path]) if (existsSync(path)) fsyncPath(path);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', listen);
    }
    assert.equal(warnings.length, existsSync('/proc') ? 1 : 0);
    assert.throws(() => fsyncPath(join(folder.path, 'nothing')), /ENOENT/);
  });
});
