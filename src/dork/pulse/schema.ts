import { sql } from 'drizzle-orm/sql';
import { check, index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { oneOf } from '../../stores/columns.ts';

/** The statuses of a schedule. */
export const SCHEDULE_STATUSES = ['active', 'paused', 'pending_approval'] as const;
/** The statuses of a run. */
export const RUN_STATUSES = ['running', 'completed', 'failed', 'cancelled', 'timeout'] as const;
/** The origins of a run. */
export const RUN_TRIGGERS = ['scheduled', 'manual', 'agent'] as const;

/** A prompt to run, and its times. */
export const pulseSchedules = sqliteTable(
  'pulse_schedules',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    description: text('description'),
    /** Five or six fields; six begin with seconds. */
    cron: text('cron').notNull(),
    /** IANA name; NULL is the host's local time zone, as older rows mean it. */
    timezone: text('timezone').default('UTC'),
    prompt: text('prompt').notNull(),
    cwd: text('cwd'),
    enabled: integer('enabled', { mode: 'boolean' }).notNull().default(true),
    /** Milliseconds. */
    maxRuntime: integer('max_runtime'),
    permissionMode: text('permission_mode').notNull().default('acceptEdits'),
    status: text('status', { enum: SCHEDULE_STATUSES }).notNull().default('active'),
    createdAt: text('created_at').notNull(),
    updatedAt: text('updated_at').notNull(),
  },
  (table) => [
    check('pulse_schedules_status', oneOf('status', SCHEDULE_STATUSES)),
    check('pulse_schedules_enabled', sql.raw('enabled IN (0, 1)')),
    // All schedules in order of creation.
    index('pulse_schedules_created').on(table.createdAt),
  ],
);

/** The runs, one row per firing. */
export const pulseRuns = sqliteTable(
  'pulse_runs',
  {
    id: text('id').primaryKey(),
    scheduleId: text('schedule_id')
      .notNull()
      .references(() => pulseSchedules.id, { onDelete: 'cascade' }),
    status: text('status', { enum: RUN_STATUSES }).notNull(),
    startedAt: text('started_at').notNull(),
    finishedAt: text('finished_at'),
    durationMs: integer('duration_ms'),
    output: text('output'),
    error: text('error'),
    sessionId: text('session_id'),
    trigger: text('trigger', { enum: RUN_TRIGGERS }).notNull().default('scheduled'),
    createdAt: text('created_at').notNull(),
  },
  (table) => [
    check('pulse_runs_status', oneOf('status', RUN_STATUSES)),
    check('pulse_runs_trigger', oneOf('"trigger"', RUN_TRIGGERS)),
    // The end of every index is the rowid, so that runs of one millisecond keep the order they were stored in.
    // A schedule's runs newest first, their count, what pruning keeps, and the foreign key.
    index('pulse_runs_schedule_created').on(table.scheduleId, table.createdAt),
    // All runs newest first.
    index('pulse_runs_created').on(table.createdAt),
    // Runs of a status newest first; those that are running.
    index('pulse_runs_status_created').on(table.status, table.createdAt),
    // Runs of a session.
    index('pulse_runs_session').on(table.sessionId).where(sql.raw('session_id IS NOT NULL')),
  ],
);

/** A row of `pulse_schedules`. */
export type PulseScheduleRow = typeof pulseSchedules.$inferSelect;
/** A row of `pulse_runs`. */
export type PulseRunRow = typeof pulseRuns.$inferSelect;
