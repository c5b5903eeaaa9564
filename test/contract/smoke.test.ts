import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDb, eq, pulseSchedules } from '#entry';
import { temporaryFolder } from '../support/folder.ts';

describe('smoke', () => {
  it('opens', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    assert.deepEqual(db.select().from(pulseSchedules).where(eq(pulseSchedules.id, 'x')).all(), []);
    assert.deepEqual(db.$client.prepare('select 1 as a').get(), { a: 1 });
  });
});
