import { asc, eq, type Placeholder, sql } from 'drizzle-orm/sql';
import { getTableColumns } from 'drizzle-orm/utils';
import type { StoreDb } from '../core/db.ts';
import { PatchStatements } from '../core/patch.ts';
import { columnsOf, statementsOf } from '../core/statements.ts';
import { SCHEDULE_FIELDS, type StoredSchedule } from './schedule.ts';
import { type PulseScheduleRow, pulseSchedules } from './schema.ts';

const statement = statementsOf('pulse');
const arg = sql.placeholder;

const SCHEDULE = columnsOf(pulseSchedules);

/** The stored fields, in the order of the arguments of `insert`. */
export const SCHEDULE_COLUMNS = Object.keys(getTableColumns(pulseSchedules)) as (keyof PulseScheduleRow)[];
const EACH = Object.fromEntries(SCHEDULE_COLUMNS.map((name) => [name, arg(name)])) as Record<
  keyof PulseScheduleRow,
  Placeholder
>;

const isId = eq(pulseSchedules.id, arg('id'));

/** Every statement on the schedules. */
export function scheduleStatements(db: StoreDb) {
  return {
    byId: statement<StoredSchedule>(db, () => db.select(SCHEDULE).from(pulseSchedules).where(isId), 'id'),
    /** Schedules of one millisecond are in the order they were stored. */
    all: statement<StoredSchedule>(db, () =>
      db.select(SCHEDULE).from(pulseSchedules).orderBy(asc(pulseSchedules.createdAt), asc(sql`rowid`)),
    ),
    insert: statement(db, () => db.insert(pulseSchedules).values(EACH), ...SCHEDULE_COLUMNS),
    patch: new PatchStatements<StoredSchedule>(SCHEDULE_FIELDS, (set, names) =>
      statement<StoredSchedule>(
        db,
        () =>
          db
            .update(pulseSchedules)
            .set({ ...set, updatedAt: sql`${arg('updatedAt')}` })
            .where(isId)
            .returning(SCHEDULE),
        ...names,
        'updatedAt',
        'id',
      ),
    ),
    delete: statement(db, () => db.delete(pulseSchedules).where(isId), 'id'),
  };
}
