import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backup, createDb, restore, verifyBackup } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { createChain, endChain, faultOf, readChain } from './chain.ts';
import { IS_SOAK } from './support.ts';

const ROWS = IS_SOAK ? 100_000 : 20_000;

describe(`backups on ${RUNTIME} while processes of both runtimes write`, () => {
  it(`each restores to a prefix of what 4 processes committed, of ${ROWS} rows and more`, {
    timeout: 600_000,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const db = createDb(file);
    createChain(db.$client);
    const writers = (['bun', 'node', 'bun', 'node'] as const).map((runtime, i) =>
      start('test/engine/backup/fixtures/write-chain.ts', [file, `${runtime}-${i}`], { runtime }),
    );
    await Promise.all(writers.map((writer) => writer.next()));
    for (const { child } of writers) child.stdin?.end('begin');
    await Promise.all(writers.map((writer) => writer.next()));
    const rows = () => Number(db.$client.prepare('SELECT count(*) AS n FROM chain').get()?.n);
    const backups: string[] = [];
    let besideWrites = 0;
    while (rows() < ROWS || besideWrites < 3) {
      const before = rows();
      backups.push((await backup(db, { label: `round ${backups.length}` })).path);
      if (rows() > before) besideWrites++;
    }
    endChain(db.$client);
    const committed = await Promise.all(writers.map((writer) => writer.next<number>()));
    await Promise.all(writers.map(({ ended }) => ended));
    const all = readChain(db.$client);
    db.$client.close();
    assert.equal(faultOf(all), undefined);
    assert.equal(
      committed.reduce((sum, n) => sum + n, 0),
      all.length,
    );
    const lengths = new Set<number>();
    for (const path of backups) {
      await verifyBackup(path, { deep: true });
      const to = folder.file('restored.db');
      await restore({ from: path, to });
      using restored = createDb(to);
      const chain = readChain(restored.$client);
      assert.equal(faultOf(chain), undefined, path);
      assert.deepEqual(chain, all.slice(0, chain.length));
      lengths.add(chain.length);
    }
    assert.ok(lengths.size >= 3 && !lengths.has(0), `backups of ${[...lengths].join(', ')} rows`);
  });
});
