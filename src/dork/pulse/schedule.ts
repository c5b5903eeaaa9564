import * as v from 'valibot';
import {
  filledProse,
  filledText,
  flag,
  late,
  objectOf,
  oneOfWords,
  prose,
  text,
  wholeNumber,
  withDefaults,
} from '../../engine/input.ts';
import { isCron, isTimezone, nextFiring } from './cron.ts';
import { SCHEDULE_STATUSES } from './schema.ts';
import { timezoneProblem } from './timezone.ts';

/** Only an `active` schedule that is enabled fires. */
export type PulseScheduleStatus = (typeof SCHEDULE_STATUSES)[number];

/** The actions that a run may take without asking: one of these words, or any other. */
export type PulsePermissionMode = 'default' | 'plan' | 'acceptEdits' | 'bypassPermissions' | (string & {});

/** A prompt to run, and its times. */
export interface PulseSchedule {
  /** ULID; an imported schedule keeps the id that it had. */
  id: string;
  name: string;
  description: string | null;
  prompt: string;
  /** Five fields, six that begin with seconds, seven that end with a year, or an ISO 8601 date. */
  cron: string;
  /** IANA name; null is the host's local time zone. */
  timezone: string | null;
  /** The folder to run in. */
  cwd: string | null;
  enabled: boolean;
  /** Milliseconds; null for unlimited. */
  maxRuntime: number | null;
  permissionMode: PulsePermissionMode;
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

/** The fields of a new schedule. */
export interface PulseScheduleInput {
  /** Not empty. */
  name: string;
  /** Not empty. */
  prompt: string;
  /** Five fields, six that begin with seconds, seven that end with a year, or an ISO 8601 date. */
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
  permissionMode?: PulsePermissionMode;
  /** Default `active`. */
  status?: PulseScheduleStatus;
}

/** Changes of a schedule. An undefined field is not changed, null clears one that may be null. */
export type PulseSchedulePatch = Partial<PulseScheduleInput>;

/**
 * The valid values of each field of a patch, in the order of the table's columns.
 *
 * @internal
 */
export const scheduleFields = late(() => ({
  name: filledProse,
  description: v.nullable(prose),
  cron: v.pipe(text, v.check(isCron, 'must be a cron expression')),
  timezone: v.nullable(
    v.pipe(
      filledText,
      v.check(isTimezone, ({ input }) => timezoneProblem(input)),
    ),
  ),
  prompt: filledProse,
  cwd: v.nullable(text),
  enabled: flag,
  maxRuntime: v.nullable(wholeNumber),
  permissionMode: filledText,
  status: oneOfWords(SCHEDULE_STATUSES),
}));

/**
 * A new schedule with its defaults.
 *
 * @internal
 */
export const newSchedule = late(() =>
  objectOf(
    withDefaults(scheduleFields(), {
      description: null,
      timezone: 'UTC',
      cwd: null,
      enabled: true,
      maxRuntime: null,
      permissionMode: 'acceptEdits',
      status: 'active',
    }),
  ),
);

/** A schedule as the driver reads it: SQLite has no booleans. */
export type StoredSchedule = Omit<PulseSchedule, 'enabled' | 'nextRun'> & { enabled: number };

/** The schedule of a stored row. */
export function scheduleOf(row: StoredSchedule, withNextRun: boolean): PulseSchedule {
  const fires = withNextRun && row.enabled === 1 && row.status === 'active';
  return { ...row, enabled: row.enabled === 1, nextRun: fires ? nextFiring(row.cron, row.timezone) : null };
}
