/** kill -9 at any moment of an export or of the import of one: nothing has the final name. DORK_SOAK=1 runs 50 rounds. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { temporaryFolder } from '../../support/folder.ts';
import { pause, start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { IS_SOAK, SLOW_DISK_MS } from '../backup/support.ts';
import { contentOf, filesOf, fillKinds, kinds } from './support.ts';

const ROUNDS = IS_SOAK ? 50 : 5;
const kit = kinds();

describe(`on ${RUNTIME}, killed at ${ROUNDS} moments`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let whole: Record<string, string>;
  let content: Record<string, unknown>;
  before(
    async () => {
      folder = temporaryFolder();
      using db = kit.createDb(folder.file('a.db'));
      fillKinds(db, 30_000);
      content = contentOf(db);
      await kit.exportDb(db, { to: folder.file('whole') });
      whole = filesOf(folder.file('whole'));
    },
    { timeout: SLOW_DISK_MS },
  );
  after(() => folder[Symbol.dispose]());

  /** Runs a fixture until it is killed, and looks at what is there. Returns how many were killed before their end. */
  async function killed(name: string, args: string[], final: string, check: () => void): Promise<number> {
    let count = 0;
    let duration = 0;
    for (let round = -1; round < ROUNDS; round++) {
      const fixture = start(`test/engine/export/fixtures/${name}.ts`, args);
      await fixture.next();
      const began = performance.now();
      if (round < 0) await fixture.next();
      else await pause(((round + Math.random()) / ROUNDS) * duration);
      if (round < 0) duration = performance.now() - began;
      await fixture.kill();
      const left = readdirSync(folder.path).filter((entry) => entry.endsWith('.partial'));
      if (existsSync(final)) check();
      else if (left.length > 0) count++;
      for (const suffix of ['', '-wal', '-shm']) rmSync(final + suffix, { recursive: true, force: true });
    }
    return count;
  }

  it('an export is whole or has no name, and the next one sweeps it away', { timeout: SLOW_DISK_MS * 3 }, async () => {
    const to = folder.file('out');
    const unlike = ({ 'export.json': _, ...files }: Record<string, string>) => files;
    const count = await killed('export', [folder.file('a.db'), to], to, () => {
      assert.deepEqual(unlike(filesOf(to)), unlike(whole));
    });
    assert.ok(count > 0, 'some were killed in time');
    using db = kit.createDb(folder.file('a.db'));
    assert.deepEqual(contentOf(db), content);
    await kit.exportDb(db, { to });
    assert.deepEqual(unlike(filesOf(to)), unlike(whole));
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.includes('.partial')),
      [],
    );
  });

  it('an import is whole or has no name, and the next one sweeps it away', { timeout: SLOW_DISK_MS * 3 }, async () => {
    const to = folder.file('b.db');
    const assertEqual = () => {
      using db = kit.createDb(to);
      assert.deepEqual(contentOf(db), content);
    };
    const count = await killed('import', [folder.file('whole'), to], to, assertEqual);
    assert.ok(count > 0, 'some were killed in time');
    await kit.importExport({ from: folder.file('whole'), to });
    assertEqual();
    assert.deepEqual(filesOf(folder.file('whole')), whole);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.includes('.partial')),
      [],
    );
  });
});
