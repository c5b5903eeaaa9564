import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ConstraintError, InvalidInputError, type PulseRun, type PulseRunStatus, pulseRuns } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { assertRefused, FINISHED, pulseRows, pulseWithSchedule, REPORT } from './samples.ts';

const AT = '2026-02-25T09:30:00.000Z';
const STATUSES: PulseRunStatus[] = ['running', 'completed', 'failed', 'cancelled', 'timeout'];

const ids = (runs: readonly PulseRun[]) => runs.map(({ id }) => id);

describe('createRun()', () => {
  for (const trigger of ['scheduled', 'manual', 'agent'] as const) {
    it(`gives a ${trigger} run that starts now, and that is what is stored`, () => {
      using test = storeDb();
      const { pulse, scheduleId } = pulseWithSchedule(test);
      const before = new Date().toISOString();
      const run = pulse.createRun(scheduleId, trigger);
      const { id, startedAt, createdAt, ...rest } = run;
      assert.match(id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
      assert.equal(startedAt, createdAt);
      assert.ok(createdAt >= before && createdAt <= new Date().toISOString());
      assert.deepStrictEqual(rest, {
        scheduleId,
        status: 'running',
        finishedAt: null,
        durationMs: null,
        outputSummary: null,
        error: null,
        sessionId: null,
        trigger,
      });
      assert.deepStrictEqual(pulse.getRun(id), run);
      assert.deepStrictEqual(pulse.listRuns(), [run]);
    });
  }

  it('refuses an unknown schedule as a broken foreign key, and stores nothing', () => {
    using test = storeDb();
    const { pulse } = pulseWithSchedule(test);
    const before = pulseRows(test);
    for (const scheduleId of ['unknown', '', '__proto__']) {
      assert.throws(
        () => pulse.createRun(scheduleId, 'manual'),
        (error) => {
          assert.ok(error instanceof ConstraintError);
          assert.equal(error.kind, 'foreign_key');
          assert.equal(error.code, 'SQLITE_CONSTRAINT_FOREIGNKEY');
          return true;
        },
      );
    }
    assert.deepEqual(pulseRows(test), before);
  });

  it('refuses a trigger that is none, and a schedule id that is no text', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    for (const trigger of ['', 'Manual', 'cron', undefined, null, 5]) {
      assertRefused(test, 'trigger', () => pulse.createRun(scheduleId, trigger as 'manual'));
    }
    for (const id of [undefined, null, 5, {}]) {
      assertRefused(test, 'scheduleId', () => pulse.createRun(id as string, 'manual'));
    }
  });
});

