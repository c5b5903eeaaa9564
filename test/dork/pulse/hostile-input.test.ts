import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConstraintError, InvalidInputError, type PulseRunPatch, PulseStore } from '#entry';
import { HOSTILE_TEXTS } from '../../support/hostile-text.ts';
import { type StoreTestDb, storeDb } from '../../support/store-db.ts';
import { assertRefused, pulseRows, REPORT } from './samples.ts';

const TIMEOUT = 120_000;
const HUGE = [Number.MIN_SAFE_INTEGER, -(2 ** 31), -1, -0.5, 2 ** 53, 1e300, Number.POSITIVE_INFINITY, Number.NaN];

/** Runs the call; where it refuses, it does so by the field's name and without the value, and no row has changed. */
function isTaken(test: StoreTestDb, field: string, value: string, call: () => void): boolean {
  const before = pulseRows(test);
  try {
    call();
    return true;
  } catch (error) {
    assert.ok(error instanceof InvalidInputError, String(error).slice(0, 500));
    assert.equal(error.field, field);
    assert.ok(error.message.length < 300 && !(value.length > 3 && error.message.includes(value)), 'shows the value');
    assert.deepEqual(pulseRows(test), before);
    return false;
  }
}

/** Half a character in what people say becomes U+FFFD. */
const PROSE = ['name', 'description', 'prompt', 'outputSummary', 'error'];

/** The hostile texts that UTF-8 cannot hold, except in prose, and the empty one. */
function isRefused(field: string, value: string, mayBeEmpty: boolean): boolean {
  return (!value.isWellFormed() && !PROSE.includes(field)) || (value === '' && !mayBeEmpty);
}

const SCHEDULE_TEXTS = { name: false, prompt: false, permissionMode: false, description: true, cwd: true } as const;
const RUN_TEXTS = ['outputSummary', 'error', 'sessionId'] as const;

for (const [kind, value] of Object.entries(HOSTILE_TEXTS)) {
  describe(`${kind}`, () => {
    it('is stored exactly in each text field of a schedule or refused by its name', { timeout: TIMEOUT }, () => {
      using test = storeDb();
      const pulse = new PulseStore(test.db);
      const bystander = pulse.createSchedule(REPORT);
      for (const [field, mayBeEmpty] of Object.entries(SCHEDULE_TEXTS)) {
        const taken = isTaken(test, field, value, () => {
          const created = pulse.createSchedule({ ...REPORT, [field]: value });
          assert.equal(created[field as keyof typeof SCHEDULE_TEXTS], value.toWellFormed());
          assert.deepStrictEqual(pulse.getSchedule(created.id), created);
          const patched = pulse.updateSchedule(created.id, { [field]: value });
          assert.deepStrictEqual(patched, { ...created, updatedAt: patched?.updatedAt });
          pulse.deleteSchedule(created.id);
        });
        assert.equal(taken, !isRefused(field, value, mayBeEmpty), field);
      }
      for (const field of ['cron', 'timezone', 'status']) {
        assertRefused(test, field, () => pulse.createSchedule({ ...REPORT, [field]: value }), kind);
        assertRefused(test, field, () => pulse.updateSchedule(bystander.id, { [field]: value } as object), kind);
      }
      assert.deepStrictEqual(pulse.getSchedules(), [bystander]);
    });

    it('is stored exactly in each text field of a run or refused by its name', { timeout: TIMEOUT }, () => {
      using test = storeDb();
      const pulse = new PulseStore(test.db);
      const { id: scheduleId } = pulse.createSchedule(REPORT);
      const bystander = pulse.createRun(scheduleId, 'agent');
      const run = pulse.createRun(scheduleId, 'manual');
      for (const field of RUN_TEXTS) {
        const taken = isTaken(test, field, value, () => {
          const patched = pulse.updateRun(run.id, { [field]: value });
          assert.deepStrictEqual(patched, { ...run, [field]: value.toWellFormed() });
          assert.deepStrictEqual(pulse.getRun(run.id), patched);
          pulse.updateRun(run.id, { [field]: null });
        });
        assert.equal(taken, !isRefused(field, value, true), field);
      }
      for (const field of ['status', 'startedAt', 'finishedAt']) {
        assertRefused(test, field, () => pulse.updateRun(run.id, { [field]: value } as PulseRunPatch), kind);
      }
      assertRefused(test, 'trigger', () => pulse.createRun(scheduleId, value as 'manual'), kind);
      assert.deepStrictEqual(pulse.listRuns(), [run, bystander]);
    });

    it('is an unknown id everywhere or refused by name, and changes nothing', { timeout: TIMEOUT }, () => {
      using test = storeDb();
      const pulse = new PulseStore(test.db);
      const { id: scheduleId } = pulse.createSchedule(REPORT);
      pulse.createRun(scheduleId, 'manual');
      const before = pulseRows(test);
      const unknown: [field: string, call: () => unknown, answer: unknown][] = [
        ['id', () => pulse.getSchedule(value), null],
        ['id', () => pulse.updateSchedule(value, { name: 'n' }), null],
        ['id', () => pulse.deleteSchedule(value), false],
        ['id', () => pulse.getRun(value), null],
        ['id', () => pulse.updateRun(value, { status: 'failed' }), null],
        ['scheduleId', () => pulse.listRuns({ scheduleId: value }), value === '' ? pulse.listRuns() : []],
        ['scheduleId', () => pulse.countRuns(value), value === '' ? pulse.countRuns() : 0],
        ['scheduleId', () => pulse.pruneRuns(value, 0), 0],
      ];
      for (const [field, call, answer] of unknown) {
        if (value.isWellFormed()) assert.deepStrictEqual(call(), answer);
        else assertRefused(test, field, call, kind);
      }
      if (value.isWellFormed()) {
        assert.throws(
          () => pulse.createRun(value, 'manual'),
          (error) => error instanceof ConstraintError && error.kind === 'foreign_key' && error.message.length < 500,
        );
      } else assertRefused(test, 'scheduleId', () => pulse.createRun(value, 'manual'), kind);
      assert.deepEqual(pulseRows(test), before);
    });
  });
}

