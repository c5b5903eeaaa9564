/** POSIX locks belong to the process, so the threads of one must not take each other's away. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { createDb } from '#entry';
import { isOpenHere } from '../../../src/engine/driver/process-files.ts';
import { holdsLock } from '../../../src/engine/file/file-locks.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER, runtimeCommand } from '../../support/runtime.ts';

const THREADS = 4;
/** Without the register, one round in six lost the lock. */
const ROUNDS = 30;

describe(`threads that open one file at once with ${DRIVER}`, () => {
  it('keep the lock of the process and every commit, while other processes come and go', {
    timeout: 120_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    const cells = new Int32Array(new SharedArrayBuffer(5 * 4));
    const workerData = { cells, file, threads: THREADS, rounds: ROUNDS };
    const threads = Array.from(
      { length: THREADS },
      () => new Worker(new URL('./fixtures/open-at-once.ts', import.meta.url), { workerData }),
    );
    const failed: unknown[] = [];
    for (const thread of threads) thread.on('error', (error) => failed.push(error));
    const reached = async (cell: number, value: number) => {
      while (Atomics.load(cells, cell) < value && failed.length === 0) await pause(1);
      assert.deepEqual(failed, []);
    };
    const next = (cell: number) => {
      Atomics.add(cells, cell, 1);
      Atomics.notify(cells, cell);
    };
    const lost: number[] = [];
    try {
      for (let round = 1; round <= ROUNDS; round++) {
        next(0);
        await reached(2, THREADS * round);
        // Undefined if the system does not report locks.
        if (holdsLock(file) === false) lost.push(round);
        if (round % 10 === 0) {
          // It must not take itself for the last one, and remove the -wal.
          const [command, script] = runtimeCommand('test/engine/opening/fixtures/open-often.ts');
          const other = spawnSync(command, [script, file], { encoding: 'utf8' });
          assert.equal(other.status, 0, other.stderr);
        }
        next(3);
        await reached(4, THREADS * round);
      }
    } finally {
      await Promise.all(threads.map((thread) => thread.terminate()));
    }
    assert.deepEqual(lost, []);
    using db = createDb(file);
    const rows = db.$client.prepare("SELECT count(*) AS n FROM rate_limit_buckets WHERE agent_id LIKE 'thread-%'");
    assert.deepEqual(rows.get(), { n: THREADS * ROUNDS });
  });

  it('see what another thread has open, until it is closed', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    createDb(file).$client.close();
    const cells = new Int32Array(new SharedArrayBuffer(5 * 4));
    const url = new URL('./fixtures/open-at-once.ts', import.meta.url);
    const thread = new Worker(url, { workerData: { cells, file, threads: 1, rounds: 1 } });
    const ended = new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
    const { dev, ino } = statSync(file);
    assert.equal(isOpenHere({ dev, ino }), false);
    Atomics.add(cells, 0, 1);
    Atomics.notify(cells, 0);
    while (Atomics.load(cells, 2) === 0) await pause(1);
    assert.equal(isOpenHere({ dev, ino }), true);
    Atomics.add(cells, 3, 1);
    Atomics.notify(cells, 3);
    await ended;
    assert.equal(isOpenHere({ dev, ino }), false);
    await thread.terminate();
  });
});
