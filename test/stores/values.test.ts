import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { DorkDbError, InvalidInputError } from '../../src/engine/errors.ts';
import { instant } from '../../src/engine/time.ts';
import { hasWalResetBug, isAtLeast } from '../../src/engine/version.ts';
import { newId } from '../../src/stores/ids.ts';

describe('ids', () => {
  it('are ULIDs, unique, and greater than every earlier one, also within a millisecond', () => {
    const ids = Array.from({ length: 50_000 }, () => newId());
    for (const id of ids.slice(0, 100)) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    assert.equal(new Set(ids).size, ids.length);
    assert.deepEqual(ids.toSorted(), ids);
  });

  it('carry the time they were made', () => {
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const before = Date.now();
    const time = [...newId().slice(0, 10)].reduce((sum, c) => sum * 32 + alphabet.indexOf(c), 0);
    assert.ok(time >= before - 60_000 && time <= Date.now());
  });
});

describe('instants', () => {
  it('are ISO 8601 in UTC with milliseconds, from text with a zone or Unix milliseconds', () => {
    assert.equal(instant('2026-02-25T09:30:00.000Z', 'at'), '2026-02-25T09:30:00.000Z');
    assert.equal(instant('2026-02-25T10:30:00+01:00', 'at'), '2026-02-25T09:30:00.000Z');
    assert.equal(instant('2026-02-25T09:30Z', 'at'), '2026-02-25T09:30:00.000Z');
    assert.equal(instant(1_772_011_800_123, 'at'), '2026-02-25T09:30:00.123Z');
    assert.equal(instant(1_772_011_800_123.9, 'at'), '2026-02-25T09:30:00.123Z');
    assert.equal(instant(-1, 'at'), '1969-12-31T23:59:59.999Z');
  });

  it('refuse what is none, by the name of the field and without its value', () => {
    for (const value of [
      '',
      'yesterday',
      '2026-02-31T00:00:00.000Z',
      '2026-13-01T00:00:00.000Z',
      '2026-02-25',
      '2026-02-25T09:30:00',
      '+012026-02-25T09:30:00.000Z',
      Number.NaN,
      Number.POSITIVE_INFINITY,
      1e18,
      null,
      undefined,
      {},
      new Date(),
      '2026-02-25T09:30:00.000Z; DROP TABLE t',
    ]) {
      assert.throws(
        () => instant(value, 'at'),
        (error) => error instanceof InvalidInputError && error.field === 'at' && !error.message.includes('DROP'),
        String(value),
      );
    }
  });

  it('keep the order of time as the order of text', () => {
    const time = fc.integer({ min: Date.parse('0000-01-01T00:00:00Z'), max: Date.parse('9999-12-31T23:59:59Z') });
    fc.assert(
      fc.property(time, time, (a, b) => {
        assert.equal(
          Math.sign(a - b),
          instant(a, 'a') < instant(b, 'b') ? -1 : instant(a, 'a') > instant(b, 'b') ? 1 : 0,
        );
        assert.equal(Date.parse(instant(a, 'a')), a);
      }),
    );
  });
});

describe('versions', () => {
  it('compare by number and not by text', () => {
    assert.ok(isAtLeast('22.14.0', '22.14.0'));
    assert.ok(isAtLeast('100.0.0', '22.14.0'));
    assert.ok(!isAtLeast('22.9.9', '22.14.0'));
    assert.ok(isAtLeast('23.0.0-nightly', '22.14.0'));
  });

  it('know the SQLite versions with the WAL-reset bug', () => {
    for (const bad of ['3.7.0', '3.40.1', '3.44.5', '3.44.7', '3.50.6', '3.51.2']) assert.ok(hasWalResetBug(bad), bad);
    for (const good of ['3.6.23', '3.44.6', '3.50.7', '3.51.3', '3.54.1', '4.0.0'])
      assert.ok(!hasWalResetBug(good), good);
  });
});

describe('errors', () => {
  it('have one base, a stable code, a hint, and fields that JSON shows', () => {
    const error = new InvalidInputError('cron', 'is not a cron expression');
    assert.ok(error instanceof DorkDbError && error instanceof Error);
    assert.deepEqual(JSON.parse(JSON.stringify(error)), {
      name: 'InvalidInputError',
      code: 'INVALID_INPUT',
      message: 'cron is not a cron expression. Nothing was written.',
      hint: error.hint,
      retryable: false,
    });
  });
});
