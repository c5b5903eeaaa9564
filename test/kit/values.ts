import type { SqliteValue } from '../../src/engine/driver/adapter.ts';
import type { Random } from './random.ts';

/** Text that has hurt someone's migration: quotes, comments, line ends, other scripts, what looks like a number. */
const TEXTS = [
  '',
  ' ',
  'plain',
  "it's; DROP TABLE agents; --",
  '"double" `back` [square]',
  'line\r\nend\n--> statement-breakpoint\n',
  '日本語 العربية 👩‍👩‍👧 é',
  '007',
  '1e5',
  'null',
  '%_\\',
  'a'.repeat(5000),
];

const INTEGERS = [0, 1, -1, 42, 2 ** 31, -(2 ** 31), Number.MAX_SAFE_INTEGER, 1767225600000];
const JSONS = ['{}', '[]', 'null', '{"a":[1,"b",null],"__proto__":{"x":1}}', '"text"', '1'];

/** Values to try for a column of the declared type; what a CHECK refuses is left out by the caller. */
export function candidates(type: string, name: string): readonly SqliteValue[] {
  if (/INT|BOOL/i.test(type)) return INTEGERS;
  if (/REAL|FLOA|DOUB|NUM|DEC/i.test(type)) return [0.5, -1e300, 3, ...INTEGERS];
  if (/BLOB/i.test(type)) return [new Uint8Array(), new Uint8Array([0, 255, 10, 39])];
  if (/_at$/.test(name)) return ['2026-02-25T09:30:00.000Z', '1970-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'];
  return [...JSONS, ...TEXTS];
}

/** Another value of the same kind, so that keys are unique. */
export function varied(value: SqliteValue, name: string, row: number, random: Random): SqliteValue {
  if (typeof value === 'number') return value >= 0 && value < 2 ** 40 ? value + row * 1000 + random.below(1000) : value;
  if (typeof value !== 'string') return value;
  if (/_at$/.test(name)) return new Date(Date.UTC(2026, 0, 1) + row * 61_001 + random.below(1000)).toISOString();
  return /^[[{"]|^(null|1)$/.test(value) ? value : `${value}${row}-${random.below(1e9)}`;
}
