import assert from 'node:assert/strict';
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { AgentRegistry, BudgetMapper, DenialList } from '#entry';
import { ROOT, type Runtime, runtimeCommand } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { sampleAgent } from './sample-agent.ts';

const TIMEOUT = 120_000;

/** A process that will do what it is told; killed at the end of the block. */
class Contender implements Disposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown[]>;

  constructor(runtime: Runtime, path: string, what: string) {
    const [command, script] = runtimeCommand('test/dork/mesh/fixtures/contender.ts', runtime);
    this.#child = spawn(command, [script, path, what], { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'] });
    this.#exit = once(this.#child, 'exit');
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async ready(): Promise<void> {
    const { value } = await Promise.race([this.#lines.next(), this.#exit.then(() => ({ value: 'exited' }))]);
    assert.equal(value, 'ready');
  }

  async run() {
    this.#child.stdin.end('go\n');
    const { value } = await this.#lines.next();
    assert.deepEqual(await this.#exit, [0, null]);
    return JSON.parse(String(value));
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

/** Lets a Bun and a Node process loose on the same file at the same moment, and gives what each says of it. */
async function race(path: string, what: string) {
  using bun = new Contender('bun', path, what);
  using node = new Contender('node', path, what);
  await Promise.all([bun.ready(), node.ready()]);
  const [ofBun, ofNode] = await Promise.all([bun.run(), node.run()]);
  return { bun: ofBun, node: ofNode };
}

describe('a Bun and a Node process on the same file', () => {
  it('never get one call too many out of tryRecordCall()', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    const { bun, node } = await race(test.path, 'calls');
    // Each call was given out once: what was left after it is different for all.
    const remaining = [...bun, ...node].sort((a: number, b: number) => b - a);
    assert.deepEqual(
      remaining,
      Array.from({ length: 2000 }, (_, i) => 1999 - i),
    );
    assert.deepEqual(new BudgetMapper(test.db).checkBudget('agent', 2000), { allowed: false, used: 2000 });
  });

  it('lose no recorded call', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    await race(test.path, 'records');
    assert.deepEqual(new BudgetMapper(test.db).checkBudget('agent', 0), { allowed: false, used: 2000 });
  });

  it('lose no key of a manifest that both update', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent({ id: 'agent', color: 'blue' });
    registry.insert(entry);
    await race(test.path, 'updates');
    const keys = Array.from({ length: 300 }, (_, i) => [
      [`bun${i}`, i],
      [`node${i}`, i],
    ]);
    assert.deepEqual(registry.get('agent'), { ...entry, ...Object.fromEntries(keys.flat()) });
  });

  it('register one agent a path, and each knows which are its own', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    const { bun, node } = await race(test.path, 'paths');
    const agents = new AgentRegistry(test.db).list();
    assert.equal(new Set(agents.map(({ projectPath }) => projectPath)).size, 300);
    assert.deepEqual(agents.map(({ id }) => id).sort(), [...bun, ...node].sort());
    assert.equal(agents.length, 300);
  });

  it('deny a path once, whoever was last', { timeout: TIMEOUT }, async () => {
    using test = storeDb();
    await race(test.path, 'denials');
    const paths = new DenialList(test.db).list().map(({ path }) => path);
    assert.deepEqual(paths.sort(), Array.from({ length: 100 }, (_, i) => `/nowhere/${i}`).sort());
  });
});
