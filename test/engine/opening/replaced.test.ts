import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createDb, type Db, DenialList, DorkDbError, health } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';

/** Longer than two writes may share one look at the file. */
const PAUSE_MS = 30;

const ENTRY = join(ROOT, 'src', RUNTIME === 'bun' ? 'index.ts' : 'node.ts');
const WRITE_AND_CRASH = 'test/engine/opening/fixtures/write-and-crash.ts';

async function opened(
  folder: ReturnType<typeof temporaryFolder>,
): Promise<{ db: Db; denials: DenialList; file: string }> {
  const file = folder.file('dork.db');
  const db = createDb(file);
  const denials = new DenialList(db);
  denials.deny('/before', 's', null, 'me');
  await pause(PAUSE_MS);
  // The check has seen the -wal.
  denials.deny('/seen', 's', null, 'me');
  await pause(PAUSE_MS);
  return { db, denials, file };
}

function refusesWrites(db: Db, denials: DenialList, code: string): void {
  const refused = (call: () => unknown) =>
    assert.throws(call, (error) => {
      assert.ok(error instanceof DorkDbError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, /Nothing was written/);
      return true;
    });
  refused(() => denials.deny('/lost', 's', null, 'me'));
  refused(() => db.$client.prepare("UPDATE agent_denials SET reason = 'x'").run());
  refused(() => db.$client.exec('DELETE FROM agent_denials'));
  refused(() => db.transaction(() => undefined));
  assert.equal(db.$client.inTransaction, false);
  const errors = health(db).findings.filter(({ severity }) => severity === 'error');
  assert.ok(
    errors.some(({ check, fact }) => check === 'files' && /while (it|the database) was open/.test(fact)),
    JSON.stringify(errors),
  );
}

