import { InvalidInputError } from '../errors.ts';
import { isBytes, isPlainObject } from '../realm.ts';
import type { SqliteValue } from './adapter.ts';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Refuses a value that SQLite would change, so that a value is stored exactly or not at all. */
function refuse(value: unknown, position: number): never {
  if (Array.isArray(value))
    throw new TypeError(`Parameter ${position} is an array. Spread it: all(...values). Nothing was written.`);
  if (isPlainObject(value)) {
    throw new TypeError(
      `Parameter ${position} is an object, and the statement names no parameters (:name). Nothing was written.`,
    );
  }
  const kind = Object.prototype.toString.call(value) === '[object Date]' ? 'a Date' : `a value of type ${typeof value}`;
  throw new TypeError(
    `Parameter ${position} is ${kind}; SQLite stores null, numbers, bigint, strings and Uint8Array. Nothing was written.`,
  );
}

/**
 * Converts the parameters of a raw statement for its driver, in the same array: undefined is NULL, booleans are 0 and 1,
 * integers are INTEGER.
 *
 * @throws TypeError for a Date or another object, a function or a symbol.
 * @throws InvalidInputError for NaN, a bigint beyond 64 bits, and a string with a lone surrogate (UTF-8 has none).
 */
export function bindable(params: unknown[], numbersAsReal: boolean): SqliteValue[] {
  for (let i = 0; i < params.length; i++) {
    const value = params[i];
    switch (typeof value) {
      case 'string':
        if (!value.isWellFormed())
          throw new InvalidInputError(`parameter ${i + 1}`, 'has a lone surrogate, which UTF-8 cannot hold');
        break;
      case 'number':
        if (Number.isNaN(value))
          throw new InvalidInputError(`parameter ${i + 1}`, 'is NaN, which SQLite would store as NULL');
        if (numbersAsReal && Number.isSafeInteger(value) && !Object.is(value, -0)) params[i] = BigInt(value);
        break;
      case 'undefined':
        params[i] = null;
        break;
      case 'boolean':
        params[i] = numbersAsReal ? BigInt(value) : Number(value);
        break;
      case 'bigint':
        if (value < INT64_MIN || value > INT64_MAX)
          throw new InvalidInputError(`parameter ${i + 1}`, 'is a bigint beyond 64 bits');
        break;
      default:
        if (value !== null && !isBytes(value)) refuse(value, i + 1);
    }
  }
  return params as SqliteValue[];
}

/**
 * The parameters by their position. A statement with named parameters also takes one object, whose keys are the names
 * without their first character; further keys are ignored.
 *
 * @param names The name of each parameter; undefined for one without.
 * @throws InvalidInputError if the object lacks a name, or a parameter has none.
 */
export function byPosition(params: unknown[], names: readonly (string | undefined)[]): unknown[] {
  const [values] = params;
  if (params.length !== 1 || !isPlainObject(values)) return params;
  return names.map((name) => {
    if (name === undefined)
      throw new InvalidInputError('parameters', 'are an object where the statement also has parameters without a name');
    if (!Object.hasOwn(values, name)) throw new InvalidInputError('parameters', `lack ${name}`);
    return values[name];
  });
}

/** @throws InvalidInputError if the number of parameters is not the one that the statement takes. */
export function assertCount(params: readonly unknown[], count: number): void {
  if (params.length !== count)
    throw new InvalidInputError('parameters', `are ${params.length}, but the statement takes ${count}`);
}

/**
 * The parameters for a driver that takes those with a name (`?1` is one) from an object, and then the others in their
 * order.
 *
 * @throws InvalidInputError if their number is wrong.
 */
export function arranged(
  params: readonly SqliteValue[],
  names: readonly (string | undefined)[],
): readonly SqliteValue[] {
  assertCount(params, names.length);
  const named = Object.fromEntries(names.flatMap((name, i) => (name === undefined ? [] : [[name, params[i]]])));
  const unnamed = params.filter((_, i) => names[i] === undefined);
  return [named as unknown as SqliteValue, ...unnamed];
}
