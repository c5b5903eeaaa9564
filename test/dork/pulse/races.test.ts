import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { PulseStore } from '#entry';
import { ROOT, type Runtime, runtimeCommand } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { REPORT } from './samples.ts';

const TIMEOUT = 120_000;

/** A process that is ready to do what it was told. */
async function contender(runtime: Runtime, ...args: string[]) {
  const [command, script] = runtimeCommand('test/dork/pulse/fixtures/contender.ts', runtime);
  const child = spawn(command, [script, ...args], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready', `${runtime} did not start`);
  return async (): Promise<number> => {
    child.stdin.end('go\n');
    const { value } = await lines.next();
    assert.deepEqual(await exit, [0, null]);
    return JSON.parse(String(value));
  };
}

/** Lets a Bun and a Node process loose on the same file at the same moment, and gives what each says of it. */
async function race(...args: string[]): Promise<[bun: number, node: number]> {
  const starts = await Promise.all([contender('bun', ...args), contender('node', ...args)]);
  return (await Promise.all(starts.map((start) => start()))) as [number, number];
}

describe('a Bun and a Node process on the same file', () => {
  it('lose no field of a run or a schedule that both patch', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const schedule = pulse.createSchedule(REPORT);
    const created = Array.from({ length: 300 }, () => pulse.createRun(schedule.id, 'scheduled'));
    assert.deepEqual(await race(test.path, 'patches', schedule.id), [300, 300]);
    assert.deepStrictEqual(
      pulse.listRuns({ limit: 1000 }),
      created
        .map((run) => ({
          ...run,
          status: 'completed',
          outputSummary: `bun ${run.id}`,
          durationMs: 7,
          sessionId: `node ${run.id}`,
        }))
        .toReversed(),
    );
    const patched = pulse.getSchedule(schedule.id);
    assert.deepStrictEqual(patched, {
      ...schedule,
      description: 'bun 99',
      cwd: '/node/99',
      updatedAt: patched?.updatedAt,
    });
  });

  it('prune to the newest of both, and count each run that they delete once', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    const [bun, node] = await race(test.path, 'prunes', id);
    assert.equal(pulse.countRuns(id), 50);
    assert.equal(bun + node, 550);
  });

  it('fail each run that was running once', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    const [bun, node] = await race(test.path, 'failures', id);
    assert.equal(bun + node, 400);
    assert.equal(pulse.listRuns({ status: 'failed', limit: 1000 }).length, 400);
    assert.deepStrictEqual(pulse.getRunningRuns(), []);
  });
});
