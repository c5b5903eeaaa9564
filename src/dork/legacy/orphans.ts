import { ATTACHED, type ImportContext } from './import-context.ts';
import { RowWriter } from './row-import.ts';
import { placeholderValues, SCHEDULE_TARGET } from './schedule-row.ts';
import type { TableRule } from './table-rule.ts';
import { VERDICTS } from './table-sql.ts';

/** The reasons in the receipt. */
const ORPHAN = 'its schedule is gone';
const DELETED = 'its schedule was deleted here';

/**
 * Decides about the runs of the chunk whose schedule is neither in dork.db nor in schedules.json: set aside, or with
 * `keepOrphans` attached to a paused, disabled schedule that has the missing id for its id and its name. A schedule that
 * was imported before and deleted since does not come back, so its runs are set aside in both cases.
 */
export function adoptOrphans(context: ImportContext, rule: TableRule): void {
  const { connection, keepOrphans, tally } = context;
  const count = connection.prepare<{ rows: number }>(
    `SELECT count(*) AS rows FROM ${VERDICTS} WHERE outcome = 'orphan'`,
  );
  const orphans = (): number => count.get()?.rows ?? 0;
  if (orphans() === 0) return;
  const createdAt = rule.columns.find(({ column }) => column === 'created_at')?.value;
  const missing = connection.prepare<{ id: string; createdAt: string }>(
    `SELECT ${rule.schedule} AS id, min(${createdAt}) AS createdAt
     FROM ${VERDICTS} AS v CROSS JOIN ${ATTACHED}."${rule.from}" AS s ON s.rowid = v.row
     WHERE v.outcome = 'orphan' GROUP BY 1 ORDER BY min(v.row)`,
  );
  const setAside = connection.prepare(
    `UPDATE ${VERDICTS} SET outcome = 'setAside', reason = ?1 WHERE outcome = 'orphan' AND (?2 IS NULL OR ?2 =
       (SELECT ${rule.schedule} FROM ${ATTACHED}."${rule.from}" AS s WHERE s.rowid = row))`,
  );
  const schedules = new RowWriter(context, SCHEDULE_TARGET);
  const placeholders = missing.all().filter(({ id }) => {
    const wasDeleted = schedules.memory.stateOf(id) !== undefined;
    if (wasDeleted) setAside.run(DELETED, id);
    return !wasDeleted;
  });
  if (!keepOrphans) {
    setAside.run(ORPHAN, null);
    return;
  }
  const rows = orphans();
  if (rows === 0) return;
  for (const { id, createdAt: since } of placeholders) schedules.put(id, placeholderValues(id, since));
  connection.exec(`UPDATE ${VERDICTS} SET outcome = 'imported' WHERE outcome = 'orphan'`);
  tally.adjust(rule.from, 'attached_to_a_placeholder_schedule', rows);
  tally.adjust(rule.from, 'placeholder_schedule_created', placeholders.length);
}
