import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Db, PulseStore, pulseRuns, pulseSchedules } from '#entry';
import { runFields } from '../../../src/dork/pulse/run.ts';
import { scheduleFields } from '../../../src/dork/pulse/schedule.ts';
import { queryPlan } from '../../support/query-plan.ts';
import { storeDb } from '../../support/store-db.ts';
import { REPORT } from './samples.ts';

const SET_RUN = {
  status: 'completed',
  startedAt: 0,
  finishedAt: 0,
  durationMs: 1,
  outputSummary: 'o',
  error: 'e',
  sessionId: 's',
} as const;

/** Everything that the store can ask and do, each field of a patch alone among it. */
function everyCall(db: Db): () => void {
  const pulse = new PulseStore(db);
  return () => {
    const { id } = pulse.createSchedule(REPORT);
    const all = { ...REPORT, description: 'd', timezone: 'UTC', cwd: '/', enabled: true, maxRuntime: 1 };
    const patch = { ...all, permissionMode: 'plan', status: 'active' } as const;
    for (const field of Object.keys(scheduleFields())) {
      pulse.updateSchedule(id, { [field]: patch[field as keyof typeof patch] });
    }
    pulse.updateSchedule(id, patch);
    pulse.getSchedule(id);
    pulse.getSchedules({ withNextRun: true });
    const run = pulse.createRun(id, 'manual');
    for (const field of Object.keys(runFields())) {
      pulse.updateRun(run.id, { [field]: SET_RUN[field as keyof typeof SET_RUN] });
    }
    pulse.updateRun(run.id, SET_RUN);
    pulse.getRun(run.id);
    for (const scheduleId of [undefined, id]) {
      for (const status of [undefined, 'running', 'failed'] as const) pulse.listRuns({ scheduleId, status });
      pulse.countRuns(scheduleId);
    }
    pulse.getRunningRuns();
    pulse.markRunningAsFailed();
    pulse.pruneRuns(id, 0);
    pulse.deleteSchedule(id);
  };
}

/** All of them, in the order of the list; the count of all. */
const MEANT = [
  'SCAN pulse_schedules USING INDEX pulse_schedules_created',
  'SCAN pulse_runs USING INDEX pulse_runs_created',
  'SCAN pulse_runs USING COVERING INDEX pulse_runs_created',
];

describe('the statements of the pulse store', () => {
  it('find their rows by an index, in its order', () => {
    using test = storeDb();
    everyCall(test.db)();
    test.assertQueryPlans({ meant: MEANT });
  });

  it('have the same plans with rows in both tables, analyzed', { timeout: 60_000 }, () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    test.db.transaction(() => {
      for (let schedule = 0; schedule < 20; schedule++) {
        const { id } = pulse.createSchedule(REPORT);
        for (let i = 0; i < 100; i++) {
          const run = pulse.createRun(id, 'scheduled');
          if (i > 0) pulse.updateRun(run.id, { status: i % 10 ? 'completed' : 'failed' });
        }
      }
    });
    test.db.$client.exec('ANALYZE');
    everyCall(test.db)();
    test.assertQueryPlans({ meant: MEANT });
  });

  it('walk the runs that are running for those of a schedule, and else the schedule’s', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    pulse.listRuns({ scheduleId: 'x', status: 'running' });
    pulse.listRuns({ scheduleId: 'x', status: 'failed' });
    assert.deepEqual(
      test.statements().map(({ sql }) => queryPlan(test.db.$client, sql)),
      [
        ['SEARCH pulse_runs USING INDEX pulse_runs_status_created (status=?)'],
        ['SEARCH pulse_runs USING INDEX pulse_runs_schedule_created (schedule_id=?)'],
      ],
    );
  });

  it('delete the runs of a schedule by their index', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    pulse.deleteSchedule('x');
    assert.deepEqual(queryPlan(test.db.$client, test.statements()[0]?.sql ?? ''), [
      'SEARCH pulse_schedules USING INDEX sqlite_autoindex_pulse_schedules_1 (id=?)',
      'SEARCH pulse_runs USING COVERING INDEX pulse_runs_schedule_created (schedule_id=?)',
    ]);
  });

  it('leave the runs of a session to be found by their index', () => {
    using test = storeDb();
    const sql = 'SELECT id FROM pulse_runs WHERE session_id = ?';
    assert.deepEqual(queryPlan(test.db.$client, sql), [
      'SEARCH pulse_runs USING INDEX pulse_runs_session (session_id=?)',
    ]);
  });

  it('are prepared once and then only run', () => {
    using test = storeDb();
    const run = everyCall(test.db);
    run();
    let prepared = 0;
    test.db.$client.onPrepare(() => prepared++);
    for (let i = 0; i < 20; i++) run();
    assert.equal(prepared, 0);
  });

  it('are none before the first call', () => {
    using test = storeDb();
    new PulseStore(test.db);
    assert.deepEqual(test.statements(), []);
  });

  it('say each field that a patch may have, and no other, of the tables’ columns', () => {
    const fixed = ['id', 'createdAt', 'updatedAt', 'scheduleId', 'trigger'];
    const patched = (table: object) =>
      Object.keys(table).filter((name) => !fixed.includes(name) && name !== 'enableRLS');
    assert.deepEqual(Object.keys(scheduleFields()), patched(pulseSchedules));
    assert.deepEqual(
      Object.keys(runFields()).map((name) => (name === 'outputSummary' ? 'output' : name)),
      patched(pulseRuns),
    );
  });
});
