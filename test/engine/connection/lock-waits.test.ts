import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { createDb, DatabaseBusyError, type Db, monitor } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, type Runtime, runtimeCommand } from '../../support/runtime.ts';
import { OTHER } from '../health/fixtures/holder.ts';

const TIMEOUT = { timeout: 60_000 };

/** Starts the fixture on a locked file, lets `free` end the lock, and returns both lines that it prints. */
async function waiter(runtime: Runtime, args: readonly string[], free: () => unknown): Promise<unknown[]> {
  const [command, script] = runtimeCommand('test/engine/connection/fixtures/wait.ts', runtime);
  const child = spawn(command, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  const lines: unknown[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(JSON.parse(line));
    if (lines.length > 1) continue;
    child.stdin.end();
    await free();
  }
  assert.deepEqual(await ended, [0, null]);
  return lines;
}

const BUSY = { code: 'SQLITE_BUSY', waits: 1, waitedEnough: true, errors: 1 };
/** SQLite knows that there is nothing to wait for. How long a loaded machine takes to say so is not looked at. */
const AT_ONCE = { code: 'SQLITE_BUSY', waits: 1, errors: 1 };

function write(db: Db, id: string): void {
  db.$client.prepare('INSERT INTO rate_limit_buckets VALUES (?, 1, 1)').run(id);
}

function ids(db: Db): unknown[] {
  return db.$client.prepare('SELECT agent_id FROM rate_limit_buckets ORDER BY 1').values().flat();
}

const INSERTED = { changes: 1, lastInsertRowid: 1 };
/** What a process does that waits, and what it gets when the lock is free. */
const ACTS = {
  'a single write': INSERTED,
  'a transaction': INSERTED,
  'a deferred transaction': INSERTED,
  'a checkpoint': [{ busy: 0, log: 0, checkpointed: 0 }],
};

describe(`waiting for a lock, held on ${RUNTIME}`, () => {
  for (const runtime of ['bun', 'node'] as const) {
    it(`lasts as long as busyTimeoutMs says on ${runtime}, and a monitor counts each wait`, TIMEOUT, async () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      using db = createDb(file);
      db.$client.exec('BEGIN IMMEDIATE');
      const [results, end] = await waiter(runtime, [file, '70'], () => db.$client.exec('ROLLBACK'));
      assert.deepEqual(results, {
        single: BUSY,
        returning: BUSY,
        transaction: BUSY,
        'first write of a deferred transaction': BUSY,
        'write after a read in one': AT_ONCE,
        inTransaction: false,
        busyTimeout: 70,
      });
      assert.equal(end, 'written');
      assert.deepEqual(ids(db), ['after']);
    });

    it(`is none on ${runtime} where busyTimeoutMs is 0`, TIMEOUT, async () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      using db = createDb(file);
      db.$client.exec('BEGIN IMMEDIATE');
      const [results, end] = await waiter(runtime, [file, '0'], () => db.$client.exec('ROLLBACK'));
      const once = { ...BUSY, waits: 0 };
      assert.deepEqual(results, {
        single: once,
        returning: once,
        transaction: once,
        'first write of a deferred transaction': once,
        'write after a read in one': { ...AT_ONCE, waits: 0 },
        inTransaction: false,
        busyTimeout: 0,
      });
      assert.equal(end, 'written');
    });

    for (const trouble of ['clock-stands', 'must-not-block']) {
      it(`ends on ${runtime} too where the thread is in trouble: ${trouble}`, TIMEOUT, async () => {
        using folder = temporaryFolder();
        const file = folder.file('dork.db');
        using db = createDb(file);
        db.$client.exec('BEGIN IMMEDIATE');
        const [results, end] = await waiter(runtime, [file, '30', trouble], () => db.$client.exec('ROLLBACK'));
        const { single, transaction } = results as Record<string, { code: string }>;
        assert.deepEqual([single?.code, transaction?.code], ['SQLITE_BUSY', 'SQLITE_BUSY']);
        assert.equal(end, 'written');
      });
    }
  }

  for (const [act, result] of Object.entries(ACTS)) {
    it(`of ${act} ends with the lock, on ${OTHER}`, TIMEOUT, async () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      using db = createDb(file);
      const [command, script] = runtimeCommand('test/engine/connection/fixtures/wait-until-free.ts', OTHER);
      const child = spawn(command, [script, file, act], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      const lines: unknown[] = [];
      for await (const line of createInterface(child.stdout)) {
        lines.push(JSON.parse(line));
        if (lines.length === 1) {
          db.$client.exec(act === 'a checkpoint' ? 'BEGIN; SELECT * FROM agents' : 'BEGIN IMMEDIATE');
          child.stdin.end('go');
        } else if (lines.length === 2) db.$client.exec('COMMIT');
      }
      assert.deepEqual(
        [lines, await ended],
        [
          ['ready', 'begins', result],
          [0, null],
        ],
      );
    });
  }

  it('is not done for a state that was read and is not the newest', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file, { busyTimeoutMs: 60_000 });
    using other = createDb(file);
    using watch = monitor(db);
    const stale = () => {
      ids(db);
      write(other, 'other');
      write(db, 'late');
    };
    assert.throws(() => db.transaction(stale, { behavior: 'deferred' }), { code: 'SQLITE_BUSY_SNAPSHOT' });
    assert.deepEqual([watch.sample().busyWaits, watch.sample().busyErrors], [0, 1]);
    assert.deepEqual(ids(db), ['other']);
  });

  it('follows PRAGMA busy_timeout, which reads as it was set', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    using other = createDb(file);
    const { $client } = db;
    const read = () => $client.pragma('busy_timeout', { simple: true });
    const kept = $client.prepare('PRAGMA busy_timeout');
    write(db, 'a');
    assert.equal(read(), 5000);
    assert.deepEqual(kept.values(), [[5000]]);
    const sets = [
      () => $client.exec('PRAGMA busy_timeout = 20; SELECT 1'),
      () => $client.pragma('Busy_Timeout(20)'),
      () => $client.prepare('PRAGMA main.busy_timeout = 20').run(),
    ];
    for (const set of sets) {
      $client.exec('PRAGMA busy_timeout = 60000');
      assert.equal(read(), 60_000);
      set();
      other.$client.exec('BEGIN IMMEDIATE');
      for (const act of [() => write(db, 'b'), () => db.transaction(() => write(db, 'b'))])
        assert.throws(act, DatabaseBusyError);
      for (const sql of ['BEGIN IMMEDIATE', 'DELETE FROM rate_limit_buckets;', 'SELECT 1; BEGIN IMMEDIATE'])
        assert.throws(() => $client.exec(sql), DatabaseBusyError);
      other.$client.exec('COMMIT');
      assert.equal(read(), 20);
      write(db, 'b');
      $client.exec('DELETE FROM rate_limit_buckets');
    }
    assert.equal($client.inTransaction, false);
  });
});
