import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InvalidInputError } from '#entry';
import { instant, now } from '../../src/engine/time.ts';

const FIRST = Date.parse('0000-01-01T00:00:00.000Z');
const LAST = Date.parse('9999-12-31T23:59:59.999Z');

describe('instant', () => {
  it('gives back every instant in the stored form as it is', () => {
    fc.assert(
      fc.property(fc.integer({ min: FIRST, max: LAST }), (milliseconds) => {
        const stored = new Date(milliseconds).toISOString();
        assert.equal(instant(stored, 'at'), stored);
        assert.equal(instant(milliseconds, 'at'), stored);
      }),
      { numRuns: 5000 },
    );
  });

  it('takes every real day of a leap year and of a common one, and no other', () => {
    for (const year of [2024, 2026, 1900, 2000, 0, 4]) {
      for (let month = 0; month <= 13; month++) {
        for (let day = 0; day <= 32; day++) {
          const date = [String(year).padStart(4, '0'), ...[month, day].map((n) => String(n).padStart(2, '0'))].join(
            '-',
          );
          const midnight = new Date(0);
          midnight.setUTCFullYear(year, month - 1, day);
          const isReal = midnight.toISOString().startsWith(date);
          for (const text of [`${date}T09:30:00.000Z`, `${date}T09:30:00Z`, `${date}T09:30:00+00:00`]) {
            if (isReal) assert.equal(instant(text, 'at'), `${date}T09:30:00.000Z`);
            else assert.throws(() => instant(text, 'at'), InvalidInputError, text);
          }
        }
      }
    }
  });

  for (const [text, stored] of [
    ['2026-02-25T09:30Z', '2026-02-25T09:30:00.000Z'],
    ['2026-02-25T10:30:00+01:00', '2026-02-25T09:30:00.000Z'],
    ['2026-02-25T10:30:00+0100', '2026-02-25T09:30:00.000Z'],
    ['2026-02-25T09:30:00,5Z', '2026-02-25T09:30:00.500Z'],
    ['2026-02-25T09:30:00.123999Z', '2026-02-25T09:30:00.123Z'],
    ['2026-02-25T24:00:00Z', '2026-02-26T00:00:00.000Z'],
  ] as const) {
    it(`stores ${text} as ${stored}`, () => {
      assert.equal(instant(text, 'at'), stored);
    });
  }

  it('refuses everything else, naming the field and not the value', () => {
    const others = [
      ...['', ' ', 'now', '2026-02-25', '2026-02-25T09:30:00', '2026-02-25 09:30:00Z', '2026-02-25T09:30:00.000Z '],
      ...[
        '2026-02-25T25:00:00.000Z',
        '2026-02-25T09:60:00.000Z',
        '2026-02-25T09:30:60.000Z',
        '2026-02-25T09:30:00.000z',
      ],
      ...[
        '+012026-01-01T00:00:00Z',
        '-000001-01-01T00:00:00Z',
        '2026-02-25T09:30:00.000Z\n',
        '2026-02-25T09:30:00.000Z\0',
      ],
      ...[Number.NaN, Number.POSITIVE_INFINITY, LAST + 1, FIRST - 1, null, undefined, true, {}, [], new Date(0), 5n],
    ];
    for (const value of others) {
      assert.throws(
        () => instant(value, 'finishedAt'),
        (error) => {
          assert.ok(error instanceof InvalidInputError, String(value));
          assert.equal(error.field, 'finishedAt');
          assert.match(
            error.message,
            /^finishedAt must be ISO 8601 text with a time zone or .* Nothing was written\.$/,
          );
          return true;
        },
      );
    }
  });

  it('is fast to refuse a long text', () => {
    assert.throws(() => instant(`${'2'.repeat(10_000_000)}`, 'at'), InvalidInputError);
  });
});

describe('now', () => {
  it('is in the stored form', () => {
    assert.match(now(), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });
});
