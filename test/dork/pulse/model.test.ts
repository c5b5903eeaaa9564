import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ConstraintError,
  type ListRunsOptions,
  type PulseRun,
  type PulseSchedule,
  type PulseScheduleInput,
  type PulseSchedulePatch,
  PulseStore,
} from '#entry';
import { storeDb } from '../../support/store-db.ts';

/** The same steps on every run; a failure prints the seed and the path to its smallest counterexample. */
const SEED = 20_260_225;

/** Which of the schedules or runs that there were until now, deleted ones too. */
type Nth = number;

type Operation =
  | ['createSchedule', PulseScheduleInput]
  | ['updateSchedule', Nth, PulseSchedulePatch]
  | ['deleteSchedule', Nth]
  | ['createRun', Nth, PulseRun['trigger']]
  | ['updateRun', Nth, Partial<PulseRun>]
  | ['pruneRuns', Nth, number]
  | ['markRunningAsFailed']
  | ['listRuns', Nth | undefined, ListRunsOptions];

const text = fc.string({ unit: 'binary', maxLength: 6 });
const filled = fc.string({ unit: 'binary', minLength: 1, maxLength: 6 });
const whole = fc.oneof(fc.nat(), fc.maxSafeNat());
const instant = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString());
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

const scheduleFields = {
  name: filled,
  description: nullable(text),
  prompt: filled,
  cron: fc.constantFrom('* * * * *', '0 9 * * 1-5', '*/10 * * * * *', '@daily', '0 0 31 2 *'),
  timezone: nullable(fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Kolkata')),
  cwd: nullable(text),
  enabled: fc.boolean(),
  maxRuntime: nullable(whole),
  permissionMode: filled,
  status: fc.constantFrom('active' as const, 'paused' as const, 'pending_approval' as const),
};
const runStatus = fc.constantFrom(
  'running' as const,
  'completed' as const,
  'failed' as const,
  'cancelled' as const,
  'timeout' as const,
);
const runFields = {
  status: runStatus,
  startedAt: instant,
  finishedAt: nullable(instant),
  durationMs: nullable(whole),
  outputSummary: nullable(text),
  error: nullable(text),
  sessionId: nullable(text),
};

const pick = fc.nat({ max: 1000 });
const trigger = fc.constantFrom('scheduled' as const, 'manual' as const, 'agent' as const);
const small = fc.nat({ max: 12 });
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constant('createSchedule' as const),
      fc.record(scheduleFields, { requiredKeys: ['name', 'prompt', 'cron'] }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant('updateSchedule' as const), pick, fc.record(scheduleFields, { requiredKeys: [] })),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('deleteSchedule' as const), pick) },
  { weight: 12, arbitrary: fc.tuple(fc.constant('createRun' as const), pick, trigger) },
  {
    weight: 8,
    arbitrary: fc.tuple(fc.constant('updateRun' as const), pick, fc.record(runFields, { requiredKeys: [] })),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant('pruneRuns' as const), pick, small) },
  { weight: 1, arbitrary: fc.constant<Operation>(['markRunningAsFailed']) },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant('listRuns' as const),
      fc.option(pick, { nil: undefined }),
      fc.record({ status: runStatus, limit: small, offset: small }, { requiredKeys: [] }),
    ),
  },
);

/** What the store should hold, in plain lists, in the order of storing. */
class Model {
  schedules: PulseSchedule[] = [];
  runs: PulseRun[] = [];
  readonly scheduleIds: string[] = [];
  readonly runIds: string[] = [];

  /** Of one millisecond in the order of storing: sorting keeps the order of equals. */
  newestFirst(scheduleId?: string, status?: string): PulseRun[] {
    return this.runs
      .filter((run) => (scheduleId ?? run.scheduleId) === run.scheduleId && (status ?? run.status) === run.status)
      .toReversed()
      .sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
  }
}

