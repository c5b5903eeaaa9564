/** A row as an object or as an array of its columns. */
type AnyRow = Record<string | number, unknown>;

/** A column of a result; the type is that of its declaration, null for an expression. */
export interface Column {
  readonly name: string;
  readonly type: string | null;
}

/** The columns that may hold an INTEGER: by name for rows as objects, by position for arrays; undefined for all. */
export interface IntegerKeys {
  readonly names: readonly string[] | undefined;
  readonly positions: readonly number[] | undefined;
}

/** Returns the columns that may hold an INTEGER: a column that is declared TEXT converts integers to text. */
export function integerKeys(sql: string, columns: readonly Column[]): IntegerKeys {
  // The columns of `*` change with the schema.
  if (sql.includes('*')) return { names: undefined, positions: undefined };
  const found = columns.map(({ name, type }, i) => ({ name, i, isText: /^\s*(TEXT|VARCHAR)\b/i.test(type ?? '') }));
  const others = found.filter(({ isText }) => !isText);
  return { names: others.map(({ name }) => name), positions: others.map(({ i }) => i) };
}

/**
 * Returns true if a number of the row may be a rounded INTEGER, because JavaScript's numbers hold integers only up to
 * 2^53. Also true for a large REAL.
 */
export function mayBeRounded(row: unknown, keys: readonly (string | number)[] | undefined): boolean {
  const values = row as AnyRow;
  if (keys) {
    for (let i = 0; i < keys.length; i++) if (isLarge(values[keys[i] as string])) return true;
    return false;
  }
  for (const key in values) if (isLarge(values[key])) return true;
  return false;
}

function isLarge(value: unknown): boolean {
  return typeof value === 'number' && (value > Number.MAX_SAFE_INTEGER || value < Number.MIN_SAFE_INTEGER);
}

/** Converts each bigint of a row to a number if it fits, and returns the same row. */
export function narrowed<T>(row: T): T {
  const values = row as AnyRow;
  for (const key in values) {
    const value = values[key];
    if (typeof value === 'bigint') values[key] = numberIfSafe(value);
  }
  return row;
}

/** Returns an INTEGER as a number if it fits. */
export function numberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
