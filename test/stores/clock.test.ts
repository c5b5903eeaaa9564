import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { now } from '../../src/engine/time.ts';
import type { newId } from '../../src/stores/ids.ts';

const clock = Date.now;

/** Sets the clock that JavaScript reads; the real one comes back after each test. */
function setClock(milliseconds: number): void {
  Date.now = () => milliseconds;
}

/** Another copy of the module, as a new process has it; that of other tests does not see the clock set. */
async function freshIds(copy: string): Promise<typeof newId> {
  const path: string = `../../src/stores/ids.ts?copy=${copy}`;
  return ((await import(path)) as { newId: typeof newId }).newId;
}

describe('ids and instants when the clock does not go on as usual', () => {
  afterEach(() => {
    Date.now = clock;
  });

  it('ids go on within one millisecond and when the clock is set back', async () => {
    const newId = await freshIds('back');
    const at = clock() + 60_000;
    setClock(at);
    const ids = Array.from({ length: 100_000 }, () => newId());
    setClock(at - 3_600_000);
    for (let i = 0; i < 1000; i++) ids.push(newId());
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
    assert.equal(new Set(ids.map((id) => id.slice(0, 10))).size, 1);
  });

  it('the first ids are valid and go on, whatever number the clock gives', async () => {
    for (const at of [0, -1, -1e15, 0.5, 1234.75, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 48, 2 ** 48 - 2]) {
      const newId = await freshIds(String(at));
      setClock(at);
      const ids = Array.from({ length: 2000 }, () => newId());
      for (const id of ids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
      assert.deepEqual(ids.toSorted(), ids);
      assert.equal(new Set(ids).size, ids.length);
      setClock(clock());
      assert.ok(newId() > (ids.at(-1) ?? ''));
    }
  });

  it('two ids of different milliseconds share nothing behind their time', async () => {
    const newId = await freshIds('tails');
    const at = clock() + 120_000;
    const tails = Array.from({ length: 1000 }, (_, i) => {
      setClock(at + i);
      return newId().slice(10);
    });
    assert.equal(new Set(tails).size, tails.length);
    for (let place = 0; place < 16; place++) {
      assert.equal(new Set(tails.map((tail) => tail[place])).size, 32, `character ${place} does not take every value`);
    }
  });

  it('this instant is that of the clock, at every millisecond of a second, across seconds and backwards', () => {
    const second = Date.parse('2026-02-28T23:59:59.000Z');
    for (const at of [...Array.from({ length: 2100 }, (_, i) => second + i), second, second - 1, 0, -1, second + 999]) {
      setClock(at);
      assert.equal(now(), new Date(at).toISOString());
    }
  });
});
