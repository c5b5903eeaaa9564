import assert from 'node:assert/strict';
import {
  InvalidInputError,
  type PulseRunPatch,
  type PulseScheduleInput,
  PulseStore,
  pulseRuns,
  pulseSchedules,
} from '#entry';
import type { StoreTestDb } from '../../support/store-db.ts';

/** What a schedule needs at least. */
export const REPORT: PulseScheduleInput = { name: 'Report', prompt: 'Write the report', cron: '0 9 * * 1-5' };

/** A schedule with each field set, to other than its default. */
export const EVERYTHING: Required<PulseScheduleInput> = {
  name: 'Everything',
  description: 'Each field is set',
  prompt: 'Do it',
  cron: '*/30 * * * * *',
  timezone: 'Europe/Berlin',
  cwd: '/srv/project',
  enabled: false,
  maxRuntime: 600_000,
  permissionMode: 'bypassPermissions',
  status: 'pending_approval',
};

/** A run with each field set that can be patched. */
export const FINISHED: Required<PulseRunPatch> = {
  status: 'completed',
  startedAt: '2026-02-25T09:00:00.000Z',
  finishedAt: '2026-02-25T09:30:00.000Z',
  durationMs: 1_800_000,
  outputSummary: 'It went well',
  error: 'but for this',
  sessionId: 'session-1',
};

/** A store with one schedule. */
export function pulseWithSchedule(test: StoreTestDb) {
  const pulse = new PulseStore(test.db);
  return { pulse, scheduleId: pulse.createSchedule(REPORT).id };
}

/** Every row of the two tables. */
export function pulseRows({ db }: StoreTestDb): unknown[] {
  return [db.select().from(pulseSchedules).all(), db.select().from(pulseRuns).all()];
}

/** The call with the value is refused by the name of the field, and no row is other than before. */
export function assertRefused(test: StoreTestDb, field: string, call: () => unknown, value?: unknown): void {
  const before = pulseRows(test);
  let refusal: unknown;
  try {
    call();
  } catch (error) {
    refusal = error;
  }
  const what = `${field} ${typeof value} ${String(value).slice(0, 50)}`;
  assert.ok(refusal instanceof InvalidInputError, `${what}: ${String(refusal).slice(0, 500)}`);
  assert.equal(refusal.field, field, what);
  assert.equal(refusal.code, 'INVALID_INPUT', what);
  assert.ok(refusal.message.startsWith(`${field} `) && refusal.message.length < 300, what);
  assert.deepEqual(pulseRows(test), before, what);
}
