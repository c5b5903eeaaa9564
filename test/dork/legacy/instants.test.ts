/** The SQL of instants against JavaScript's Date, over values of every size. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createDb, type Db } from '#entry';
import {
  isMilliseconds,
  isoOfMilliseconds,
  isStoredInstant,
  readInstant,
} from '../../../src/dork/legacy/instant-sql.ts';
import { FIRST_MILLISECOND, LAST_MILLISECOND } from '../../../src/engine/time.ts';
import { RUNTIME } from '../../support/runtime.ts';

const COUNT = process.env.DORK_SOAK ? 4_000_000 : 200_000;
const CHUNK = 50_000;

/** Milliseconds of every kind: ends of the calendar, around zero, of our days with and without a fraction, anywhere. */
function value(i: number): number {
  const anywhere = FIRST_MILLISECOND + Math.random() * (LAST_MILLISECOND - FIRST_MILLISECOND);
  switch (i % 6) {
    case 0:
      return Math.trunc(anywhere);
    case 1:
      return anywhere;
    case 2:
      return Math.trunc((Math.random() - 0.5) * 4e12);
    case 3:
      return (Math.random() - 0.5) * 4e12;
    case 4:
      return (i % 12 === 4 ? FIRST_MILLISECOND : LAST_MILLISECOND - 5000) + (i % 5000);
    default:
      return (i % 5000) - 2500;
  }
}

describe(`instants on ${RUNTIME}`, () => {
  let db: Db;
  before(() => {
    db = createDb(':memory:');
    db.$client.exec('CREATE TEMP TABLE instants (ms INTEGER, iso TEXT)');
  });
  after(() => db[Symbol.dispose]());

  it(`are in SQL what Date says, for ${COUNT} random values`, { timeout: 600_000 }, () => {
    const put = db.$client.prepare('INSERT INTO instants SELECT value ->> 0, value ->> 1 FROM json_each(?)');
    const same = db.$client.prepare<{ n: number; same: number }>(
      `SELECT count(*) AS n, sum(${isMilliseconds('ms')} AND ${isoOfMilliseconds('ms')} IS iso AND ${isStoredInstant('iso')}) AS same FROM instants`,
    );
    for (let done = 0; done < COUNT; done += CHUNK) {
      const rows = Array.from({ length: CHUNK }, (_, i) => value(i)).map((ms) => [ms, new Date(ms).toISOString()]);
      put.run(JSON.stringify(rows));
      assert.deepEqual(same.get(), { n: CHUNK, same: CHUNK });
      db.$client.exec('DELETE FROM instants');
    }
  });

  it('that are none are told from those that are', () => {
    const isStored = db.$client.prepare<{ is: number }>(`SELECT ${isStoredInstant('x')} AS "is" FROM (SELECT ? AS x)`);
    const isNumber = db.$client.prepare<{ is: number }>(`SELECT ${isMilliseconds('x')} AS "is" FROM (SELECT ? AS x)`);
    for (const text of ['2024-02-29T00:00:00.000Z', '0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      assert.equal(isStored.get(text)?.is, 1, text);
    }
    for (const text of [
      '2023-02-29T00:00:00.000Z',
      '2026-04-31T00:00:00.000Z',
      '2026-01-01T24:00:00.000Z',
      '2026-01-01T23:59:60.000Z',
      '2026-13-01T00:00:00.000Z',
      '2026-01-01T00:00:00.000Z\0',
      ' 2026-01-01T00:00:00.000Z',
      '2026-01-01 00:00:00.000Z',
      '2026-01-01T00:00:00.000z',
      '2026-01-01T00:00:00Z',
      '+02026-01-01T00:00:00.000Z',
      '-0001-01-01T00:00:00.000Z',
      'now',
      '0',
      '',
    ]) {
      assert.equal(isStored.get(text)?.is, 0, text);
      assert.equal(isNumber.get(text)?.is, 0, text);
    }
    for (const number of [
      LAST_MILLISECOND + 1,
      FIRST_MILLISECOND - 1,
      1e300,
      Number.POSITIVE_INFINITY,
      new Uint8Array(3),
    ]) {
      assert.equal(isNumber.get(number)?.is, 0, String(number));
      assert.equal(isStored.get(number)?.is, 0, String(number));
    }
  });

  it('in another form are read by a named rule, and what is none is not', () => {
    const at = '2026-02-02T02:40:00.500Z';
    assert.deepEqual(readInstant(at), { iso: at });
    assert.deepEqual(readInstant('2026-02-02T03:40:00.5+01:00'), { iso: at, rule: 'instant_in_another_form' });
    assert.deepEqual(readInstant('2026-02-02 02:40:00.5'), { iso: at, rule: 'instant_without_zone_is_utc' });
    assert.deepEqual(readInstant('1770000000500.75'), { iso: at, rule: 'instant_from_millisecond_text' });
    for (const text of [
      '',
      'now',
      '2026',
      '2026-02-30 00:00:00',
      '99999999999999999',
      '12:00',
      `${at}\0`,
      'x'.repeat(1e6),
    ]) {
      assert.equal(readInstant(text), undefined, text.slice(0, 30));
    }
  });
});