describe(`a file that is exchanged under an open database, on ${RUNTIME}`, () => {
  for (const [what, code, act] of [
    ['removed', 'FILE_UNLINKED', (file: string) => rmSync(file)],
    ['renamed', 'FILE_UNLINKED', (file: string) => renameSync(file, `${file}.away`)],
    [
      'replaced by another',
      'FILE_REPLACED',
      (file: string) => {
        copyFileSync(file, `${file}.copy`);
        renameSync(`${file}.copy`, file);
      },
    ],
    ['left without its -wal', 'WAL_GONE', (file: string) => rmSync(`${file}-wal`)],
  ] as const) {
    it(`and ${what} takes no further write, and health says so`, { timeout: 60_000 }, async () => {
      using folder = temporaryFolder();
      const { db, denials, file } = await opened(folder);
      act(file);
      refusesWrites(db, denials, code);
      assert.equal(denials.isDenied('/before'), true, 'it can still be read');
      db.$client.close();
    });
  }

  it('leaves the -wal of the new file alone when the old one is closed', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const { db, file } = await opened(folder);
    renameSync(file, folder.file('old.db'));
    renameSync(`${file}-wal`, folder.file('old.db-wal'));
    rmSync(`${file}-shm`);
    {
      using other = createDb(file);
      new DenialList(other).deny('/new', 's', null, 'me');
      const inode = statSync(`${file}-wal`).ino;
      db.$client.close();
      assert.equal(statSync(`${file}-wal`).ino, inode);
    }
    using again = createDb(file);
    assert.equal(new DenialList(again).isDenied('/new'), true);
    using old = createDb(folder.file('old.db'));
    assert.equal(new DenialList(old).isDenied('/seen'), true);
  });

  for (const [what, end] of [
    ['closed', 'closeDb(db)'],
    ['left open by a process that ends by itself', 'globalThis.kept = db;'],
    [
      'collected as garbage before the process ends',
      'await new Promise((done) => setTimeout(done, 10)); globalThis.gc ? gc() : Bun.gc(true);',
    ],
    ['left open by a process that calls process.exit()', 'process.exit();'],
  ]) {
    it(`leaves another -wal and the file as they are when it is ${what}`, { timeout: 60_000 }, () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      createDb(file).$client.close();
      const script = folder.file('own-wal-gone.ts');
      // Much of it is in the -wal that is removed: moved into the file, it would be mixed with the other one.
      writeFileSync(
        script,
        `import { spawnSync } from 'node:child_process';
        import { rmSync } from 'node:fs';
        import { closeDb, createDb, DenialList } from ${JSON.stringify(ENTRY)};
        const db = createDb(${JSON.stringify(file)});
        const denials = new DenialList(db);
        for (let i = 0; i < 500; i++) denials.deny('/gone/' + i, 's', null, 'me');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${PAUSE_MS});
        denials.deny('/seen', 's', null, 'me');
        for (const end of ['-wal', '-shm']) rmSync(${JSON.stringify(file)} + end);
        const [command, ...args] = ${JSON.stringify([...runtimeCommand(WRITE_AND_CRASH), file, '500'])};
        if (spawnSync(command, args, { stdio: 'inherit' }).signal !== 'SIGKILL') throw new Error('It was not killed.');
        ${end}`,
      );
      const [command] = runtimeCommand('');
      const flags = RUNTIME === 'bun' ? [] : ['--expose-gc'];
      const { status, stderr } = spawnSync(command, [...flags, script], { cwd: ROOT, encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      assert.ok(statSync(`${file}-wal`).size > 0, 'the other -wal is gone');
      using db = createDb(file);
      assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
      const rows = db.$client.prepare("SELECT count(*) AS n FROM rate_limit_buckets WHERE agent_id LIKE 'crashed-%'");
      assert.deepEqual(rows.get(), { n: 500 });
    });
  }

  it('keeps what was written to a -wal that was removed, if there is no other', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const { db, file } = await opened(folder);
    rmSync(`${file}-wal`);
    db.$client.close();
    using again = createDb(file);
    assert.equal(again.$client.pragma('integrity_check', { simple: true }), 'ok');
    assert.equal(new DenialList(again).isDenied('/seen'), true);
  });

  it('with an emptied -wal takes no further write, and stays whole without what was in it', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const { db, denials, file } = await opened(folder);
    db.$client.pragma('wal_checkpoint(PASSIVE)');
    denials.deny('/gone', 's', null, 'me');
    await pause(PAUSE_MS);
    truncateSync(`${file}-wal`);
    // A checkpoint empties it too, so that only what is behind its missing header shows it.
    denials.deny('/unseen', 's', null, 'me');
    assert.match(JSON.stringify(health(db).findings), /-wal was overwritten while/);
    await pause(PAUSE_MS);
    refusesWrites(db, denials, 'WAL_GONE');
    db.$client.close();
    using again = createDb(file);
    assert.equal(again.$client.pragma('integrity_check', { simple: true }), 'ok');
    // What is left of the -wal is none of this connection's business.
    for (let times = 1; times <= 2; times++) assert.doesNotMatch(JSON.stringify(health(again).findings), /overwritten/);
    const rows = new DenialList(again);
    assert.deepEqual([rows.isDenied('/seen'), rows.isDenied('/gone')], [true, false]);
    for (const path of ['/again', '/and-again']) {
      rows.deny(path, 's', null, 'me');
      await pause(PAUSE_MS);
    }
    assert.doesNotMatch(JSON.stringify(health(again).findings), /overwritten/);
  });

  it('with another copied over it is damaged, which a deep health reads from the file itself', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const { db, denials, file } = await opened(folder);
    const other = folder.file('other.db');
    {
      using db = createDb(other);
      const denials = new DenialList(db);
      for (let i = 0; i < 300; i++) denials.deny(`/other/${i}`, 's', null, 'me');
    }
    for (let i = 0; i < 100; i++) denials.deny(`/own/${i}`, 's', null, 'me');
    db.$client.pragma('wal_checkpoint(TRUNCATE)');
    // By another process: this one would drop its locks.
    assert.equal(spawnSync('cp', [other, file]).status, 0);
    denials.deny('/after', 's', null, 'me');
    const { findings } = health(db, { deep: true });
    assert.ok(
      findings.some(({ check, severity }) => check === 'integrity' && severity === 'error'),
      JSON.stringify(findings),
    );
    db.$client.close();
  });

  it('rolls back a transaction during which it was replaced', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const { db, denials, file } = await opened(folder);
    assert.throws(
      () =>
        db.transaction(() => {
          denials.deny('/lost', 's', null, 'me');
          rmSync(file);
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
        }),
      { code: 'FILE_UNLINKED' },
    );
    assert.equal(db.$client.inTransaction, false);
    assert.equal(denials.isDenied('/lost'), false);
    db.$client.close();
  });

  it('with a second name is an error of health, and goes on', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const { db, denials, file } = await opened(folder);
    linkSync(file, folder.file('second.db'));
    denials.deny('/linked', 's', null, 'me');
    const linked = health(db).findings.filter(({ severity, fact }) => severity === 'error' && /hard links/.test(fact));
    assert.equal(linked.length, 1);
    db.$client.close();
  });

  it('whose lock this process has lost is an error of health', { timeout: 60_000 }, async () => {
    // Only Linux tells who has which lock.
    if (!existsSync('/proc/locks')) return;
    using folder = temporaryFolder();
    const { db, file } = await opened(folder);
    const lost = () =>
      health(db).findings.filter(({ severity, fact }) => severity === 'error' && /lost its lock/.test(fact));
    assert.deepEqual(lost(), []);
    // What a second SQLite library, or a copy by hand, does at its end.
    closeSync(openSync(file, 'r'));
    assert.equal(lost().length, 1);
    db.$client.close();
  });

  it('is still the file after a checkpoint, a long pause and what another process wrote', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const { db, denials, file } = await opened(folder);
    db.$client.pragma('wal_checkpoint(TRUNCATE)');
    denials.deny('/a', 's', null, 'me');
    const script = `import { createDb, DenialList } from '${new URL('../../../src/index.ts', import.meta.url).href}'; using db = createDb(process.argv[1]); new DenialList(db).deny('/other', 's', null, 'me');`;
    if (RUNTIME === 'bun') assert.equal(spawnSync(process.execPath, ['-e', script, file]).status, 0);
    await pause(PAUSE_MS);
    denials.deny('/b', 's', null, 'me');
    assert.ok(denials.isDenied('/b'));
    db.$client.close();
  });
});
