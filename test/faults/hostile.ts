import type { Random } from '../kit/random.ts';
import { HOSTILE_TEXTS } from '../support/hostile-text.ts';

/** What a hostile getter throws: it may come out as it is. */
export class HostileError extends Error {
  override readonly name = 'HostileError';
}

function hostile(): never {
  throw new HostileError('A getter of the value threw.');
}

function cyclic(): object {
  const value: Record<string, unknown> = {};
  value.self = value;
  return value;
}

function deep(): object {
  let value: object = {};
  for (let i = 0; i < 5000; i++) value = { value };
  return value;
}

const TEXTS = Object.entries(HOSTILE_TEXTS)
  .filter(([name]) => !name.startsWith('ten megabytes'))
  .map(([, text]) => text);

/** Values that no caller means; each is made anew, so that none is changed for the next. */
const VALUES: readonly (() => unknown)[] = [
  ...TEXTS.map((text) => () => text),
  () => 'x'.repeat(1_000_000),
  () => undefined,
  () => null,
  () => true,
  () => 0,
  () => -0,
  () => -1,
  () => 0.1,
  () => Number.NaN,
  () => Number.POSITIVE_INFINITY,
  () => 2 ** 53,
  () => -(2 ** 63),
  () => 1e308,
  () => 1n,
  () => 2n ** 70n,
  () => Symbol('s'),
  () => () => 'f',
  () => [],
  () => [undefined],
  () => ['__proto__', '\ud800'],
  () => Array(100_000).fill(0),
  () => new Array(3),
  () => ({}),
  () => Object.create(null),
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'),
  () => cyclic(),
  () => deep(),
  () => new Date(),
  () => new Date(Number.NaN),
  () => new Uint8Array([0, 255]),
  () => new Map([['id', 'x']]),
  () => new String('text'),
  () => /x/,
  () => Promise.resolve('x'),
  () => new Proxy({}, { get: hostile, has: hostile, ownKeys: hostile, getPrototypeOf: hostile }),
  () => new Proxy([], { get: hostile, ownKeys: hostile }),
  () => Object.defineProperty({}, 'id', { get: hostile, enumerable: true }),
  () => ({ toString: hostile, toJSON: hostile, valueOf: hostile, [Symbol.toPrimitive]: hostile }),
  () => ({ [Symbol.iterator]: hostile }),
];

/** A value that no caller means. */
export function hostileValue(random: Random): unknown {
  return random.pick(VALUES)();
}

/** A text that no caller means. */
export function hostileText(random: Random): string {
  return random.pick(TEXTS);
}

/** What was right, with some of its fields hostile; now and then it is hostile as a whole. */
export function spoiled(right: Readonly<Record<string, unknown>>, random: Random): unknown {
  if (random.chance(0.1)) return hostileValue(random);
  const value: Record<string, unknown> = { ...right };
  for (let times = random.below(3); times > 0; times--) {
    const field = random.pick(Object.keys(right));
    const way = random.below(10);
    if (way === 0) delete value[field];
    else {
      const property = way === 1 ? { get: hostile } : { value: hostileValue(random) };
      Object.defineProperty(value, field, { ...property, enumerable: true, configurable: true });
    }
  }
  if (random.chance(0.1)) value[random.pick(['__proto__', 'constructor', 'unknown', hostileText(random)])] = 1;
  return value;
}
