import { ATTACHED, type ImportContext } from './import-context.ts';
import { RowWriter } from './row-import.ts';
import { placeholderValues, SCHEDULE_TARGET } from './schedule-row.ts';
import type { TableRule } from './table-rule.ts';
import { VERDICTS } from './table-sql.ts';

/** The reason in the receipt. */
const ORPHAN = 'its schedule is gone';

/**
 * Decides about the runs of the chunk whose schedule is neither in dork.db nor in schedules.json: set aside, or with
 * `keepOrphans` attached to a paused, disabled schedule that has the missing id for its id and its name.
 */
export function adoptOrphans(context: ImportContext, rule: TableRule): void {
  const { connection, keepOrphans, tally } = context;
  const count = connection.prepare<{ rows: number }>(
    `SELECT count(*) AS rows FROM ${VERDICTS} WHERE outcome = 'orphan'`,
  );
  const rows = count.get()?.rows ?? 0;
  if (rows === 0) return;
  if (!keepOrphans) {
    connection.prepare(`UPDATE ${VERDICTS} SET outcome = 'setAside', reason = ? WHERE outcome = 'orphan'`).run(ORPHAN);
    return;
  }
  const createdAt = rule.columns.find(({ column }) => column === 'created_at')?.value;
  const missing = connection.prepare<{ id: string; createdAt: string }>(
    `SELECT ${rule.schedule} AS id, min(${createdAt}) AS createdAt
     FROM ${VERDICTS} AS v CROSS JOIN ${ATTACHED}."${rule.from}" AS s ON s.rowid = v.row
     WHERE v.outcome = 'orphan' GROUP BY 1 ORDER BY min(v.row)`,
  );
  const schedules = new RowWriter(context, SCHEDULE_TARGET);
  const placeholders = missing.all();
  for (const { id, createdAt: since } of placeholders) schedules.put(id, placeholderValues(id, since));
  connection.exec(`UPDATE ${VERDICTS} SET outcome = 'imported' WHERE outcome = 'orphan'`);
  tally.adjust(rule.from, 'attached_to_a_placeholder_schedule', rows);
  tally.adjust(rule.from, 'placeholder_schedule_created', placeholders.length);
}
