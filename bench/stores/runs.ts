import { and, count, desc, eq, inArray, ne, sql } from 'drizzle-orm';
import type { PulseRunRow } from '../../src/dork/pulse/schema.ts';
import { pulseRuns } from '../../src/dork/pulse/schema.ts';
import { bareId } from '../harness/bare.ts';
import type { Operation } from '../harness/compare.ts';
import { type Arms, without } from './arms.ts';
import { changesOf } from './builder.ts';
import { idOf, instantOf, KEPT_RUNS, PRUNED_SCHEDULE, scheduleOf } from './fill.ts';
import { newRun } from './run.ts';

const COLUMNS = `id, schedule_id AS scheduleId, status, started_at AS startedAt, finished_at AS finishedAt,
  duration_ms AS durationMs, output AS outputSummary, error, session_id AS sessionId, "trigger", created_at AS createdAt`;

/** What somebody writes by hand around Drizzle's rows, whose field has another name. */
function runOf({ output, ...row }: PulseRunRow) {
  return { ...row, outputSummary: output };
}

/** The operations of PulseStore. */
export function runOperations({ pkg, db, bare, builder, rows }: Arms): Operation[] {
  const pulse = new pkg.PulseStore(db);
  const id = (i: number) => idOf((i * 7919) % rows);

  const byId = bare.prepare(`SELECT ${COLUMNS} FROM pulse_runs WHERE id = ?`);
  const insert = bare.prepare(
    `INSERT INTO pulse_runs (id, schedule_id, status, started_at, "trigger", created_at) VALUES (?, ?, 'running', ?, ?, ?)`,
  );
  const update = bare.prepare(
    `UPDATE pulse_runs SET status = ?, finished_at = ?, duration_ms = ?, output = ? WHERE id = ? RETURNING ${COLUMNS}`,
  );
  const complete = bare.prepare(`UPDATE pulse_runs SET status = ? WHERE id = ? RETURNING ${COLUMNS}`);
  const page = bare.prepare(`SELECT ${COLUMNS} FROM pulse_runs ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?`);
  const pageOfSchedule = bare.prepare(
    `SELECT ${COLUMNS} FROM pulse_runs WHERE schedule_id = ? ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?`,
  );
  const pageOfStatus = bare.prepare(
    `SELECT ${COLUMNS} FROM pulse_runs WHERE status = ? ORDER BY created_at DESC, rowid DESC LIMIT ? OFFSET ?`,
  );
  const running = bare.prepare(
    `SELECT ${COLUMNS} FROM pulse_runs WHERE status = 'running' ORDER BY created_at DESC, rowid DESC`,
  );
  const total = bare.prepare('SELECT count(*) AS total FROM pulse_runs WHERE schedule_id = ?');
  const prune = bare.prepare(
    `DELETE FROM pulse_runs WHERE +status <> 'running' AND rowid IN (SELECT rowid FROM pulse_runs WHERE schedule_id = ?
       ORDER BY created_at DESC, rowid DESC LIMIT -1 OFFSET ?)`,
  );

  const bareCreate = (scheduleId: string) => {
    const run = newRun(bareId(), scheduleId);
    insert.run(run.id, scheduleId, run.startedAt, run.trigger, run.createdAt);
    return run;
  };
  const builderCreate = (scheduleId: string) => {
    const at = new Date().toISOString();
    const run = { id: pkg.newId(), scheduleId, status: 'running' as const, startedAt: at, createdAt: at };
    return runOf(builder.insert(pulseRuns).values(run).returning().get());
  };

  return [
    {
      name: 'getRun',
      kind: 'read',
      arms: {
        ours: (i) => pulse.getRun(id(i)),
        bare: (i) => byId.get(id(i)),
        builder: (i) =>
          runOf(
            builder
              .select()
              .from(pulseRuns)
              .where(eq(pulseRuns.id, id(i)))
              .get() as PulseRunRow,
          ),
      },
    },
    {
      name: 'listRuns, 50',
      kind: 'read',
      arms: {
        ours: () => pulse.listRuns(),
        bare: () => page.all(50, 0),
        builder: () =>
          builder
            .select()
            .from(pulseRuns)
            .orderBy(desc(pulseRuns.createdAt), desc(sql`rowid`))
            .limit(50)
            .offset(0)
            .all()
            .map(runOf),
      },
    },
    {
      name: 'listRuns of a schedule, 50',
      kind: 'read',
      arms: {
        ours: (i) => pulse.listRuns({ scheduleId: scheduleOf(i) }),
        bare: (i) => pageOfSchedule.all(scheduleOf(i), 50, 0),
        builder: (i) =>
          builder
            .select()
            .from(pulseRuns)
            .where(eq(pulseRuns.scheduleId, scheduleOf(i)))
            .orderBy(desc(pulseRuns.createdAt), desc(sql`rowid`))
            .limit(50)
            .offset(0)
            .all()
            .map(runOf),
      },
    },
    {
      name: 'listRuns of a status, 50',
      kind: 'read',
      arms: {
        ours: () => pulse.listRuns({ status: 'failed' }),
        bare: () => pageOfStatus.all('failed', 50, 0),
        builder: () =>
          builder
            .select()
            .from(pulseRuns)
            .where(eq(pulseRuns.status, 'failed'))
            .orderBy(desc(pulseRuns.createdAt), desc(sql`rowid`))
            .limit(50)
            .offset(0)
            .all()
            .map(runOf),
      },
    },
    {
      name: 'getRunningRuns, 5',
      kind: 'read',
      arms: {
        ours: () => pulse.getRunningRuns(),
        bare: () => running.all(),
        builder: () =>
          builder
            .select()
            .from(pulseRuns)
            .where(eq(pulseRuns.status, 'running'))
            .orderBy(desc(pulseRuns.createdAt), desc(sql`rowid`))
            .all()
            .map(runOf),
      },
    },
    {
      name: 'countRuns of a schedule of 100',
      kind: 'read',
      arms: {
        ours: () => pulse.countRuns(PRUNED_SCHEDULE),
        bare: () => (total.get(PRUNED_SCHEDULE) as { total: number }).total,
        builder: () =>
          builder.select({ total: count() }).from(pulseRuns).where(eq(pulseRuns.scheduleId, PRUNED_SCHEDULE)).get()
            ?.total,
      },
    },
    {
      name: 'createRun',
      kind: 'write',
      comparable: without('id', 'startedAt', 'createdAt'),
      arms: {
        ours: (i) => pulse.createRun(scheduleOf(i), 'scheduled'),
        bare: (i) => bareCreate(scheduleOf(i)),
        builder: (i) => builderCreate(scheduleOf(i)),
      },
    },
    {
      name: 'updateRun',
      kind: 'write',
      arms: {
        ours: (i) =>
          pulse.updateRun(id(i), {
            status: 'completed',
            finishedAt: instantOf(i),
            durationMs: i,
            outputSummary: 'It is done',
          }),
        bare: (i) => update.get('completed', instantOf(i), i, 'It is done', id(i)),
        builder: (i) =>
          runOf(
            builder
              .update(pulseRuns)
              .set({ status: 'completed', finishedAt: instantOf(i), durationMs: i, output: 'It is done' })
              .where(eq(pulseRuns.id, id(i)))
              .returning()
              .get(),
          ),
      },
    },
    {
      name: `createRun, its end, and pruneRuns to ${KEPT_RUNS}`,
      kind: 'write',
      arms: {
        ours: () => {
          const { id } = pulse.createRun(PRUNED_SCHEDULE, 'scheduled');
          pulse.updateRun(id, { status: 'completed' });
          return pulse.pruneRuns(PRUNED_SCHEDULE, KEPT_RUNS);
        },
        bare: () => {
          complete.get('completed', bareCreate(PRUNED_SCHEDULE).id);
          return prune.run(PRUNED_SCHEDULE, KEPT_RUNS).changes;
        },
        builder: () => {
          const created = builderCreate(PRUNED_SCHEDULE).id;
          builder.update(pulseRuns).set({ status: 'completed' }).where(eq(pulseRuns.id, created)).returning().get();
          const old = builder
            .select({ id: pulseRuns.id })
            .from(pulseRuns)
            .where(eq(pulseRuns.scheduleId, PRUNED_SCHEDULE))
            .orderBy(desc(pulseRuns.createdAt), desc(sql`rowid`))
            .limit(1_000_000)
            .offset(KEPT_RUNS)
            .all();
          const ids = old.map((row) => row.id);
          return changesOf(
            builder
              .delete(pulseRuns)
              .where(and(ne(pulseRuns.status, 'running'), inArray(pulseRuns.id, ids)))
              .run(),
          );
        },
      },
    },
  ];
}
