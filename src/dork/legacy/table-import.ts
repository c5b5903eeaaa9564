import type { SqliteValue } from '../../engine/driver/adapter.ts';
import type { ImportContext, Steps } from './import-context.ts';
import { planOrReason } from './misfit.ts';
import { type OlderRow, type RowTarget, RowWriter, readRows, setAside } from './row-import.ts';
import type { Adjust, TableRule } from './table-rule.ts';

/** The values of a new row by column. */
export type NewRow = ReadonlyMap<string, SqliteValue>;

/** Decides whether a row that dork.db does not have may be inserted. Returns the reason if not. */
export type Admission = (row: NewRow, adjust: Adjust) => string | undefined;

/**
 * Imports a table by its rule.
 *
 * @param present The columns of this version of the file.
 */
export function* importTable(
  context: ImportContext,
  rule: TableRule,
  present: ReadonlySet<string>,
  admit?: Admission,
): Steps {
  const { tally } = context;
  const { from, columns, key } = rule;
  const writer = new RowWriter(context, targetOf(rule), rule.origin);
  const older = [...columns.map((column) => column.older), ...(rule.also ?? [])].filter((name) => present.has(name));
  const lacking = (rule.newColumns ?? []).map(() => null);
  for (const { row, values } of readRows(context, from, [...new Set(older)])) {
    const adjustments: string[] = [];
    const adjust: Adjust = (name) => adjustments.push(name);
    const plan = planOrReason(() => newRow(rule, values, adjust));
    if (typeof plan === 'string') {
      setAside(context, from, row, values[columns.find(({ column }) => column === key)?.older ?? ''], plan);
      yield;
      continue;
    }
    const id = String(plan.get(key));
    const taken = writer.take(id, [...plan.values(), ...lacking], admit && (() => admit(plan, adjust)));
    if (typeof taken === 'string') setAside(context, from, row, id, taken);
    else {
      tally.add(from, taken.outcome);
      if (taken.isWritten) for (const name of adjustments) tally.adjust(from, name);
    }
    yield;
  }
}

function targetOf({ columns, newColumns = [], ...rule }: TableRule): RowTarget {
  return { ...rule, columns: [...columns.map(({ column }) => column), ...newColumns] };
}

function newRow({ columns }: TableRule, values: OlderRow['values'], adjust: Adjust): NewRow {
  const row = new Map<string, SqliteValue>();
  for (const { column, older, read, fallback } of columns) {
    let value = read(values[older] ?? null, adjust, values);
    if (value === null && fallback !== undefined) {
      value = row.get(fallback) ?? null;
      adjust(`${column}_from_${fallback}`);
    }
    row.set(column, value);
  }
  return row;
}
