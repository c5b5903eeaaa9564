import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { FIRST_MILLISECOND, type Instant, instant, isInstant, LAST_MILLISECOND } from '../../engine/time.ts';
import { Misfit } from './misfit.ts';

/** The most characters of an instant. */
const LONGEST_INSTANT = 64;

/** The reason in the receipt, after the name of the column. */
export const NO_INSTANT = 'must be an instant of the years 0 to 9999';

/** An instant in the stored form, and the rule that was applied to read it. */
export interface ReadInstant {
  readonly iso: Instant;
  /** Absent if the text already has the stored form. */
  readonly rule?: string;
}

/** SQLite's own form, `2026-02-02 02:40:00`, which is in UTC. https://sqlite.org/lang_datefunc.html */
const SQLITE_DATETIME = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/;

/**
 * Milliseconds that a TEXT column converted to text; better-sqlite3 writes 5 as `5.0`. A number with fewer digits is
 * probably something else, e.g. a year.
 */
const NUMBER = /^-?\d{11,15}(\.\d+)?$/;

/**
 * Parses an instant: in the stored form, ISO 8601 with an offset, SQLite's own form as UTC, or Unix milliseconds.
 *
 * @returns undefined for any other text, and outside the years 0 to 9999.
 */
export function readInstant(text: string): ReadInstant | undefined {
  if (text.length > LONGEST_INSTANT) return undefined;
  if (isInstant(text)) return { iso: text };
  try {
    if (NUMBER.test(text)) return { iso: instant(Number(text), 'text'), rule: 'instant_from_millisecond_text' };
    const [, date, time] = SQLITE_DATETIME.exec(text) ?? [];
    if (date) return { iso: instant(`${date}T${time}Z`, 'text'), rule: 'instant_without_zone_is_utc' };
    const iso = instant(text, 'text');
    // A leap day in the stored form gets here: isInstant() does not check the calendar.
    return iso === text ? { iso } : { iso, rule: 'instant_in_another_form' };
  } catch {
    return undefined;
  }
}

/** Converts Unix milliseconds. A fraction is cut off, like in Date. Returns undefined outside the years 0 to 9999. */
export function ofMilliseconds(value: number): Instant | undefined {
  const whole = Math.trunc(value);
  return whole >= FIRST_MILLISECOND && whole <= LAST_MILLISECOND ? new Date(whole).toISOString() : undefined;
}

/**
 * Reads the instant in a column: text in any form, or Unix milliseconds.
 *
 * @param adjust Called with the name of each rule that was applied.
 * @throws Misfit
 */
export function columnInstant(
  value: SqliteValue,
  column: string,
  name: string,
  adjust: (rule: string) => void,
): Instant | null {
  if (value === null) return null;
  if (typeof value === 'string') {
    const read = readInstant(value);
    if (read?.rule) adjust(`${column}_${read.rule}`);
    if (read) return read.iso;
  }
  if (typeof value === 'number') {
    const iso = ofMilliseconds(value);
    if (iso && !Number.isInteger(value)) adjust(`${name}_fraction_cut`);
    if (iso) return iso;
  }
  throw new Misfit(`${name} ${NO_INSTANT}`);
}
