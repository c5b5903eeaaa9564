import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDb } from '#entry';
import { startThread } from '../../../src/engine/worker/thread.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';

describe(`the thread of a backup on ${RUNTIME}`, () => {
  it('is another one, and reads and writes with the driver there', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    await using thread = await startThread(db.$client.adapter);
    assert.equal(thread.isSeparate, true);
    const connection = await thread.open(folder.file('dork.db'), { readonly: false });
    await connection.all('CREATE TABLE numbers (n)');
    await connection.all('INSERT INTO numbers VALUES (?)', '5');
    assert.deepEqual(await connection.all('SELECT n FROM numbers WHERE n = ?', '5'), [{ n: '5' }]);
    await connection.close();
  });

  it('with a text that is wrong fails, and is not taken for a runtime without threads', async () => {
    using db = createDb(':memory:');
    const { adapter } = db.$client;
    const broken = { ...adapter, thread: { ...adapter.thread, open: '(a) => { return this.#no; }' } };
    await assert.rejects(startThread(broken), { name: 'SyntaxError' });
  });
});
