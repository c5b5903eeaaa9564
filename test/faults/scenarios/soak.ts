import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { backup, createDb, listBackups, verifyBackup } from '#entry';
import { acknowledgedIn, assertAcknowledged, assertKept, assertSound, writeHome } from '../oracle.ts';
import { type Answer, type Job, pause } from '../processes.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { runtimesOf } from './together.ts';

const WRITERS = ['ada', 'bob', 'cyd', 'dan'];

/** How often others do something beside the writers. */
const BACKUP_EVERY_MS = 20_000;
const LOOK_EVERY_MS = 3000;

/** How long a writer may wait for the others: no error comes before the busy timeout. */
const BUSY_TIMEOUT_MS = 5000;

/** Does something again and again until the time is over. */
async function every(milliseconds: number, until: number, act: () => Promise<void>): Promise<number> {
  let times = 0;
  do {
    await act();
    times++;
    await pause(Math.max(0, Math.min(milliseconds, until - Date.now())));
  } while (Date.now() < until);
  return times;
}

async function assertDone(job: Job): Promise<Answer> {
  const answer = await job.last<Answer>();
  assert.ok('done' in answer, JSON.stringify(answer));
  return answer;
}

/** What lives beside four writers; each throws where it meets an error that is not promised. */
function neighbours(bench: Bench, file: string, logs: string, until: number): Promise<number>[] {
  const { start, dorkDb } = bench;
  const scratch = join(logs, '..', 'scratch');
  mkdirSync(scratch);
  return [
    every(Math.min(BACKUP_EVERY_MS, bench.seconds * 200), until, async () => {
      const acknowledged = acknowledgedIn(logs);
      const { done } = await assertDone(start('backup', { file, deep: true }, { runtime: 'node' }));
      const { path } = done as { path: string };
      // At least what was acknowledged before it began; what came meanwhile may be there.
      using copy = createDb(path);
      assertSound(copy);
      const there = countsIn(copy);
      for (const [writer, n] of acknowledged) assert.ok((there.get(writer) ?? 0) >= n, `${writer} in ${path}`);
      assertAcknowledged(copy, there);
      copy.$client.close();
      rmSync(path);
    }),
    every(LOOK_EVERY_MS, until, async () => {
      const { code, signal, out, err } = await dorkDb(['doctor', '--db', file, '--json'], { runtime: 'bun' });
      // Warnings are promised: the backups are young, the -wal may be long.
      assert.ok(signal === null && (code === 0 || code === 3), `doctor gave ${code ?? signal}: ${out}${err}`);
    }),
    every(LOOK_EVERY_MS, until, async () => {
      const copy = join(scratch, 'copy.db');
      for (const suffix of ['', '-wal', '-shm']) rmSync(copy + suffix, { force: true });
      const { code, err } = await dorkDb(['backup', '--db', file, '--to', copy], { runtime: 'node' });
      assert.equal(code, 0, err);
      const migrated = await dorkDb(['migrate', '--db', copy], { runtime: 'bun' });
      assert.equal(migrated.code, 0, migrated.err);
      await verifyBackup(copy);
    }),
    every(LOOK_EVERY_MS, until, async () => {
      // The writers stand still while it waits for the readers.
      await assertDone(start('checkpoint', { file, waitMs: 200 }, { runtime: 'node' }));
    }),
  ];
}

/** How many transactions of each writer a copy holds. */
function countsIn(db: ReturnType<typeof createDb>): Map<string, number> {
  const rows = db.$client
    .prepare<{ writer: string; n: number }>('SELECT subject AS writer, count(*) AS n FROM relay_index GROUP BY subject')
    .all();
  return new Map(rows.map(({ writer, n }) => [writer, n]));
}

/** Both runtimes on one file, for as long as the run allows. */
export const SOAK: Scenario = {
  name: 'two-runtimes',
  promise:
    'Two of Bun and two of Node write through all stores while others back up, migrate a copy and look: nothing is lost.',
  sides: ['mixed'],
  rounds: { quick: 1, usual: 1 },
  prepare: (bench) => {
    return async ({ folder }) => {
      const file = join(folder, 'dork.db');
      const logs = join(folder, 'logs');
      mkdirSync(logs);
      writeHome(file, logs, WRITERS, 1);
      const until = Date.now() + bench.seconds * 1000;
      const writers = runtimesOf('mixed', WRITERS.length).map((runtime, i) =>
        bench.start('write', { file, logs, writer: WRITERS[i], asks: true }, { runtime }),
      );
      try {
        for (const writer of writers) assert.ok((await writer.next()).ready);
        await Promise.all(neighbours(bench, file, logs, until));
        for (const writer of writers) writer.tell('end');
        const written = await Promise.all(writers.map(assertDone));
        for (const { done } of written) {
          const { slowestMs } = done as { slowestMs: number };
          assert.ok(slowestMs < BUSY_TIMEOUT_MS, `a write took ${slowestMs} ms`);
        }
        assertKept(file, logs);
        await keptOnNode(bench, file, logs, folder);
        const total = [...acknowledgedIn(logs).values()].reduce((sum, n) => sum + n, 0);
        assert.ok(total > WRITERS.length * 2);
        return `${total} commits`;
      } finally {
        for (const writer of writers) await writer.kill();
      }
    };
  },
};

/** Node finds the same, also in a backup of its own. */
async function keptOnNode({ start }: Bench, file: string, logs: string, folder: string): Promise<void> {
  await assertDone(start('kept', { file, logs }, { runtime: 'node' }));
  using db = createDb(file);
  const { path } = await backup(db, { to: join(folder, 'last.db') });
  cpSync(path, join(folder, 'copy.db'));
  assertKept(join(folder, 'copy.db'), logs);
  assert.deepEqual(existsSync(join(folder, 'backups')) ? listBackups(join(folder, 'backups')) : [], []);
}
