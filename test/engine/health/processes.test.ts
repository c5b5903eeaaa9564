import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { checkpoint, closeDb, createDb, type Db, type HealthCheckName, health } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { hold, OTHER } from './fixtures/holder.ts';

/** Linux has a table of locks; elsewhere no process is named. */
const TELLS_PROCESSES = process.platform === 'linux';

const LIMIT = 64 * 2 ** 20;

/** Writes so many megabytes, one a commit. */
function write(db: Db, megabytes: number): void {
  db.$client.exec('CREATE TABLE IF NOT EXISTS _filler (x); DELETE FROM _filler');
  const insert = db.$client.prepare('INSERT INTO _filler VALUES (zeroblob(1000000))');
  for (let i = 0; i < megabytes; i++) insert.run();
}

function finding(db: Db, check: HealthCheckName) {
  return health(db).findings.find((one) => one.check === check);
}

describe('a long reader in another process', () => {
  it('is named once the -wal grows, makes checkpoints busy, and leaves none of the space when it ends', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    await using reader = await hold(OTHER, file, 'read');
    write(db, 110);
    assert.ok(statSync(`${file}-wal`).size > LIMIT, 'the reader keeps the -wal from being begun anew');

    const wal = finding(db, 'wal');
    assert.equal(wal?.severity, 'warning');
    assert.match(wal?.fact ?? '', /are not in the file yet, since \d{4}-/);
    assert.ok(wal?.hint);
    if (TELLS_PROCESSES) {
      assert.ok(wal?.fact.includes(`process ${reader.pid} (`), wal?.fact);
      const seen = health(db).processes?.find(({ pid }) => pid === reader.pid);
      assert.deepEqual(seen?.locks.toSorted(), ['open', 'read']);
    }

    for (const mode of ['passive', 'full', 'restart', 'truncate'] as const) {
      const report = checkpoint(db, { mode });
      assert.equal(report.busy, true, mode);
      assert.ok(report.checkpointed < report.log, mode);
      assert.ok(report.walBytesAfter > LIMIT, mode);
    }

    await reader.release();
    const done = checkpoint(db);
    assert.equal(done.busy, false);
    assert.equal(done.log, done.checkpointed);
    assert.equal(statSync(`${file}-wal`).size, 0, 'the next one recovers the space');
    assert.equal(finding(db, 'wal')?.severity, 'ok');
    assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('leaves a -wal that the next writes cut to 64 MB by themselves', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    const reader = await hold(RUNTIME, file, 'read');
    write(db, 110);
    await reader.release();
    assert.ok(statSync(`${file}-wal`).size > LIMIT);
    write(db, 2);
    write(db, 2);
    assert.ok(statSync(`${file}-wal`).size <= LIMIT, String(statSync(`${file}-wal`).size));
  });
});

describe('a writer in another process', () => {
  it('that keeps the write lock is named, and one that merely has the file open is not blamed', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    await using idle = await hold(OTHER, file, 'open');
    assert.equal(finding(db, 'processes')?.severity ?? 'ok', 'ok');
    await using writer = await hold(RUNTIME, file, 'write');
    const found = finding(db, 'processes');
    if (TELLS_PROCESSES) {
      assert.equal(found?.severity, 'warning');
      assert.ok(found?.fact.includes(`process ${writer.pid} (`), found?.fact);
      assert.ok(!found?.fact.includes(String(idle.pid)), found?.fact);
    }
    await writer.release();
    assert.equal(finding(db, 'processes')?.severity ?? 'ok', 'ok');
  });
});

describe('the locks of a process', () => {
  it('outlive a second opening of the same file in it', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    closeDb(createDb(file));
    closeDb(createDb(file, { readonly: true }));
    // Only who has the file alone may replace it; a process whose locks are gone would not be in the way.
    const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/compact.ts', OTHER);
    const { stdout } = spawnSync(command, [script, file, '0'], { encoding: 'utf8' });
    assert.equal(JSON.parse(stdout).code, 'HELD', stdout);
    assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  });
});