function given<T extends object>(patch: T): Partial<T> {
  return Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** Does one operation on both and compares what they answer. */
function step(pulse: PulseStore, model: Model, operation: Operation): void {
  // One more than there are, for an id that is unknown.
  const scheduleAt = (at: Nth) => model.scheduleIds[at % (model.scheduleIds.length + 1)] ?? 'unknown';
  const runAt = (at: Nth) => model.runIds[at % (model.runIds.length + 1)] ?? 'unknown';
  switch (operation[0]) {
    case 'createSchedule': {
      const created = pulse.createSchedule(operation[1]);
      const { id, createdAt } = created;
      const defaults = { description: null, timezone: 'UTC', cwd: null, enabled: true, maxRuntime: null };
      const expected = { ...defaults, permissionMode: 'acceptEdits', status: 'active', ...given(operation[1]) };
      assert.deepStrictEqual(created, { ...expected, id, createdAt, updatedAt: createdAt, nextRun: null });
      model.schedules.push(created);
      model.scheduleIds.push(id);
      return;
    }
    case 'updateSchedule': {
      const id = scheduleAt(operation[1]);
      const patch = given(operation[2]);
      const updated = pulse.updateSchedule(id, operation[2]);
      const at = model.schedules.findIndex((schedule) => schedule.id === id);
      const old = model.schedules[at];
      if (!old) {
        assert.equal(updated, null);
        return;
      }
      const updatedAt = Object.keys(patch).length > 0 ? (updated?.updatedAt ?? '') : old.updatedAt;
      assert.ok(updatedAt >= old.updatedAt);
      model.schedules[at] = { ...old, ...patch, updatedAt };
      assert.deepStrictEqual(updated, model.schedules[at]);
      return;
    }
    case 'deleteSchedule': {
      const id = scheduleAt(operation[1]);
      assert.equal(
        pulse.deleteSchedule(id),
        model.schedules.some((schedule) => schedule.id === id),
      );
      model.schedules = model.schedules.filter((schedule) => schedule.id !== id);
      model.runs = model.runs.filter((run) => run.scheduleId !== id);
      return;
    }
    case 'createRun': {
      const scheduleId = scheduleAt(operation[1]);
      if (!model.schedules.some(({ id }) => id === scheduleId)) {
        assert.throws(() => pulse.createRun(scheduleId, operation[2]), ConstraintError);
        return;
      }
      const run = pulse.createRun(scheduleId, operation[2]);
      model.runs.push(run);
      model.runIds.push(run.id);
      assert.deepStrictEqual(pulse.getRun(run.id), run);
      return;
    }
    case 'updateRun': {
      const id = runAt(operation[1]);
      const updated = pulse.updateRun(id, operation[2]);
      const at = model.runs.findIndex((run) => run.id === id);
      const old = model.runs[at];
      if (!old) {
        assert.equal(updated, null);
        return;
      }
      model.runs[at] = { ...old, ...given(operation[2]) };
      assert.deepStrictEqual(updated, model.runs[at]);
      return;
    }
    case 'pruneRuns': {
      const scheduleId = scheduleAt(operation[1]);
      const pruned = new Set(
        model
          .newestFirst(scheduleId)
          .slice(operation[2])
          .filter(({ status }) => status !== 'running'),
      );
      assert.equal(pulse.pruneRuns(scheduleId, operation[2]), pruned.size);
      model.runs = model.runs.filter((run) => !pruned.has(run));
      return;
    }
    case 'markRunningAsFailed': {
      const running = model.newestFirst(undefined, 'running');
      assert.equal(pulse.markRunningAsFailed(), running.length);
      const finishedAt = running[0] ? pulse.getRun(running[0].id)?.finishedAt : undefined;
      model.runs = model.runs.map((run) =>
        run.status === 'running'
          ? { ...run, status: 'failed', finishedAt: finishedAt ?? null, error: 'Interrupted by server restart' }
          : run,
      );
      return;
    }
    case 'listRuns': {
      const scheduleId = operation[1] === undefined ? undefined : scheduleAt(operation[1]);
      const { status, limit = 50, offset = 0 } = operation[2];
      assert.deepStrictEqual(
        pulse.listRuns({ ...operation[2], scheduleId }),
        model.newestFirst(scheduleId, status).slice(offset, offset + limit),
      );
      assert.equal(pulse.countRuns(scheduleId), model.newestFirst(scheduleId).length);
      return;
    }
  }
}

/** Everything that can be read is what the model holds. */
function compareAll(pulse: PulseStore, model: Model): void {
  assert.deepStrictEqual(pulse.getSchedules(), model.schedules);
  assert.deepStrictEqual(pulse.listRuns({ limit: 10_000 }), model.newestFirst());
  assert.deepStrictEqual(pulse.getRunningRuns(), model.newestFirst(undefined, 'running'));
  assert.equal(pulse.countRuns(), model.runs.length);
}

describe('a PulseStore', () => {
  it('does what plain lists do, over thousands of random operations', { timeout: 300_000 }, () => {
    let steps = 0;
    fc.assert(
      fc.property(fc.array(anyOperation, { minLength: 40, maxLength: 150, size: 'max' }), (operations) => {
        using test = storeDb();
        const pulse = new PulseStore(test.db);
        const model = new Model();
        for (const [i, operation] of operations.entries()) {
          step(pulse, model, operation);
          if (i % 5 === 0 || i === operations.length - 1) compareAll(pulse, model);
        }
        steps += operations.length;
      }),
      { seed: SEED, numRuns: 60 },
    );
    assert.ok(steps > 4000, `${steps} steps`);
  });
});