describe('numbers beyond reason', () => {
  it('are refused by name', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    const run = pulse.createRun(id, 'manual');
    for (const value of HUGE) {
      assertRefused(test, 'limit', () => pulse.listRuns({ limit: value }), value);
      assertRefused(test, 'offset', () => pulse.listRuns({ offset: value }), value);
      assertRefused(test, 'keep', () => pulse.pruneRuns(id, value), value);
      assertRefused(test, 'maxRuntime', () => pulse.createSchedule({ ...REPORT, maxRuntime: value }), value);
      assertRefused(test, 'durationMs', () => pulse.updateRun(run.id, { durationMs: value }), value);
    }
  });

  it('are exact up to the largest that JavaScript counts exactly', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const maxRuntime = Number.MAX_SAFE_INTEGER;
    const { id } = pulse.createSchedule({ ...REPORT, maxRuntime });
    assert.equal(pulse.getSchedule(id)?.maxRuntime, maxRuntime);
    const run = pulse.createRun(id, 'manual');
    assert.equal(pulse.updateRun(run.id, { durationMs: maxRuntime })?.durationMs, maxRuntime);
  });
});

describe('objects that are not what they seem', () => {
  it('pollute no prototype and set no field that is not theirs', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const parsed = JSON.parse(
      '{"__proto__": {"enabled": false}, "constructor": 1, "name": "n", "prompt": "p", "cron": "@daily"}',
    );
    const schedule = pulse.createSchedule(parsed);
    assert.equal(schedule.enabled, true);
    assert.equal(Object.getPrototypeOf(schedule), Object.prototype);
    assert.equal(pulse.updateSchedule(schedule.id, JSON.parse('{"__proto__": {"name": "stolen"}}'))?.name, 'n');
    assert.equal(({} as { enabled?: boolean }).enabled, undefined);
  });

  it('are plain objects where they come from the store', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    const run = pulse.createRun(id, 'manual');
    const results = [
      ...pulse.getSchedules({ withNextRun: true }),
      pulse.getSchedule(id),
      pulse.updateSchedule(id, { name: 'n' }),
      run,
      ...pulse.listRuns(),
      ...pulse.getRunningRuns(),
      pulse.getRun(run.id),
      pulse.updateRun(run.id, { error: 'e' }),
    ];
    for (const result of results) {
      assert.equal(Object.getPrototypeOf(result), Object.prototype);
      assert.deepStrictEqual(structuredClone(result), result);
    }
  });

  it('refuses options that are no object, or hold what does not fit', () => {
    using test = storeDb();
    for (const options of [null, 7, 'x', { withNextRun: 'yes' }]) {
      assert.throws(() => new PulseStore(test.db).getSchedules(options as never), { name: 'InvalidInputError' });
    }
  });
});
