/** Instants of the older files, over values of every form. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { columnInstant, ofMilliseconds, readInstant } from '../../../src/dork/legacy/instants.ts';
import { Misfit } from '../../../src/dork/legacy/misfit.ts';
import { FIRST_MILLISECOND, LAST_MILLISECOND } from '../../../src/engine/time.ts';
import { RUNTIME } from '../../support/runtime.ts';

describe(`instants on ${RUNTIME}`, () => {
  it('of milliseconds are those of the years 0 to 9999, without their fraction', () => {
    const cases: [number, string | undefined][] = [
      [0, '1970-01-01T00:00:00.000Z'],
      [-0.5, '1970-01-01T00:00:00.000Z'],
      [-1.5, '1969-12-31T23:59:59.999Z'],
      [1770000000124.75, '2026-02-02T02:40:00.124Z'],
      [FIRST_MILLISECOND, '0000-01-01T00:00:00.000Z'],
      [LAST_MILLISECOND + 0.5, '9999-12-31T23:59:59.999Z'],
      [FIRST_MILLISECOND - 1, undefined],
      [LAST_MILLISECOND + 1, undefined],
      [1e300, undefined],
      [Number.POSITIVE_INFINITY, undefined],
      [Number.NaN, undefined],
    ];
    for (const [ms, iso] of cases) assert.equal(ofMilliseconds(ms), iso, String(ms));
  });

  it('in the stored form are only the days of the calendar', () => {
    for (const text of ['2024-02-29T00:00:00.000Z', '0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      assert.deepEqual(readInstant(text), { iso: text });
    }
    for (const text of [
      '2023-02-29T00:00:00.000Z',
      '2026-04-31T00:00:00.000Z',
      '2026-01-01T23:59:60.000Z',
      '2026-13-01T00:00:00.000Z',
      '2026-01-01T00:00:00.000Z\0',
      ' 2026-01-01T00:00:00.000Z',
      '+02026-01-01T00:00:00.000Z',
      '-0001-01-01T00:00:00.000Z',
      '0',
    ]) {
      assert.equal(readInstant(text), undefined, text);
    }
  });

  it('in a column are NULL, text or milliseconds, and nothing else', () => {
    const rules: string[] = [];
    const read = (value: Parameters<typeof columnInstant>[0]) =>
      columnInstant(value, 'sent_at', 'sentAt', (rule) => rules.push(rule));
    assert.equal(read(null), null);
    assert.equal(read(5.5), '1970-01-01T00:00:00.005Z');
    assert.equal(read('2026-02-02 02:40:00'), '2026-02-02T02:40:00.000Z');
    assert.deepEqual(rules, ['sentAt_fraction_cut', 'sent_at_instant_without_zone_is_utc']);
    for (const value of [new Uint8Array(3), 2n ** 60n, 'now', 1e300]) assert.throws(() => read(value), Misfit);
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
