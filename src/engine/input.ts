import * as v from 'valibot';
import { InvalidInputError } from './errors.ts';
import { refuseUnknown } from './options.ts';
import { isPlainObject } from './realm.ts';
import { instant, isInstant, NO_INSTANT } from './time.ts';

/**
 * What stores ask of their arguments. Messages complete the sentence "FIELD …" and never show the value.
 */

/** Says of a value that it fits as it is; false says nothing. */
type FitsAsItIs = (value: unknown) => boolean;

const usual = new WeakMap<v.GenericSchema, FitsAsItIs>();

/**
 * Marks which values a schema gives back as they are, so that the usual argument need not be asked of valibot: that
 * costs a patch of two fields 2 microseconds, as much as a third of a small read.
 */
export function letThrough<T extends v.GenericSchema>(schema: T, fits: FitsAsItIs): T {
  usual.set(schema, fits);
  return schema;
}

/** What is made at its first use: a program that never comes to it starts the sooner. */
export function late<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const never: FitsAsItIs = () => false;

/** What {@link letThrough} said of a schema, or of the one that a `v.nullable()` stands around. */
export function fitsAsItIs(schema: v.GenericSchema): FitsAsItIs {
  const fits = usual.get(schema);
  if (fits) return fits;
  if (schema.type !== 'nullable' || 'pipe' in schema || !('wrapped' in schema)) return never;
  const inner = fitsAsItIs(schema.wrapped as v.GenericSchema);
  return (value) => value === null || inner(value);
}

/** Text that UTF-8 can hold, so that it is stored exactly. */
export const text = letThrough(
  v.pipe(
    v.string('is not text'),
    v.check((value) => value.isWellFormed(), 'has a lone surrogate, which UTF-8 cannot hold'),
  ),
  (value) => typeof value === 'string' && value.isWellFormed(),
);

/**
 * Text for people. Half a character (a lone surrogate, as `slice()` leaves one) becomes U+FFFD: that must not
 * keep the rest from being stored.
 */
export const prose = letThrough(
  v.pipe(
    v.string('is not text'),
    v.transform((value) => value.toWellFormed()),
  ),
  (value) => typeof value === 'string' && value.isWellFormed(),
);

/** Text that is not empty. */
export const filledText = letThrough(
  v.pipe(text, v.minLength(1, 'is empty')),
  (value) => typeof value === 'string' && value !== '' && value.isWellFormed(),
);

/** A whole number from 0 that a JavaScript number holds exactly. */
export const wholeNumber = letThrough(
  v.pipe(
    v.number('is not a number'),
    v.check((value) => Number.isSafeInteger(value) && value >= 0, 'is not a whole number from 0'),
  ),
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
);

/** True or false. */
export const flag = v.boolean('is not true or false');

/** One of the listed words. */
export function oneOfWords<const T extends readonly string[]>(words: T) {
  return letThrough(v.picklist(words, `is not one of ${words.join(', ')}`), (value) => words.includes(value as string));
}

/** ISO 8601 text with a time zone, or Unix milliseconds; stored as ISO 8601 in UTC with milliseconds. */
export const instantOrMillis = late(() =>
  letThrough(
    v.pipe(
      v.union([v.string(), v.number()], 'is not an instant'),
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

/** A plain object whose JSON text is stored: every value in it is one that JSON can hold exactly. */
export const jsonObject = late(() =>
  v.pipe(
    v.custom<Record<string, unknown>>(
      (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
      'is not an object',
    ),
    v.check((value) => isJsonValue(value), 'holds something that JSON cannot hold'),
  ),
);

/** SQLite takes JSON that nests deeper for malformed. https://sqlite.org/json1.html#interface_overview */
const DEEPEST_JSON = 1000;

function isJsonValue(value: unknown, depth = 1): boolean {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed();
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
        Object.entries(value).every(
          ([key, inner]) => key.isWellFormed() && (inner === undefined || isJsonValue(inner, depth + 1)),
        )
      );
    default:
      return false;
  }
}

/**
 * Checks an argument.
 *
 * @param name What the argument is called where the fault is in the whole of it; else the field is named.
 * @throws InvalidInputError also where reading the value throws (a getter, a proxy, a cycle).
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

/** An argument that is text; the usual one is let through without asking the schema. */
export function textArgument(value: unknown, name: string): string {
  return typeof value === 'string' && value.isWellFormed() ? value : checked(text, value, name);
}

/** Prose as an argument; the usual one is let through without asking the schema. */
export function proseArgument(value: unknown, name: string): string {
  return typeof value === 'string' && value.isWellFormed() ? value : checked(prose, value, name);
}

/** An option that an HTTP form leaves empty is not given. */
export function givenText(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** An object with the given fields; those that it has besides are left out. */
export function objectOf<const T extends v.ObjectEntries>(entries: T) {
  return v.object(entries, (issue) => (issue.expected === 'Object' ? 'is not an object' : 'is missing'));
}

/** @throws InvalidInputError for what SQLite's busy handler cannot count. */
export function checkTimeout(milliseconds: number, name = 'options.busyTimeoutMs'): void {
  if (!(Number.isInteger(milliseconds) && milliseconds >= 0 && milliseconds < 2 ** 31))
    throw new InvalidInputError(name, 'is not a whole number of milliseconds from 0 to 2147483647');
}

/**
 * An option that is true or false.
 *
 * @throws InvalidInputError for anything else: 0 or 'no' would do what was not meant.
 */
export function flagArgument(value: unknown, name: string, fallback = false): boolean {
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') throw new InvalidInputError(name, 'is not true or false');
  return value;
}

/** What `optionsOf` asks of one option before it asks its schema. */
interface Option {
  readonly name: string;
  readonly fits: FitsAsItIs;
  readonly fallback: unknown;
}

/**
 * Makes the check of an argument `options` whose fields are `v.optional()`. Usual options are read without asking
 * valibot, which costs half a point read.
 */
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
    // A getter that throws: the schema says so in its own words.
    return undefined;
  }
  return result;
}
