import { InvalidInputError } from './errors.ts';

/** An instant as it is stored: ISO 8601 in UTC with milliseconds and `Z`, so that the order of the text is the order of time. */
export type Instant = string;

/** The months by their longest day, but for the leap day. */
const DAY = '(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31';

/** The stored form with a day that the month has in every year: a Date that proves it costs twenty times the match. */
const INSTANT = new RegExp(`^\\d{4}-(?:${DAY})T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$`);

/** A whole instant: a date with a time and an offset. */
const ISO = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;

/** The first and the last millisecond of the years that fit four digits; beyond them text order is not time order. */
export const FIRST_MILLISECOND = Date.parse('0000-01-01T00:00:00.000Z');
export const LAST_MILLISECOND = Date.parse('9999-12-31T23:59:59.999Z');

/** What is wrong with a value that is no instant. */
export const NO_INSTANT =
  'is not an instant: ISO 8601 text with a time zone, or Unix milliseconds, of the years 0 to 9999';

/** The last second that was asked for: its first millisecond, and its text up to the point. */
let second = Number.NaN;
let secondText = '';

/** This instant. Making the text costs as much as a small read, so that it is made once a second. */
export function now(): Instant {
  const at = Date.now();
  const millisecond = at - second;
  if (millisecond >= 0 && millisecond < 1000) return `${secondText}${String(millisecond).padStart(3, '0')}Z`;
  const text = new Date(at).toISOString();
  second = at - (at % 1000);
  secondText = text.slice(0, -4);
  return text;
}

/** True for text in the stored form. */
export function isInstant(value: unknown): value is Instant {
  return typeof value === 'string' && INSTANT.test(value);
}

/**
 * An instant in the stored form, from ISO 8601 text with an offset or from Unix milliseconds (a fraction is cut).
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

/** `2026-02-31` has the form of a date and is none: Date.parse takes it for the third of March. */
function isRealDate(value: string): boolean {
  const milliseconds = Date.parse(value);
  return milliseconds >= FIRST_MILLISECOND && new Date(milliseconds).toISOString() === value;
}

function parse(value: unknown): number {
  const date = typeof value === 'string' ? ISO.exec(value)?.[1] : undefined;
  if (date === undefined || !isRealDate(`${date}T00:00:00.000Z`)) return Number.NaN;
  return Date.parse(String(value).replace(',', '.'));
}
