import type { ImportContext } from './import-context.ts';
import { RowWriter } from './row-import.ts';
import { placeholderValues, SCHEDULE_TARGET } from './schedule-row.ts';
import type { Admission } from './table-import.ts';

/** The reasons in the receipt. */
const ORPHAN = 'its schedule is missing';
const DELETED = 'its schedule was deleted here';

/**
 * Returns a function that admits the runs of schedules in dork.db. A run whose schedule is neither in dork.db nor in
 * schedules.json is set aside or, with `keepOrphans`, attached to a paused, disabled schedule with the missing id as its
 * id and name. A schedule that was deleted since its import is not restored, so its runs are always set aside.
 */
export function runAdmission(context: ImportContext): Admission {
  const { connection, keepOrphans } = context;
  const find = connection.prepare('SELECT 1 FROM main.pulse_schedules WHERE id = ?');
  const schedules = new RowWriter(context, SCHEDULE_TARGET, 'placeholder');
  /** The placeholders that this import made, with their `createdAt`. */
  const made = new Map<string, string>();
  return (run, adjust) => {
    const id = String(run.get('schedule_id'));
    const createdAt = String(run.get('created_at'));
    const since = made.get(id);
    if (since === undefined) {
      const known = schedules.memory.recall(id);
      if (known?.isPlanned || find.get(id)) return undefined;
      if (known) return DELETED;
      if (!keepOrphans) return ORPHAN;
      adjust('placeholder_schedule_created');
    }
    // The placeholder is as old as its oldest run, which need not be read first.
    if (since === undefined || createdAt < since) {
      const taken = schedules.take(id, placeholderValues(id, createdAt));
      if (typeof taken === 'string') return taken;
      made.set(id, createdAt);
    }
    adjust('attached_to_a_placeholder_schedule');
    return undefined;
  };
}
