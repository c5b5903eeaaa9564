import { InvalidInputError } from './errors.ts';

/** A stored instant: ISO 8601 in UTC with milliseconds and `Z`, so that instants sort as text in the order of time. */
export type Instant = string;

/** Matches month and day, with the maximum day of each month, except for the leap day. */
const DAY = '(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31';

/** Matches the stored form, except for the leap day. Validating with a Date takes twenty times as long. */
const INSTANT = new RegExp(`^\\d{4}-(?:${DAY})T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$`);

/** Matches a complete instant: a date with a time and an offset. */
const ISO = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** The first and the last millisecond of years with four digits. Others do not sort correctly as text. */
export const FIRST_MILLISECOND = Date.parse('0000-01-01T00:00:00.000Z');
export const LAST_MILLISECOND = Date.parse('9999-12-31T23:59:59.999Z');

/** The error for an invalid instant. */
export const NO_INSTANT = 'must be ISO 8601 text with a time zone or Unix milliseconds, in the years 0 to 9999';

/** The first millisecond of the current second, and its text up to the decimal point. */
let second = Number.NaN;
let secondText = '';

/** Returns the current instant. Formatting the text takes as long as a small read, so it is done only once a second. */
export function now(): Instant {
  const at = Date.now();
  const millisecond = at - second;
  if (millisecond >= 0 && millisecond < 1000) return `${secondText}${String(millisecond).padStart(3, '0')}Z`;
  const text = new Date(at).toISOString();
  second = at - (at % 1000);
  secondText = text.slice(0, -4);
  return text;
}

/** Returns an instant in the form of file names, which sorts by time: `20261122T093000000Z`. */
export function stampOf(at: Date): string {
  return at.toISOString().replaceAll(/[-:.]/g, '');
}

/** Returns true for text in the stored form. */
export function isInstant(value: unknown): value is Instant {
  return typeof value === 'string' && INSTANT.test(value);
}

/**
 * Converts ISO 8601 text with an offset, or Unix milliseconds, to the stored form. Fractions of milliseconds are
 * truncated.
 *
 * @throws InvalidInputError for anything else, and for years before 0 or after 9999.
 */
export function instant(value: unknown, field: string): Instant {
  if (isInstant(value)) return value;
  const milliseconds = typeof value === 'number' ? Math.trunc(value) : parse(value);
  if (!(milliseconds >= FIRST_MILLISECOND && milliseconds <= LAST_MILLISECOND))
    throw new InvalidInputError(field, NO_INSTANT);
  return new Date(milliseconds).toISOString();
}

/** `2026-02-31` looks like a date, but does not exist: Date.parse reads it as March 3. */
function isRealDate(value: string): boolean {
  const milliseconds = Date.parse(value);
  return milliseconds >= FIRST_MILLISECOND && new Date(milliseconds).toISOString() === value;
}

function parse(value: unknown): number {
  const date = typeof value === 'string' ? ISO.exec(value)?.[1] : undefined;
  if (date === undefined || !isRealDate(`${date}T00:00:00.000Z`)) return Number.NaN;
  return Date.parse(String(value).replace(',', '.'));
}
