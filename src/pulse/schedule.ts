import * as v from 'valibot';
import { filledText, flag, objectOf, oneOfWords, text, wholeNumber } from '../core/input.ts';
import { cronText, nextFiring, timezoneName } from './cron.ts';
import { SCHEDULE_STATUSES } from './schema.ts';

/** Only an `active` schedule that is enabled fires. */
export type PulseScheduleStatus = (typeof SCHEDULE_STATUSES)[number];

/** What is to be run, and when. */
export interface PulseSchedule {
  /** ULID; an imported schedule keeps the id that it had. */
  id: string;
  name: string;
  description: string | null;
  prompt: string;
  /** Five fields, or six that begin with seconds. */
  cron: string;
  /** IANA name; null is the host's local time zone. */
  timezone: string | null;
  /** The folder to run in. */
  cwd: string | null;
  enabled: boolean;
  /** Milliseconds; null is no limit. */
  maxRuntime: number | null;
  permissionMode: string;
  status: PulseScheduleStatus;
  /** ISO 8601 in UTC. */
  createdAt: string;
  /** ISO 8601 in UTC. */
  updatedAt: string;
  /**
   * The next instant at which it fires, ISO 8601 in UTC. Null unless it was asked for, and where the schedule is not
   * active, not enabled, or never fires.
   */
  nextRun: string | null;
}

/** What a new schedule is made of. */
export interface PulseScheduleInput {
  /** Not empty. */
  name: string;
  /** Not empty. */
  prompt: string;
  /** Five fields, or six that begin with seconds. */
  cron: string;
  description?: string | null;
  /** IANA name; null is the host's local time zone. Default `UTC`. */
  timezone?: string | null;
  cwd?: string | null;
  /** Default true. */
  enabled?: boolean;
  /** Milliseconds. Default null: no limit. */
  maxRuntime?: number | null;
  /** Not empty. Default `acceptEdits`. */
  permissionMode?: string;
  /** Default `active`. */
  status?: PulseScheduleStatus;
}

/** What is to change; a field that is undefined is left alone, null clears one that may be null. */
export type PulseSchedulePatch = Partial<PulseScheduleInput>;

/** What each field of a patch may hold, in the order of the table's columns. */
export const SCHEDULE_FIELDS = {
  name: filledText,
  description: v.nullable(text),
  cron: cronText,
  timezone: v.nullable(timezoneName),
  prompt: filledText,
  cwd: v.nullable(text),
  enabled: flag,
  maxRuntime: v.nullable(wholeNumber),
  permissionMode: filledText,
  status: oneOfWords(SCHEDULE_STATUSES),
};

/** A new schedule with its defaults. */
export const newSchedule = objectOf({
  ...SCHEDULE_FIELDS,
  description: v.optional(SCHEDULE_FIELDS.description, null),
  timezone: v.optional(SCHEDULE_FIELDS.timezone, 'UTC'),
  cwd: v.optional(SCHEDULE_FIELDS.cwd, null),
  enabled: v.optional(SCHEDULE_FIELDS.enabled, true),
  maxRuntime: v.optional(SCHEDULE_FIELDS.maxRuntime, null),
  permissionMode: v.optional(SCHEDULE_FIELDS.permissionMode, 'acceptEdits'),
  status: v.optional(SCHEDULE_FIELDS.status, 'active'),
});

/** A schedule as the driver reads it: SQLite has no booleans. */
export type StoredSchedule = Omit<PulseSchedule, 'enabled' | 'nextRun'> & { enabled: number };

/** The schedule of a stored row. */
export function scheduleOf(row: StoredSchedule, withNextRun: boolean): PulseSchedule {
  const fires = withNextRun && row.enabled === 1 && row.status === 'active';
  return { ...row, enabled: row.enabled === 1, nextRun: fires ? nextFiring(row.cron, row.timezone) : null };
}
