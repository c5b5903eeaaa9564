import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  type CheckpointMode,
  ClosedError,
  checkpoint,
  closeDb,
  createDb,
  DorkDbError,
  InvalidInputError,
  optimize,
  PulseStore,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { dorkDb } from '../../support/processes.ts';
import { hold, OTHER } from '../health/fixtures/holder.ts';

function hasCode(code: string) {
  return (error: unknown) => error instanceof DorkDbError && error.code === code && error.hint.length > 5;
}

describe('checkpoint', () => {
  it('moves everything in every mode, and cuts the -wal by default', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    const store = new PulseStore(db);
    for (const mode of ['passive', 'full', 'restart', 'truncate', undefined] as const) {
      store.createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
      const before = statSync(`${file}-wal`).size;
      const report = checkpoint(db, { mode });
      assert.equal(report.mode, mode ?? 'truncate');
      assert.equal(report.busy, false);
      assert.equal(report.log, report.checkpointed);
      assert.equal(report.walBytesBefore, before);
      assert.equal(report.walBytesAfter, statSync(`${file}-wal`).size);
      assert.equal(report.walBytesAfter === 0, report.mode === 'truncate');
    }
    assert.equal(store.getSchedules().length, 5);
  });

  it('is busy beside a writer, does not wait unless it is told to, and leaves the busy timeout as it was', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file, { busyTimeoutMs: 4321 });
    new PulseStore(db).createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    await using writer = await hold(OTHER, file, 'write');
    const report = checkpoint(db);
    assert.equal(report.busy, true);
    assert.ok(report.log >= 0 && report.checkpointed >= 0);
    assert.equal(db.$client.pragma('busy_timeout', { simple: true }), 4321);
    await writer.release();
    assert.equal(checkpoint(db, { waitMs: 1000 }).busy, false);
  });

  it('refuses what it cannot do, by name', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    assert.throws(() => checkpoint(db, { mode: 'TRUNCATE; DROP TABLE agents' as CheckpointMode }), InvalidInputError);
    assert.throws(() => checkpoint(db, { waitMs: -1 }), InvalidInputError);
    assert.throws(() => db.transaction(() => checkpoint(db)), hasCode('IN_TRANSACTION'));
    using reader = createDb(file, { readonly: true });
    assert.throws(() => checkpoint(reader), hasCode('READ_ONLY'));
    using memory = createDb(':memory:');
    assert.throws(() => checkpoint(memory), hasCode('NO_WAL'));
    closeDb(db);
    assert.throws(() => checkpoint(db), ClosedError);
  });

  it('as a command ends with 0, or with 3 where somebody was in the way', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    {
      await using _reader = await hold(OTHER, file, 'read');
      new PulseStore(db).createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
      const busy = dorkDb('checkpoint', '--db', file);
      assert.equal(busy.code, 3, busy.err);
      assert.match(busy.out, /busy/);
    }
    const done = dorkDb('checkpoint', '--db', file, '--json');
    assert.equal(done.code, 0, done.err);
    const { busy, walBytesAfter } = JSON.parse(done.out) as { busy: boolean; walBytesAfter: number };
    assert.deepEqual({ busy, walBytesAfter }, { busy: false, walBytesAfter: 0 });
    assert.equal(dorkDb('checkpoint', '--db', file, '--mode', 'other').code, 2);
    assert.equal(dorkDb('checkpoint', '--db', folder.file('none.db')).code, 1);
  });
});

describe('optimize', () => {
  it('gathers statistics where there are none, says of which tables, and has nothing to do after it', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    const store = new PulseStore(db);
    const { id } = store.createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    for (let i = 0; i < 100; i++) store.createRun(id, 'manual');
    const { analyzed } = optimize(db);
    assert.ok(analyzed.includes('pulse_runs'), analyzed.join());
    const stats = db.$client.prepare("SELECT count(*) AS n FROM sqlite_stat1 WHERE tbl = 'pulse_runs'").get();
    assert.ok(Number(stats?.n) > 0);
    assert.deepEqual(optimize(db).analyzed, []);
    using reader = createDb(file, { readonly: true });
    assert.throws(() => optimize(reader), hasCode('READ_ONLY'));
  });

  it('is a command', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    const { code, out } = dorkDb('optimize', '--db', file, '--json');
    assert.equal(code, 0);
    assert.equal((JSON.parse(out) as { filename: string }).filename, file);
  });
});