describe('listRuns()', () => {
  it('is newest first, also within one millisecond, 50 by default', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const created = Array.from({ length: 120 }, () => pulse.createRun(scheduleId, 'scheduled'));
    assert.ok(new Set(created.map(({ createdAt }) => createdAt)).size < 120, 'no two in one millisecond');
    assert.deepStrictEqual(pulse.listRuns(), created.toReversed().slice(0, 50));
    assert.deepStrictEqual(pulse.listRuns({}), created.toReversed().slice(0, 50));
  });

  it('has pages that fit together, in every filter', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const other = pulse.createSchedule(REPORT).id;
    const created: PulseRun[] = [];
    for (let i = 0; i < 200; i++) {
      const run = pulse.createRun(i % 3 ? scheduleId : other, 'scheduled');
      created.push({ ...run, ...pulse.updateRun(run.id, { status: STATUSES[i % STATUSES.length] }) });
    }
    const newestFirst = created.toReversed();
    for (const schedule of [undefined, scheduleId, other, 'unknown']) {
      for (const status of [undefined, ...STATUSES]) {
        const expected = newestFirst.filter(
          (run) => (!schedule || run.scheduleId === schedule) && (!status || run.status === status),
        );
        const filter = { scheduleId: schedule, status };
        assert.deepStrictEqual(pulse.listRuns({ ...filter, limit: 1000 }), expected);
        const pages = Array.from({ length: 30 }, (_, i) => pulse.listRuns({ ...filter, limit: 7, offset: 7 * i }));
        assert.deepStrictEqual(ids(pages.flat()), ids(expected));
        assert.deepStrictEqual(pulse.listRuns({ ...filter, limit: 0 }), []);
        assert.deepStrictEqual(pulse.listRuns({ ...filter, offset: 1000 }), []);
        assert.deepStrictEqual(pulse.listRuns({ ...filter, limit: Number.MAX_SAFE_INTEGER }), expected);
        assert.deepStrictEqual(pulse.listRuns({ ...filter, offset: Number.MAX_SAFE_INTEGER }), []);
      }
    }
  });

  it('is in the order of creation whatever the order of storing', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const created = [3, 1, 2, 1, 3].map((day, i) => {
      const at = `2020-01-0${day}T00:00:00.000Z`;
      test.db
        .insert(pulseRuns)
        .values({ id: `r${i}`, scheduleId, status: 'failed', startedAt: at, createdAt: at })
        .run();
      return `r${i}`;
    });
    assert.equal(created.length, 5);
    const expected = ['r4', 'r0', 'r2', 'r3', 'r1'];
    for (const filter of [{}, { scheduleId }, { status: 'failed' }, { scheduleId, status: 'failed' }] as const) {
      assert.deepEqual(ids(pulse.listRuns(filter)), expected);
    }
  });

  const wrong: [string, unknown][] = [
    ...['limit', 'offset'].flatMap((field) =>
      [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '5', null, 5n].map((value): [string, unknown] => [
        field,
        value,
      ]),
    ),
    ...['new', 'RUNNING', null, 5].map((value): [string, unknown] => ['status', value]),
    ...[null, 5, {}].map((value): [string, unknown] => ['scheduleId', value]),
  ];
  it('refuses by name an option that does not fit', () => {
    using test = storeDb();
    const { pulse } = pulseWithSchedule(test);
    for (const [field, value] of wrong) assertRefused(test, field, () => pulse.listRuns({ [field]: value }), value);
  });

  it('takes an empty text, as an HTTP form sends it, for no filter', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const run = pulse.createRun(scheduleId, 'manual');
    assert.deepStrictEqual(pulse.listRuns({ scheduleId: '', status: '' }), [run]);
    assert.deepStrictEqual(pulse.listRuns({ scheduleId: '', status: 'failed' }), []);
  });

  it('refuses options that are no object', () => {
    using test = storeDb();
    const { pulse } = pulseWithSchedule(test);
    for (const options of [null, 'all', 50]) assertRefused(test, 'options', () => pulse.listRuns(options as never));
  });
});

describe('getRunningRuns(), countRuns() and markRunningAsFailed()', () => {
  it('tell and change what is running, newest first, and nothing else', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const other = pulse.createSchedule(REPORT).id;
    const created = STATUSES.flatMap((status) =>
      [scheduleId, other].map((schedule) => {
        const { id } = pulse.createRun(schedule, 'scheduled');
        return pulse.updateRun(id, { ...FINISHED, status }) as PulseRun;
      }),
    );
    const running = created.filter(({ status }) => status === 'running');
    assert.deepStrictEqual(pulse.getRunningRuns(), running.toReversed());
    assert.equal(pulse.countRuns(), 10);
    assert.equal(pulse.countRuns(scheduleId), 5);
    assert.equal(pulse.countRuns('unknown'), 0);

    const before = new Date().toISOString();
    assert.equal(pulse.markRunningAsFailed(), 2);
    assert.deepStrictEqual(pulse.getRunningRuns(), []);
    for (const run of created) {
      const now = pulse.getRun(run.id);
      if (run.status !== 'running') assert.deepStrictEqual(now, run);
      else {
        assert.ok(now?.finishedAt && now.finishedAt >= before && now.finishedAt <= new Date().toISOString());
        const error = 'Interrupted by server restart';
        assert.deepStrictEqual(now, { ...run, status: 'failed', finishedAt: now.finishedAt, error });
      }
    }
    assert.equal(pulse.markRunningAsFailed(), 0);
    assert.equal(pulse.countRuns(), 10);
  });

  it('refuse a schedule id that is no text', () => {
    using test = storeDb();
    const { pulse } = pulseWithSchedule(test);
    for (const id of [null, 5]) assertRefused(test, 'scheduleId', () => pulse.countRuns(id as never));
  });
});

