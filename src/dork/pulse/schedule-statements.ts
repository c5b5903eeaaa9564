import { asc, eq, type Placeholder, sql } from 'drizzle-orm/sql';
import { getTableColumns } from 'drizzle-orm/utils';
import type { StoreDb } from '../../engine/connection/db.ts';
import { PatchStatements } from '../../stores/patch.ts';
import { columnsOf, statementsOf } from '../../stores/statements.ts';
import { type StoredSchedule, scheduleFields } from './schedule.ts';
import { type PulseScheduleRow, pulseSchedules } from './schema.ts';

const statement = statementsOf('pulse');
const arg = sql.placeholder;

/** The stored fields, in the order of the arguments of `insert`. */
export const SCHEDULE_COLUMNS = Object.keys(getTableColumns(pulseSchedules)) as (keyof PulseScheduleRow)[];

/** Every statement on the schedules. */
export function scheduleStatements(db: StoreDb) {
  const schedule = columnsOf(pulseSchedules);
  const each = Object.fromEntries(SCHEDULE_COLUMNS.map((name) => [name, arg(name)])) as Record<
    keyof PulseScheduleRow,
    Placeholder
  >;
  const isId = eq(pulseSchedules.id, arg('id'));
  return {
    byId: statement<StoredSchedule>(db, () => db.select(schedule).from(pulseSchedules).where(isId), 'id'),
    /** Schedules of one millisecond are in the order they were stored. */
    all: statement<StoredSchedule>(db, () =>
      db.select(schedule).from(pulseSchedules).orderBy(asc(pulseSchedules.createdAt), asc(sql`rowid`)),
    ),
    insert: statement(db, () => db.insert(pulseSchedules).values(each), ...SCHEDULE_COLUMNS),
    patch: new PatchStatements<StoredSchedule>(scheduleFields(), (set, names) =>
      statement<StoredSchedule>(
        db,
        () =>
          db
            .update(pulseSchedules)
            .set({ ...set, updatedAt: sql`${arg('updatedAt')}` })
            .where(isId)
            .returning(schedule),
        ...names,
        'updatedAt',
        'id',
      ),
    ),
    delete: statement(db, () => db.delete(pulseSchedules).where(isId), 'id'),
  };
}
