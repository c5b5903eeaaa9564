import { Cron } from 'croner';
import { isAbbreviation } from './timezone.ts';

/** Every value of every field written out stays below this; croner takes seconds over a text of megabytes. */
const LONGEST_CRON = 1000;

/**
 * True for what croner runs: five fields, six that begin with seconds, seven that end with a year, a nickname such as
 * `@daily`, or an ISO 8601 date, which fires once.
 */
export function isCron(cron: string): boolean {
  if (cron.length > LONGEST_CRON) return false;
  try {
    new Cron(cron);
    return true;
  } catch {
    return false;
  }
}

/** True for the IANA name of a time zone. An offset as `+05:30` is one to some runtimes and an error to others. */
export function isTimezone(timezone: string): boolean {
  return /^[A-Za-z]/.test(timezone) && !isAbbreviation(timezone) && firing('* * * * *', timezone, new Date()) !== null;
}

/**
 * Returns the next instant after `after` at which a cron expression fires, ISO 8601; null if it never does, or if croner
 * does not know it or the time zone, e.g. those of an imported schedule.
 *
 * @param timezone IANA name; null is the host's local time zone.
 */
export function nextFiring(cron: string, timezone: string | null, after: Date = new Date()): string | null {
  return isCron(cron) ? firing(cron, timezone, after) : null;
}

function firing(cron: string, timezone: string | null, after: Date): string | null {
  if (timezone !== null && isAbbreviation(timezone)) return null;
  try {
    return new Cron(cron, { timezone: timezone ?? undefined }).nextRun(after)?.toISOString() ?? null;
  } catch {
    return null;
  }
}
