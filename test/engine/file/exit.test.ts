import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER, ROOT } from '../../support/runtime.ts';

type Exit = typeof import('../../../src/engine/file/exit.ts');

/** Evaluates the module again, as `bun --hot` does at each reload. */
async function reloaded(times: number): Promise<Exit> {
  return await import(`${pathToFileURL(join(ROOT, 'src/engine/file/exit.ts')).href}?${times}`);
}

describe(`closing at the exit on ${DRIVER}`, () => {
  it('adds one listener, however often the module is loaded again, and removes it with the last connection', async () => {
    using folder = temporaryFolder();
    const before = process.listenerCount('exit');
    const opened = [];
    for (let i = 1; i <= 12; i++) {
      const { closeAtExit } = await reloaded(i);
      const db = createDb(folder.file(`${i}.db`));
      closeAtExit(db.$client);
      opened.push(db);
    }
    assert.equal(process.listenerCount('exit'), before + 1);
    for (const db of opened) db.$client.close();
    assert.equal(process.listenerCount('exit'), before);
  });
});
