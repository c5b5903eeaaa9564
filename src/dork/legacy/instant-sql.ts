import { FIRST_MILLISECOND, type Instant, instant, LAST_MILLISECOND } from '../../engine/time.ts';

/**
 * Instants of the older files as SQL that gives the stored form, exact to the millisecond: integer arithmetic on
 * milliseconds, and nothing that depends on how a version of SQLite rounds.
 */

/** Instants of a chunk that are texts of another form than the stored one, filled by {@link instantOfText}. */
export const OTHER_INSTANTS = 'temp.dork_legacy_instants';

/** Longer texts are no instants. */
export const LONGEST_INSTANT = 64;

/** Unix milliseconds as a whole number; a fraction is cut, as JavaScript's Date cuts it. */
function whole(value: string): string {
  return `CAST(${value} AS INTEGER)`;
}

/** The stored form of Unix milliseconds (SQL, a number of the years 0 to 9999). */
export function isoOfMilliseconds(value: string): string {
  const ms = whole(value);
  const fraction = `((${ms} % 1000 + 1000) % 1000)`;
  return `(strftime('%Y-%m-%dT%H:%M:%S', (${ms} - ${fraction}) / 1000, 'unixepoch') || '.' || substr('00' || ${fraction}, -3) || 'Z')`;
}

/** True for a number of milliseconds within the years 0 to 9999, which a text or a blob is not. */
export function isMilliseconds(value: string): string {
  // Without the column's affinity a number is less than any text; a fraction is cut before it counts.
  return `(+${value} > ${FIRST_MILLISECOND - 1} AND +${value} < ${LAST_MILLISECOND + 1})`;
}

/** True for a text in the stored form that is a real date. */
export function isStoredInstant(value: string): string {
  // SQLite writes every date that it can read in the stored form; a day that its month lacks comes back as another.
  return `(strftime('%Y-%m-%dT%H:%M:%fZ', ${value}) IS ${value})`;
}

/** The stored form of a text that has another one. */
export function otherInstant(value: string): string {
  return `(SELECT iso FROM ${OTHER_INSTANTS} WHERE text = ${value})`;
}

/** What a text that is no stored form stands for, and the rule by which it is read. */
export interface ReadInstant {
  readonly iso: Instant;
  /** Absent where the text is the stored form. */
  readonly rule?: string;
}

/** SQLite's own form, `2026-02-02 02:40:00`, which it writes in UTC. https://sqlite.org/lang_datefunc.html */
const SQLITE_DATETIME = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2}(?:\.\d+)?)$/;

/**
 * A number of milliseconds that a TEXT column turned into text; better-sqlite3 writes 5 as `5.0`. Fewer digits are more
 * likely something else, as a year.
 */
const NUMBER = /^-?\d{11,15}(\.\d+)?$/;

/** Reads a text in any form; undefined where it is no instant of the years 0 to 9999. */
export function readInstant(text: string): ReadInstant | undefined {
  try {
    if (instant(text, 'text') === text) return { iso: text };
  } catch {
    // Another form, perhaps.
  }
  return instantOfText(text);
}

/** Reads a text in another form than the stored one: ISO 8601 with an offset, SQLite's own form as UTC, Unix milliseconds; undefined for anything else. */
export function instantOfText(text: string): Required<ReadInstant> | undefined {
  try {
    if (NUMBER.test(text)) return { iso: instant(Number(text), 'text'), rule: 'instant_from_millisecond_text' };
    const [, date, time] = SQLITE_DATETIME.exec(text) ?? [];
    if (date) return { iso: instant(`${date}T${time}Z`, 'text'), rule: 'instant_without_zone_is_utc' };
    return { iso: instant(text, 'text'), rule: 'instant_in_another_form' };
  } catch {
    return undefined;
  }
}
