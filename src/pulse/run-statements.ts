import { count, desc, eq, inArray, type SQL, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../core/db.ts';
import { PatchStatements } from '../core/patch.ts';
import { columnsOf, statementsOf } from '../core/statements.ts';
import { type PulseRun, RUN_FIELDS } from './run.ts';
import { pulseRuns } from './schema.ts';

const statement = statementsOf('pulse');
const arg = sql.placeholder;

const { output, ...sameName } = columnsOf(pulseRuns);
const RUN = { ...sameName, outputSummary: sql`${pulseRuns.output}`.as('outputSummary') };

const ROWID = sql`rowid`;
/** Runs of one millisecond are in the order they were stored. */
const NEWEST_FIRST = [desc(pulseRuns.createdAt), desc(ROWID)];

/** SQLite takes an OFFSET only behind a LIMIT. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

const INTERRUPTED = 'Interrupted by server restart';

const isId = eq(pulseRuns.id, arg('id'));
const isOfSchedule = eq(pulseRuns.scheduleId, arg('scheduleId'));
const isOfStatus = eq(pulseRuns.status, arg('status'));
const isRunning = sql`${pulseRuns.status} = 'running'`;

/** Every statement on the runs. */
export function runStatements(db: StoreDb) {
  const runs = (where: SQL | undefined) =>
    db
      .select(RUN)
      .from(pulseRuns)
      .where(where)
      .orderBy(...NEWEST_FIRST);
  const page = (where: SQL | undefined, ...names: string[]) =>
    statement<PulseRun>(db, () => runs(where).limit(arg('limit')).offset(arg('offset')), ...names, 'limit', 'offset');
  const total = (where: SQL | undefined, ...names: string[]) =>
    statement<{ total: number }>(
      db,
      () =>
        db
          .select({ total: count().as('total') })
          .from(pulseRuns)
          .where(where),
      ...names,
    );

  return {
    byId: statement<PulseRun>(db, () => db.select(RUN).from(pulseRuns).where(isId), 'id'),
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
    patch: new PatchStatements<PulseRun>(RUN_FIELDS, ({ outputSummary, ...set }, names) =>
      statement<PulseRun>(
        db,
        () =>
          db
            .update(pulseRuns)
            .set({ ...set, output: outputSummary })
            .where(isId)
            .returning(RUN),
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
          inArray(
            ROWID,
            db
              .select({ rowid: ROWID })
              .from(pulseRuns)
              .where(isOfSchedule)
              .orderBy(...NEWEST_FIRST)
              .limit(NO_LIMIT)
              .offset(arg('keep')),
          ),
        ),
      'scheduleId',
      'keep',
    ),
  };
}
