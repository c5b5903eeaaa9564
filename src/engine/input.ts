import * as v from 'valibot';
import { InvalidInputError } from './errors.ts';
import { DEEPEST_JSON } from './json-depth.ts';
import { refuseUnknown } from './options.ts';
import { isPlainObject } from './realm.ts';
import { instant, isInstant, NO_INSTANT } from './time.ts';

/** Checks of arguments. Each message completes the sentence "FIELD …" and never contains the value. */

/** Returns true for a value that a schema returns unchanged; false if this is unknown. */
type FitsAsItIs = (value: unknown) => boolean;

const usual = new WeakMap<v.GenericSchema, FitsAsItIs>();

/**
 * Declares which values a schema returns unchanged, so that valibot is not needed for typical arguments. Valibot takes
 * 2 microseconds for a patch of two fields, a third of a small read.
 */
/* @__NO_SIDE_EFFECTS__ */
export function letThrough<T extends v.GenericSchema>(schema: T, fits: FitsAsItIs): T {
  usual.set(schema, fits);
  return schema;
}

/** Creates a value at its first use, so that programs without it start faster. */
/* @__NO_SIDE_EFFECTS__ */
export function late<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const never: FitsAsItIs = () => false;

/** Returns the function given to {@link letThrough} for a schema, or for the schema inside a `v.nullable()`. */
export function fitsAsItIs(schema: v.GenericSchema): FitsAsItIs {
  const fits = usual.get(schema);
  if (fits) return fits;
  if (schema.type !== 'nullable' || 'pipe' in schema || !('wrapped' in schema)) return never;
  const inner = fitsAsItIs(schema.wrapped as v.GenericSchema);
  return (value) => value === null || inner(value);
}

/** Text that UTF-8 can represent, so that it is stored exactly. */
export const text = letThrough(
  v.pipe(
    v.string('must be a string'),
    v.check((value) => value.isWellFormed(), 'has a lone surrogate, which UTF-8 cannot represent'),
  ),
  (value) => typeof value === 'string' && value.isWellFormed(),
);

/**
 * Text for people: every text column except identities, paths and words. A lone surrogate, e.g. from
 * `slice()`, becomes U+FFFD, so that the rest of the text can be stored. In JSON it is escaped, and comes back.
 */
export const prose = letThrough(
  v.pipe(
    v.string('must be a string'),
    v.transform((value) => value.toWellFormed()),
  ),
  (value) => typeof value === 'string' && value.isWellFormed(),
);

/** Text for people that is not empty. */
export const filledProse = letThrough(
  v.pipe(prose, v.minLength(1, 'is empty')),
  (value) => typeof value === 'string' && value !== '' && value.isWellFormed(),
);

/** Text that is not empty. */
export const filledText = letThrough(
  v.pipe(text, v.minLength(1, 'must not be empty')),
  (value) => typeof value === 'string' && value !== '' && value.isWellFormed(),
);

/** A non-negative integer that a JavaScript number represents exactly. */
export const wholeNumber = letThrough(
  v.pipe(
    v.number('must be a number'),
    v.check((value) => Number.isSafeInteger(value) && value >= 0, 'must be a non-negative integer'),
  ),
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);

/** True or false. */
export const flag = v.boolean('must be true or false');

/** Returns the schema of one of the listed words. */
/* @__NO_SIDE_EFFECTS__ */
export function oneOfWords<const T extends readonly string[]>(words: T) {
  return letThrough(v.picklist(words, `must be one of ${words.join(', ')}`), (value) =>
    words.includes(value as string),
  );
}

/** Returns the schema of a filter by one of the listed words. Empty text, e.g. from an HTTP form, filters nothing. */
/* @__NO_SIDE_EFFECTS__ */
export function filterByWord<const T extends readonly string[]>(words: T) {
  const allowed: readonly (T[number] | '')[] = [...words, ''];
  return letThrough(v.picklist(allowed, `must be one of ${words.join(', ')}`), (value) =>
    allowed.includes(value as T[number]),
  );
}

/** ISO 8601 text with a time zone, or Unix milliseconds; stored as ISO 8601 in UTC with milliseconds. */
export const instantOrMillis = late(() =>
  letThrough(
    v.pipe(
      v.union([v.string(), v.number()], 'must be an instant'),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        try {
          return instant(dataset.value, 'instant');
        } catch {
          addIssue({ message: NO_INSTANT });
          return NEVER;
        }
      }),
    ),
    isInstant,
  ),
);

/** A plain object that is stored as JSON text, with only values that JSON can represent exactly. */
export const jsonObject = late(() =>
  v.pipe(
    v.custom<Record<string, unknown>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'must be an object',
    ),
    v.check((value) => isJsonValue(value), 'has a value that JSON cannot represent'),
  ),
);

function isJsonValue(value: unknown, depth = 1): boolean {
  switch (typeof value) {
    // JSON.stringify() escapes a lone surrogate.
    case 'string':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'boolean':
      return true;
    case 'object':
      if (value === null) return true;
      if (depth > DEEPEST_JSON) return false;
      if (Array.isArray(value)) return value.every((inner) => isJsonValue(inner, depth + 1));
      return (
        isPlainObject(value) &&
        Object.values(value).every((inner) => inner === undefined || isJsonValue(inner, depth + 1))
      );
    default:
      return false;
  }
}

