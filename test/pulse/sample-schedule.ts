import assert from 'node:assert/strict';
import { InvalidInputError, type PulseScheduleInput, pulseRuns, pulseSchedules } from '#entry';
import type { StoreTestDb } from '../support/store-db.ts';

/** What a schedule needs at least. */
export const REPORT: PulseScheduleInput = { name: 'Report', prompt: 'Write the report', cron: '0 9 * * 1-5' };

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
