/** docs/replication.md with the real Litestream: replicate, kill -9, restore, compare. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, relayIndex, verifyBackup } from '#entry';
import { assertBuilt } from '../support/built.ts';
import { consumerProject } from '../support/consumer-project.ts';
import { CATCH_UP_MS, killed, LITESTREAM, seen } from '../support/litestream.ts';
import { BUN, NODE, ROOT } from '../support/runtime.ts';
import { blocksBelow } from './code-blocks.ts';

/** Writes rows at a pace until it is killed, and says how many. */
const WRITER = `
import { createDb, SqliteIndex } from '@dorkos/db';
const index = new SqliteIndex(createDb());
let n = 0;
setInterval(() => {
  if (n < 300) index.insertMessage({ id: process.argv[2] + n++, subject: 's', endpointHash: 'h', payload: 'x'.repeat(500) });
  console.log(n);
}, 5);
`;

describe('Litestream beside two writers', () => {
  it('has every row that it had sent when everything is killed', { timeout: 60_000 }, async () => {
    assertBuilt();
    using project = consumerProject();
    const home = project.file('home');
    mkdirSync(home);
    writeFileSync(project.file('writer.ts'), WRITER);
    const env = { ...process.env, DORK_HOME: home, REPLICA: project.file('replica') };
    const [replicate, restore] = blocksBelow(ROOT, ['docs/replication.md'], '.md')
      .filter(({ language, words }) => language === 'sh' && words[0] === 'litestream')
      .map(({ code }) => code.trim().replace(/^litestream/, `exec '${LITESTREAM}'`)) as [string, string];
    createDb(join(home, 'dork.db')).$client.close();

    const running: ChildProcess[] = [];
    const start = (command: string, args: string[]) => {
      const child = spawn(command, args, { cwd: project.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
      running.push(child);
      return child;
    };
    try {
      const litestream = start('bash', ['-c', replicate]);
      await seen(litestream, /replicating to/);
      await Promise.all([BUN, NODE].map((runtime, i) => seen(start(runtime, ['writer.ts', `${i}-`]), /^300$/m)));
      const deadline = Date.now() + CATCH_UP_MS;
      for (let i = 0; restoredRows(project.file(`probe-${i}`), restore, env) < 600; i++) {
        assert.ok(Date.now() < deadline, 'Litestream does not catch up');
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    } finally {
      await Promise.all(running.map(killed));
    }

    const restored = join(home, 'restored.db');
    const { status, stderr } = spawnSync('bash', ['-c', restore], { env, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.ok(existsSync(restored));
    const { state, rows } = await verifyBackup(restored, { deep: true });
    assert.equal(state, 'current');
    assert.equal(rows.relay_index, 600);
    assert.deepEqual(rowsOf(restored), rowsOf(join(home, 'dork.db')));
  });
});

/** How many rows a restore into a folder of its own brings at this moment; 0 where it brings no file yet. */
function restoredRows(home: string, restore: string, env: NodeJS.ProcessEnv): number {
  mkdirSync(home);
  const { status } = spawnSync('bash', ['-c', restore], { env: { ...env, DORK_HOME: home } });
  return status === 0 ? rowsOf(join(home, 'restored.db')).length : 0;
}

function rowsOf(file: string): unknown[] {
  using db = createDb(file);
  return db.select().from(relayIndex).orderBy(relayIndex.id).all();
}