describe('pruneRuns()', () => {
  it('keeps the newest of a schedule exactly, among runs of one millisecond too, and no other schedule’s less', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const other = pulse.createSchedule(REPORT).id;
    for (let i = 0; i < 100; i++) {
      for (const schedule of [scheduleId, other]) {
        const at = new Date(Date.parse(AT) + Math.floor(i / 40)).toISOString();
        test.db
          .insert(pulseRuns)
          .values({ id: `${schedule}${i}`, scheduleId: schedule, status: 'completed', startedAt: at, createdAt: at })
          .run();
      }
    }
    const all = pulse.listRuns({ scheduleId, limit: 1000 });
    const others = pulse.listRuns({ scheduleId: other, limit: 1000 });
    let left = 100;
    for (const keep of [100, 99, 61, 60, 59, 21, 20, 19, 1, 0]) {
      assert.equal(pulse.pruneRuns(scheduleId, keep), left - keep);
      assert.deepStrictEqual(pulse.listRuns({ scheduleId, limit: 1000 }), all.slice(0, keep));
      left = keep;
    }
    assert.deepStrictEqual(pulse.listRuns({ scheduleId: other, limit: 1000 }), others);
  });

  it('deletes nothing where there are fewer, or no such schedule', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    pulse.createRun(scheduleId, 'manual');
    assert.equal(pulse.pruneRuns(scheduleId, 1), 0);
    assert.equal(pulse.pruneRuns(scheduleId, Number.MAX_SAFE_INTEGER), 0);
    assert.equal(pulse.pruneRuns('unknown', 0), 0);
    assert.equal(pulse.countRuns(), 1);
  });

  it('is one statement at any size', { timeout: 120_000 }, () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const insert = test.db.$client.prepare(
      `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 100000)
       INSERT INTO pulse_runs (id, schedule_id, status, started_at, created_at)
       SELECT value, ?, 'completed', ?, ? FROM n`,
    );
    assert.equal(insert.run(scheduleId, AT, AT).changes, 100_000);
    assert.equal(pulse.pruneRuns(scheduleId, 100), 99_900);
    assert.deepEqual(
      ids(pulse.listRuns({ limit: 1000 })),
      Array.from({ length: 100 }, (_, i) => `${100_000 - i}`),
    );
  });

  it('refuses a number to keep that is none', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    pulse.createRun(scheduleId, 'manual');
    for (const keep of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '0', null, undefined]) {
      assertRefused(test, 'keep', () => pulse.pruneRuns(scheduleId, keep as number));
    }
    assertRefused(test, 'scheduleId', () => pulse.pruneRuns(null as never, 1));
  });
});

describe('a call inside a transaction', () => {
  it('is undone with it', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const run = pulse.createRun(scheduleId, 'manual');
    const before = pulseRows(test);
    assert.throws(
      () =>
        test.db.transaction(() => {
          pulse.createSchedule(REPORT);
          pulse.updateSchedule(scheduleId, { name: 'other' });
          pulse.updateRun(run.id, FINISHED);
          pulse.createRun(scheduleId, 'agent');
          pulse.pruneRuns(scheduleId, 0);
          pulse.markRunningAsFailed();
          pulse.deleteSchedule(scheduleId);
          throw new InvalidInputError('test', 'ends here');
        }),
      /ends here/,
    );
    assert.deepEqual(pulseRows(test), before);
  });
});
