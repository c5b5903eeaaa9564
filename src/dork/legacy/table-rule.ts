import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { FIRST_MILLISECOND, LAST_MILLISECOND } from '../../engine/time.ts';
import type { Origin } from './import-context.ts';
import { columnInstant, ofMilliseconds } from './instants.ts';
import { Misfit } from './misfit.ts';
import type { UniqueColumn } from './row-owners.ts';
import type { LEGACY_KINDS } from './schema.ts';

/** The values of an older row by column. */
export type OlderValues = Readonly<Record<string, SqliteValue>>;

/** Notes the name of a rule that was applied to a row. */
export type Adjust = (rule: string) => void;

/** Computes one column of a new row from the older row. */
export interface ColumnRule {
  /** The new column. */
  readonly column: string;
  /** The older column. */
  readonly older: string;
  /**
   * Returns the new value.
   *
   * @param value NULL if this version of the file has no such column.
   * @param row All values of the older row that were read.
   * @throws Misfit
   */
  readonly read: (value: SqliteValue, adjust: Adjust, row: OlderValues) => SqliteValue;
  /** The new column whose value replaces an older NULL. It must be read before this one. */
  readonly fallback?: string;
}

/** Converts a table of an older file to a new table. */
export interface TableRule {
  readonly kind: (typeof LEGACY_KINDS)[number];
  readonly origin: Origin;
  /** The older table. */
  readonly from: string;
  /** The new table. */
  readonly to: string;
  /** The new column that identifies a row. */
  readonly key: string;
  /** The new column that distinguishes several rows with the same key. */
  readonly within?: string;
  /** True if the older table has one row per key, whose `within` may change. */
  readonly isAlone?: boolean;
  readonly unique?: UniqueColumn;
  /** The reason to set a row aside if an earlier row of the file has the same key. Default: the key is unique in the file. */
  readonly sameKey?: string;
  readonly columns: readonly ColumnRule[];
  /** New columns that the older row has no values for. */
  readonly newColumns?: readonly string[];
  /** True if the new column `id` is a ULID that the older row does not have. */
  readonly needsId?: boolean;
  /** Older columns that are read besides those of {@link columns}. */
  readonly also?: readonly string[];
}

/** Returns a rule that gives every row the same value. */
export function constant(column: string, value: SqliteValue): ColumnRule {
  return { column, older: column, read: () => value };
}

/** Returns a rule for a required text. */
export function requiredText(column: string, older = column): ColumnRule {
  return { column, older, read: (value) => textOf(value, older) ?? missing(older) };
}

/** Returns a rule for a text or NULL. */
export function optionalText(column: string, older = column): ColumnRule {
  return { column, older, read: (value) => textOf(value, older) };
}

/** Returns a rule for JSON text or NULL. */
export function optionalJson(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value) => {
      const text = textOf(value, column);
      if (text !== null && !isJson(text)) throw new Misfit(`${column} must be JSON`);
      return text;
    },
  };
}

/** Returns a rule for an integer or NULL. A fraction is cut off. */
export function optionalInteger(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value, adjust) => {
      if (value === null || typeof value === 'bigint' || Number.isSafeInteger(value)) return value;
      if (typeof value !== 'number') throw new Misfit(`${column} must be a number`);
      if (!(Math.abs(value) <= 9.2e18)) throw new Misfit(`${column} must fit in 64 bits`);
      adjust(`${column}_fraction_cut`);
      return Math.trunc(value);
    },
  };
}

/** Returns a rule for a boolean, stored as 0 or 1. */
export function flag(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value) => {
      if (value === null) return missing(column);
      if (value !== 0 && value !== 1) throw new Misfit(`${column} must be 0 or 1`);
      return value;
    },
  };
}

/** Returns a rule that refuses NULL. */
export function required(rule: ColumnRule): ColumnRule {
  return { ...rule, read: (value, adjust, row) => rule.read(value, adjust, row) ?? missing(rule.older) };
}

/** Returns a rule for an enumeration, which maps each older word to a new one. */
export function word(column: string, words: Readonly<Record<string, string>>): ColumnRule {
  const known = new Map(Object.entries(words));
  return {
    column,
    older: column,
    read: (value) => {
      if (value === null) return missing(column);
      const newer = typeof value === 'string' ? known.get(value) : undefined;
      if (newer === undefined) throw new Misfit(`${column} must be a known value`);
      return newer;
    },
  };
}

/** Maps each word to itself. */
/* @__NO_SIDE_EFFECTS__ */
export function sameWords(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((each) => [each, each]));
}

/** Returns a rule for an instant in its stored form, in another form, or as Unix milliseconds. */
export function requiredInstant(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value, adjust) => columnInstant(value, column, column, adjust) ?? missing(column),
  };
}

/** Returns a rule for an instant or NULL. */
export function optionalInstant(column: string): ColumnRule {
  return { column, older: column, read: (value, adjust) => columnInstant(value, column, column, adjust) };
}

/** Returns a rule for when a message expires. 0 or NULL: never. Instants outside the years 0 to 9999 become their first or last. */
export function expiry(column: string, older: string): ColumnRule {
  const read = (value: SqliteValue, adjust: Adjust): SqliteValue => {
    if (typeof value !== 'number' && typeof value !== 'bigint') return columnInstant(value, column, older, adjust);
    const ms = Number(value);
    if (ms === 0) return null;
    const isAfter = Math.trunc(ms) > LAST_MILLISECOND;
    const isBefore = Math.trunc(ms) < FIRST_MILLISECOND;
    if (isAfter) adjust(`${older}_after_the_year_9999`);
    else if (isBefore) adjust(`${older}_before_the_year_0`);
    else if (!Number.isInteger(ms)) adjust(`${older}_fraction_cut`);
    return ofMilliseconds(isAfter ? LAST_MILLISECOND : isBefore ? FIRST_MILLISECOND : ms) ?? null;
  };
  return { column, older, read };
}

export function missing(name: string): never {
  throw new Misfit(`${name} is missing`);
}

function textOf(value: SqliteValue, name: string): string | null {
  if (value === null || typeof value === 'string') return value;
  throw new Misfit(`${name} must be text`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