/**
 * Checks an argument.
 *
 * @param name The name of the argument, used if no single field is invalid.
 * @throws InvalidInputError also if reading the value throws (a getter, a proxy, a cycle).
 */
export function checked<const T extends v.GenericSchema>(schema: T, value: unknown, name: string): v.InferOutput<T> {
  if (usual.get(schema)?.(value)) return value as v.InferOutput<T>;
  let result: v.SafeParseResult<T>;
  try {
    result = v.safeParse(schema, value, { abortEarly: true });
  } catch (cause) {
    throw new InvalidInputError(name, 'could not be read', { cause });
  }
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new InvalidInputError(v.getDotPath(issue) ?? name, issue.message);
}

/** Checks a text argument. The schema is only used for invalid values. */
export function textArgument(value: unknown, name: string): string {
  return typeof value === 'string' && value.isWellFormed() ? value : checked(text, value, name);
}

/** Checks a prose argument. The schema is only used for unusual values. */
export function proseArgument(value: unknown, name: string): string {
  return typeof value === 'string' && value.isWellFormed() ? value : checked(prose, value, name);
}

/** Treats an empty option, e.g. from an HTTP form, as absent. */
export function givenText(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Returns the schema of an object with the given fields. Other fields are dropped. */
/* @__NO_SIDE_EFFECTS__ */
export function objectOf<const T extends v.ObjectEntries>(entries: T) {
  return v.object(entries, (issue) => (issue.expected === 'Object' ? 'must be an object' : 'is missing'));
}

/** The schemas of fields of which some have a default. */
type WithDefaults<T extends v.ObjectEntries, D> = {
  [K in keyof T]: K extends keyof D ? v.OptionalSchema<T[K], D[K]> : T[K];
};

/** Returns the fields of a new row: those with a default may be absent. */
export function withDefaults<
  T extends v.ObjectEntries,
  const D extends { readonly [K in keyof T]?: v.InferInput<T[K]> },
>(fields: T, defaults: D): WithDefaults<T, D> {
  const optional = Object.entries(defaults).map(([name, value]) => [
    name,
    v.optional(fields[name] as v.GenericSchema, value),
  ]);
  return { ...fields, ...Object.fromEntries(optional) };
}

/** @throws InvalidInputError for a timeout that SQLite's busy handler cannot represent. */
export function checkTimeout(milliseconds: number, name = 'options.busyTimeoutMs'): void {
  if (!(Number.isInteger(milliseconds) && milliseconds >= 0 && milliseconds < 2 ** 31))
    throw new InvalidInputError(name, 'must be an integer number of milliseconds from 0 to 2147483647');
}

/**
 * Checks a boolean option.
 *
 * @throws InvalidInputError for any other value, because 0 or 'no' would have an unexpected effect.
 */
export function flagArgument(value: unknown, name: string, fallback = false): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw new InvalidInputError(name, 'must be true or false');
  return value;
}

/** An option as checked by `optionsOf` before its schema is used. */
interface Option {
  readonly name: string;
  readonly fits: FitsAsItIs;
  readonly fallback: unknown;
}

/**
 * Returns the check of an argument `options` whose fields are `v.optional()`. Typical options are checked without
 * valibot.
 */
/* @__NO_SIDE_EFFECTS__ */
export function optionsOf<const T extends v.ObjectEntries>(entries: () => T) {
  const made = late(() => {
    const schema = objectOf(entries());
    const options = Object.entries(schema.entries).map(([name, field]): Option => {
      const { wrapped, default: fallback } = field as v.OptionalSchema<v.GenericSchema, unknown>;
      return { name, fits: fitsAsItIs(wrapped), fallback };
    });
    return { schema, options };
  });
  return (value: unknown): v.InferOutput<ReturnType<typeof objectOf<T>>> => {
    const { schema, options } = made();
    refuseUnknownOptions(value, schema.entries);
    return (usualOptions(options, value) as v.InferOutput<typeof schema>) ?? checked(schema, value, 'options');
  };
}

function refuseUnknownOptions(value: unknown, entries: v.ObjectEntries): void {
  if (typeof value !== 'object' || value === null) return;
  let keys: readonly string[] = [];
  try {
    keys = Object.keys(value);
  } catch {
    // A proxy that throws: the schema reports it.
  }
  for (const key of keys) if (!Object.hasOwn(entries, key)) refuseUnknown(key, Object.keys(entries), 'options');
}

function usualOptions(options: readonly Option[], value: unknown): Record<string, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const result: Record<string, unknown> = {};
  try {
    for (const { name, fits, fallback } of options) {
      const given = (value as Record<string, unknown>)[name];
      if (given !== undefined && !fits(given)) return undefined;
      result[name] = given === undefined ? fallback : given;
    }
  } catch {
    // A getter that throws: the schema reports it.
    return undefined;
  }
  return result;
}
