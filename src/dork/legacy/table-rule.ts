import { FIRST_MILLISECOND, LAST_MILLISECOND } from '../../engine/time.ts';
import { isMilliseconds, isoOfMilliseconds, isStoredInstant, otherInstant } from './instant-sql.ts';
import type { LEGACY_KINDS } from './schema.ts';

/** A condition in SQL on the older row, and what it means for the row where it holds. */
export type Finding = readonly [condition: string, meaning: string];

/** How one column of a new row comes from the older row. */
export interface ColumnRule {
  /** The new column. */
  readonly column: string;
  /** SQL that gives its value where no fault holds. */
  readonly value: string;
  /** The row is set aside for the first that holds; the meaning is the reason in the receipt. */
  readonly faults: readonly Finding[];
  /** The meaning is the rule's name in the receipt. */
  readonly adjustments: readonly Finding[];
  /** SQL of a text that may be an instant in another form than the stored one. */
  readonly instant?: string;
}

/** How a table of an older file becomes a new one, in SQL. The older row is `s`. */
export interface TableRule {
  readonly kind: (typeof LEGACY_KINDS)[number];
  /** The older table. */
  readonly from: string;
  /** The new table. */
  readonly to: string;
  /** The column of the older table whose value is the row's id, and the new column that holds it. */
  readonly key: readonly [older: string, newer: string];
  readonly columns: readonly ColumnRule[];
  /** Words of the new column `status` from which a row still moves on. */
  readonly openStatuses: readonly string[];
  /** New columns that the older row has no word on. */
  readonly newColumns?: readonly string[];
  /** True where the new column `id` is a ULID that the older row does not have. */
  readonly needsId?: boolean;
  /** SQL of the id of the schedule that the row belongs to. */
  readonly schedule?: string;
  /** What sets a row aside besides the faults of its columns. */
  readonly faults?: readonly Finding[];
  /** True for a copy in a hybrid file, which is never newer than what dork.db has. */
  readonly isCopy?: boolean;
}

/** The SQL of an older column: NULL where this version of the file has no such column. */
export type Older = (column: string) => string;

export function olderColumns(present: ReadonlySet<string>): Older {
  return (column) => (present.has(column) ? `s."${column}"` : 'NULL');
}

/** True in SQL for numbers and blobs, which stand before and behind every text. */
function isNoText(value: string): string {
  return `+${value} < '' OR +${value} >= x''`;
}

/** A text that must be there. */
export function requiredText(column: string, value: string, name = column): ColumnRule {
  return {
    column,
    value,
    faults: [
      [`${value} IS NULL`, `${name} is missing`],
      [isNoText(value), `${name} is not text`],
    ],
    adjustments: [],
  };
}

/** A text or NULL. */
export function optionalText(column: string, value: string, name = column): ColumnRule {
  return {
    column,
    value,
    faults: [[isNoText(value), `${name} is not text`]],
    adjustments: [],
  };
}

/** JSON text or NULL. */
export function optionalJson(column: string, value: string, name = column): ColumnRule {
  const { faults } = optionalText(column, value, name);
  return { column, value, faults: [...faults, [`json_valid(${value}) = 0`, `${name} is not JSON`]], adjustments: [] };
}

/** A whole number or NULL; a fraction is cut. */
export function optionalInteger(column: string, value: string, name = column): ColumnRule {
  return {
    column,
    value: `CASE typeof(${value}) WHEN 'real' THEN CAST(${value} AS INTEGER) ELSE ${value} END`,
    faults: [
      [`+${value} >= ''`, `${name} is not a number`],
      [`typeof(${value}) = 'real' AND NOT ${value} BETWEEN -9.2e18 AND 9.2e18`, `${name} is beyond 64 bits`],
    ],
    adjustments: [[`typeof(${value}) = 'real'`, `${name}_fraction_cut`]],
  };
}

/** One of the words of an enumeration, by the older word for each. */
export function word(column: string, value: string, words: Readonly<Record<string, string>>): ColumnRule {
  const cases = Object.entries(words).map(([older, newer]) => `WHEN '${older}' THEN '${newer}'`);
  const known = Object.keys(words)
    .map((older) => `'${older}'`)
    .join(', ');
  return {
    column,
    value: `CASE ${value} ${cases.join(' ')} END`,
    faults: [
      [`${value} IS NULL`, `${column} is missing`],
      [`${value} NOT IN (${known})`, `${column} is not one that is known`],
    ],
    adjustments: [],
  };
}

/** Each word as it is. */
export function sameWords(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((each) => [each, each]));
}

/** An instant, from its stored form, another text, or Unix milliseconds. */
export function requiredInstant(column: string, value: string, name = column): ColumnRule {
  const rule = optionalInstant(column, value, name);
  return { ...rule, faults: [[`${value} IS NULL`, `${name} is missing`], ...rule.faults] };
}

/** An instant or NULL. */
export function optionalInstant(column: string, value: string, name = column): ColumnRule {
  return {
    column,
    value: `CASE typeof(${value}) WHEN 'text' THEN coalesce(${otherInstant(value)}, ${value}) WHEN 'null' THEN NULL ELSE ${isoOfMilliseconds(value)} END`,
    faults: [
      [
        `NOT (${value} IS NULL OR ${isMilliseconds(value)} OR ${isStoredInstant(value)} OR typeof(${value}) = 'text' AND ${otherInstant(value)} IS NOT NULL)`,
        `${name} is not an instant of the years 0 to 9999`,
      ],
    ],
    adjustments: [[`typeof(${value}) = 'real'`, `${name}_fraction_cut`]],
    instant: value,
  };
}

/** When a message expires: 0 or NULL is never; what lies beyond the years 0 to 9999 is their first or last instant. */
export function expiry(column: string, value: string, name = column): ColumnRule {
  const rule = optionalInstant(column, value, name);
  const isNumber = `typeof(${value}) IN ('integer', 'real')`;
  const clamped = `min(max(${value}, ${FIRST_MILLISECOND}), ${LAST_MILLISECOND})`;
  return {
    ...rule,
    value: `CASE WHEN ${value} = 0 THEN NULL WHEN ${isNumber} THEN ${isoOfMilliseconds(clamped)} ELSE ${rule.value} END`,
    faults: rule.faults.map(([condition, meaning]) => [`NOT (${isNumber}) AND ${condition}`, meaning]),
    adjustments: [
      [`typeof(${value}) = 'real' AND ${isMilliseconds(value)}`, `${name}_fraction_cut`],
      [`${isNumber} AND CAST(${value} AS INTEGER) > ${LAST_MILLISECOND}`, `${name}_after_the_year_9999`],
      [`${isNumber} AND CAST(${value} AS INTEGER) < ${FIRST_MILLISECOND}`, `${name}_before_the_year_0`],
    ],
  };
}
