import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../../engine/connection/db.ts';
import { PatchStatements } from '../../stores/patch.ts';
import { columnsOf, statementsOf, totalsOf } from '../../stores/statements.ts';
import { type PulseRun, runFields } from './run.ts';
import { pulseRuns } from './schema.ts';

const statement = statementsOf('pulse');
const arg = sql.placeholder;

/** SQLite accepts an OFFSET only after a LIMIT. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

const INTERRUPTED = 'Interrupted by server restart';

/** Every statement on the runs. */
export function runStatements(db: StoreDb) {
  const { output, ...sameName } = columnsOf(pulseRuns);
  const run = { ...sameName, outputSummary: sql`${pulseRuns.output}`.as('outputSummary') };
  const rowid = sql`rowid`;
  /** Runs of one millisecond are in the order they were stored. */
  const newestFirst = [desc(pulseRuns.createdAt), desc(rowid)];
  const isId = eq(pulseRuns.id, arg('id'));
  const isOfSchedule = eq(pulseRuns.scheduleId, arg('scheduleId'));
  const isOfStatus = eq(pulseRuns.status, arg('status'));
  const isRunning = sql`${pulseRuns.status} = 'running'`;

  const runs = (where: SQL | undefined) =>
    db
      .select(run)
      .from(pulseRuns)
      .where(where)
      .orderBy(...newestFirst);
  const page = (where: SQL | undefined, ...names: string[]) =>
    statement<PulseRun>(db, () => runs(where).limit(arg('limit')).offset(arg('offset')), ...names, 'limit', 'offset');
  const total = totalsOf('pulse', db, pulseRuns);

  return {
    byId: statement<PulseRun>(db, () => db.select(run).from(pulseRuns).where(isId), 'id'),
    page: page(undefined),
    pageOfSchedule: page(isOfSchedule, 'scheduleId'),
    pageOfStatus: page(isOfStatus, 'status'),
    // A unary plus takes a column out of SQLite's choice of an index. https://sqlite.org/queryplanner-ng.html#howtofix
    // Few runs are running at a time, of all schedules together; of any other status a schedule has fewer than all have.
    pageOfScheduleRunning: page(sql`+${isOfSchedule} and ${isRunning}`, 'scheduleId'),
    pageOfScheduleAndStatus: page(sql`${isOfSchedule} and +${isOfStatus}`, 'scheduleId', 'status'),
    running: statement<PulseRun>(db, () => runs(isRunning)),
    total: total(undefined),
    totalOfSchedule: total(isOfSchedule, 'scheduleId'),

    insert: statement(
      db,
      () =>
        db.insert(pulseRuns).values({
          id: arg('id'),
          scheduleId: arg('scheduleId'),
          status: sql`'running'`,
          startedAt: arg('startedAt'),
          trigger: arg('trigger'),
          createdAt: arg('createdAt'),
        }),
      'id',
      'scheduleId',
      'startedAt',
      'trigger',
      'createdAt',
    ),
    patch: new PatchStatements<PulseRun>(runFields(), ({ outputSummary, ...set }, names) =>
      statement<PulseRun>(
        db,
        () =>
          db
            .update(pulseRuns)
            .set({ ...set, output: outputSummary })
            .where(isId)
            .returning(run),
        ...names,
        'id',
      ),
    ),
    fail: statement(
      db,
      () =>
        db
          .update(pulseRuns)
          .set({ status: sql`'failed'`, finishedAt: sql`${arg('finishedAt')}`, error: sql.raw(`'${INTERRUPTED}'`) })
          .where(isRunning),
      'finishedAt',
    ),
    /** Which rows are the oldest is found from the index alone, then they are deleted: at any size one statement. */
    prune: statement(
      db,
      () =>
        db.delete(pulseRuns).where(
          and(
            inArray(
              rowid,
              db
                .select({ rowid })
                .from(pulseRuns)
                .where(isOfSchedule)
                .orderBy(...newestFirst)
                .limit(NO_LIMIT)
                .offset(arg('keep')),
            ),
            // A running run is not finished, however old it is.
            sql`+${pulseRuns.status} <> 'running'`,
          ),
        ),
      'scheduleId',
      'keep',
    ),
  };
}
