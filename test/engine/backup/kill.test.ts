import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import {
  BackupError,
  backup,
  createDb,
  DatabaseOpenError,
  listBackups,
  pruneBackups,
  restore,
  verifyBackup,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { pause, start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { deny, fatten, IS_SOAK, idsIn, idsOf, SLOW_DISK_MS } from './support.ts';

const MOMENTS = IS_SOAK ? 50 : 6;

/** What stands at the path of a database that a restore was to replace. */
const SETS = {
  'a closed file': async () => {},
  'a file with the -wal of a crash': async (file: string) => {
    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'in-the-wal']);
    await holder.next();
    await holder.kill();
    assert.ok(statSync(`${file}-wal`).size > 0);
  },
  'a damaged file with a -wal': async (file: string) => {
    await SETS['a file with the -wal of a crash'](file);
    const bytes = readFileSync(file);
    // Pages that are not in the -wal, so that what is there cannot be read as a whole.
    const middle = Math.floor(bytes.length / 8192) * 4096;
    bytes.fill(0xee, middle, middle + 8192);
    writeFileSync(file, bytes);
  },
};

/** The bytes of a set, by suffix. */
function setAt(file: string): Record<string, string> {
  return Object.fromEntries(
    ['', '-wal', '-journal']
      .filter((suffix) => existsSync(file + suffix))
      .map((suffix) => [
        suffix,
        createHash('sha256')
          .update(readFileSync(file + suffix))
          .digest('hex'),
      ]),
  );
}

/** Returns as soon as a folder for a replaced set is there, or the process has ended. */
async function sightOf(backups: string, child: ChildProcess): Promise<void> {
  const isThere = () => existsSync(backups) && readdirSync(backups).some((name) => name.startsWith('replaced-'));
  while (child.exitCode === null && !isThere()) await new Promise((resolve) => setImmediate(resolve));
}

describe(`restore on ${RUNTIME}, killed`, () => {
  for (const [name, prepare] of Object.entries(SETS)) {
    it(`at ${MOMENTS} moments over ${name}, leaves the old or the new set, and the next one works`, {
      timeout: 600_000,
    }, async () => {
      using folder = temporaryFolder();
      const model = folder.file('model/dork.db');
      mkdirSync(folder.file('model'));
      {
        using db = createDb(model);
        deny(db, 'new');
        fatten(db, 2);
        await backup(db, { to: folder.file('backup.db') });
        deny(db, 'old');
      }
      await prepare(model);
      const isDamaged = name.startsWith('a damaged');
      const old = isDamaged ? setAt(model) : undefined;
      const oldIds = isDamaged ? [] : name === 'a closed file' ? ['new', 'old'] : ['in-the-wal', 'new', 'old'];
      const outcomes = new Set<string>();
      let duration = 0;
      for (let moment = -1; moment < MOMENTS; moment++) {
        const home = folder.file(`home-${moment}`);
        mkdirSync(home);
        const file = join(home, 'dork.db');
        for (const suffix of ['', '-wal', '-shm']) {
          if (existsSync(model + suffix)) copyFileSync(model + suffix, file + suffix);
        }
        const fixture = start('test/engine/backup/fixtures/restore.ts', [folder.file('backup.db'), file]);
        await fixture.next();
        const began = performance.now();
        if (moment < 0) {
          // The first one is let be, to know how long it takes.
          await fixture.next();
          await fixture.ended;
          duration = performance.now() - began;
          assert.deepEqual(idsIn(file), ['new']);
          continue;
        }
        // Every other one when the old set is about to be moved, which takes a hundredth of the whole.
        if (moment % 2 === 0) await pause(((moment + Math.random()) / MOMENTS) * duration);
        else await sightOf(join(home, 'backups'), fixture.child);
        await fixture.kill();
        outcomes.add(await assertWhole(file));
      }
      assert.ok(outcomes.has('old') || outcomes.has('new'));

      /** What stands there is the old set, byte for byte where that cannot be read as a whole, or the new one. */
      async function assertWhole(file: string): Promise<string> {
        const state = await stateOf(file);
        if (state === 'unfinished') {
          const report = await restore({ to: file });
          assert.equal(report.finished, true);
          assert.deepEqual(idsIn(file), ['new']);
          assert.deepEqual(setAt(join(report.replaced ?? '', 'dork.db')), old);
        }
        // Nothing that the killed one left is in the way.
        await restore({ from: folder.file('backup.db'), to: file });
        assert.deepEqual(idsIn(file), ['new']);
        const left = readdirSync(join(file, '..'), { recursive: true, encoding: 'utf8' });
        assert.deepEqual(
          left.filter((entry) => /partial|marker/.test(entry)),
          [],
        );
        return state;
      }

      async function stateOf(file: string): Promise<'old' | 'new' | 'unfinished'> {
        if (isDamaged && isDeepStrictEqual(setAt(file), old)) return 'old';
        try {
          using db = createDb(file, { migrations: 'require' });
          const ids = idsOf(db);
          const state = ids.length === 1 ? 'new' : 'old';
          assert.deepEqual(ids, state === 'new' ? ['new'] : oldIds);
          assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
          return state;
        } catch (error) {
          assert.ok(isDamaged && error instanceof DatabaseOpenError, String(error));
          assert.equal(error.code, 'RESTORE_UNFINISHED');
          return 'unfinished';
        }
      }
    });
  }
});

describe(`backup on ${RUNTIME}, killed`, () => {
  it('is never listed or counted, is no backup to anyone who looks, and is cleaned up by name', {
    timeout: SLOW_DISK_MS * 3,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const backups = folder.file('backups');
    {
      using db = createDb(file);
      fatten(db, 8);
      deny(db, 'kept');
    }
    mkdirSync(backups);
    const wreckage = () =>
      existsSync(backups) ? readdirSync(backups).filter((name) => name.endsWith('.partial')) : [];
    const sizeOf = (name?: string) =>
      name ? (statSync(join(backups, name), { throwIfNoEntry: false })?.size ?? -1) : -1;
    let killed = 0;
    for (let round = 0; round < (IS_SOAK ? 50 : 4); round++) {
      // It is met when it has just begun, when it has some megabytes, and when it is read back.
      const enough = (round % 4) * 3_000_000;
      const fixture = start('test/engine/backup/fixtures/backup.ts', [file]);
      while (fixture.child.exitCode === null && sizeOf(wreckage()[0]) < enough) await pause(1);
      await fixture.kill();
      const [left] = wreckage();
      if (left === undefined) {
        // It was faster, and what is there is a backup, or it had not begun.
        for (const { path, verified } of listBackups(backups)) {
          assert.ok(verified);
          rmSync(path);
        }
        continue;
      }
      killed++;
      assert.deepEqual(listBackups(backups), []);
      // Where the copy was not yet complete it is no backup, whatever SQLite says of it.
      const read = await verifyBackup(join(backups, left)).catch((error) => error);
      if (!(read instanceof BackupError)) assert.equal(read.rows.relay_index, 8000);
      const outcome = await pruneBackups(backups);
      assert.ok(outcome.wreckage.includes(join(backups, left)));
      assert.deepEqual(outcome.kept, []);
      assert.deepEqual(readdirSync(backups), []);
    }
    assert.ok(killed > 0);
    const fixture = start('test/engine/backup/fixtures/backup.ts', [file]);
    while (wreckage().length === 0) await pause(1);
    await fixture.kill();
    using db = createDb(file);
    const { path } = await backup(db);
    assert.deepEqual(
      readdirSync(backups).map((name) => join(backups, name)),
      [path],
    );
    assert.deepEqual(idsIn(path), ['kept']);
  });
});
