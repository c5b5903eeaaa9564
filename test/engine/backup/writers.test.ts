import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backup, createDb, restore, verifyBackup } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { createChain, faultOf, readChain } from './chain.ts';
import { start } from './processes.ts';
import { IS_SOAK } from './support.ts';

const ROWS = IS_SOAK ? 100_000 : 20_000;

describe(`backups on ${RUNTIME} while processes of both runtimes write`, () => {
  it(`each restores to a prefix of what 4 processes committed, of ${ROWS} rows`, { timeout: 600_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const db = createDb(file);
    createChain(db.$client);
    const writers = (['bun', 'node', 'bun', 'node'] as const).map((runtime, i) =>
      start('write-chain', [file, `${runtime}-${i}`, String(ROWS)], { runtime }),
    );
    await Promise.all(writers.map((writer) => writer.next()));
    let areWriting = true;
    for (const { child } of writers) child.stdin?.end('begin');
    const counts = Promise.all(writers.map((writer) => writer.next<number>())).finally(() => {
      areWriting = false;
    });
    const backups: string[] = [];
    while (areWriting) {
      backups.push((await backup(db, { label: `round ${backups.length}` })).path);
    }
    const committed = await counts;
    await Promise.all(writers.map(({ ended }) => ended));
    const all = readChain(db.$client);
    db.$client.close();
    assert.equal(faultOf(all), undefined);
    assert.equal(all.length, ROWS);
    assert.equal(
      committed.reduce((sum, n) => sum + n, 0),
      ROWS,
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
    assert.ok(
      [...lengths].some((length) => length > 0 && length < ROWS),
      `backups of ${[...lengths].join(', ')} rows`,
    );
  });
});
