import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { FIRST_MILLISECOND, LAST_MILLISECOND } from '../../engine/time.ts';
import type { Origin } from './import-context.ts';
import { columnInstant, ofMilliseconds } from './instants.ts';
import { Misfit } from './misfit.ts';
import type { UniqueColumn } from './row-owners.ts';
import type { LEGACY_KINDS } from './schema.ts';

/** The values of an older row by its columns. */
export type OlderValues = Readonly<Record<string, SqliteValue>>;

/** Collects the names of the rules that were applied to a row. */
export type Adjust = (rule: string) => void;

/** How one column of a new row comes from the older row. */
export interface ColumnRule {
  /** The new column. */
  readonly column: string;
  /** The older column. */
  readonly older: string;
  /**
   * Returns the new value.
   *
   * @param value NULL if this version of the file has no such column.
   * @param row All values that were read of the older row.
   * @throws Misfit
   */
  readonly read: (value: SqliteValue, adjust: Adjust, row: OlderValues) => SqliteValue;
  /** The new column that an older NULL is replaced by, which is read before this one. */
  readonly fallback?: string;
}

/** How a table of an older file becomes a new one. */
export interface TableRule {
  readonly kind: (typeof LEGACY_KINDS)[number];
  readonly origin: Origin;
  /** The older table. */
  readonly from: string;
  /** The new table. */
  readonly to: string;
  /** The new column that identifies a row. */
  readonly key: string;
  /** The new column that tells several rows of one key apart. */
  readonly within?: string;
  /** True if the older table has one row of a key, in which `within` may change. */
  readonly isAlone?: boolean;
  readonly unique?: UniqueColumn;
  readonly columns: readonly ColumnRule[];
  /** New columns of which the older row says nothing. */
  readonly newColumns?: readonly string[];
  /** True if the new column `id` is a ULID that the older row does not have. */
  readonly needsId?: boolean;
  /** Older columns that are read besides those of {@link columns}. */
  readonly also?: readonly string[];
}

/** The same value for every older row. */
export function constant(column: string, value: SqliteValue): ColumnRule {
  return { column, older: column, read: () => value };
}

/** A text that must be there. */
export function requiredText(column: string, older = column): ColumnRule {
  return { column, older, read: (value) => textOf(value, older) ?? missing(older) };
}

/** A text or NULL. */
export function optionalText(column: string, older = column): ColumnRule {
  return { column, older, read: (value) => textOf(value, older) };
}

/** JSON text or NULL. */
export function optionalJson(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value) => {
      const text = textOf(value, column);
      if (text !== null && !isJson(text)) throw new Misfit(`${column} is not JSON`);
      return text;
    },
  };
}

/** A whole number or NULL; a fraction is cut. */
export function optionalInteger(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value, adjust) => {
      if (value === null || typeof value === 'bigint' || Number.isSafeInteger(value)) return value;
      if (typeof value !== 'number') throw new Misfit(`${column} is not a number`);
      if (!(Math.abs(value) <= 9.2e18)) throw new Misfit(`${column} is beyond 64 bits`);
      adjust(`${column}_fraction_cut`);
      return Math.trunc(value);
    },
  };
}

/** A boolean, as SQLite stores it. */
export function flag(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value) => {
      if (value === null) return missing(column);
      if (value !== 0 && value !== 1) throw new Misfit(`${column} is not 0 or 1`);
      return value;
    },
  };
}

/** The same without NULL. */
export function required(rule: ColumnRule): ColumnRule {
  return { ...rule, read: (value, adjust, row) => rule.read(value, adjust, row) ?? missing(rule.older) };
}

/** One of the words of an enumeration, by the older word for each. */
export function word(column: string, words: Readonly<Record<string, string>>): ColumnRule {
  const known = new Map(Object.entries(words));
  return {
    column,
    older: column,
    read: (value) => {
      if (value === null) return missing(column);
      const newer = typeof value === 'string' ? known.get(value) : undefined;
      if (newer === undefined) throw new Misfit(`${column} is not one that is known`);
      return newer;
    },
  };
}

/** Each word as it is. */
/* @__NO_SIDE_EFFECTS__ */
export function sameWords(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((each) => [each, each]));
}

/** An instant, from its stored form, another text, or Unix milliseconds. */
export function requiredInstant(column: string): ColumnRule {
  return {
    column,
    older: column,
    read: (value, adjust) => columnInstant(value, column, column, adjust) ?? missing(column),
  };
}

/** An instant or NULL. */
export function optionalInstant(column: string): ColumnRule {
  return { column, older: column, read: (value, adjust) => columnInstant(value, column, column, adjust) };
}

/** When a message expires: 0 or NULL is never; beyond the years 0 to 9999 it is their first or last instant. */
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
  throw new Misfit(`${name} is not text`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
