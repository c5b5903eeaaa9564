import type { Connection } from '../connection/connection.ts';
import { quoted } from './rows.ts';

/** The values of a column, as summarized by one scan. */
export interface ColumnValues {
  readonly name: string;
  /** Declared type in capitals. */
  readonly type: string;
  /** The SQL of the column's default. */
  readonly fallback: string | null;
  /** Number of values that are not NULL. */
  readonly count: number;
  /** The only value of all rows, truncated; undefined if there are several or none. */
  readonly only?: string;
}

interface ColumnInfo {
  readonly name: string;
  readonly type: string;
  readonly fallback: string | null;
}

/** SQLite allows 2,000 columns in a result: https://sqlite.org/limits.html */
const COLUMNS_AT_ONCE = 400;

/** Scans a table once. Generated columns are skipped, because they depend on the others. */
export function valuesOf(connection: Connection, table: string): ColumnValues[] {
  const columns = connection
    .prepare<ColumnInfo>(
      `SELECT name, upper(type) AS type, dflt_value AS fallback FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0`,
    )
    .all(table);
  const values: ColumnValues[] = [];
  for (let i = 0; i < columns.length; i += COLUMNS_AT_ONCE) {
    values.push(...scan(connection, table, columns.slice(i, i + COLUMNS_AT_ONCE)));
  }
  return values;
}

function scan(connection: Connection, table: string, columns: readonly ColumnInfo[]): ColumnValues[] {
  const of = columns.map(({ name }, i) => {
    const column = `t.${quoted(name)}`;
    return `count(${column}) AS n${i}, CASE WHEN min(${column}) IS max(${column})
      THEN typeof(min(${column})) || ' ' || CAST(substr(min(${column}), 1, 100) AS TEXT) END AS v${i}`;
  });
  const row = connection.prepare<Record<string, unknown>>(`SELECT ${of.join(', ')} FROM main.${quoted(table)} t`).get();
  return columns.map((column, i) => ({
    ...column,
    count: Number(row?.[`n${i}`] ?? 0),
    ...(typeof row?.[`v${i}`] === 'string' && { only: row[`v${i}`] as string }),
  }));
}

/** A column with fewer values than before. */
export interface ForgottenColumn {
  readonly name: string;
  readonly before: number;
  readonly after: number;
}

/**
 * Returns the columns that a rebuild forgot to copy: they have fewer values than before, or only their default. Columns
 * that no longer exist are not included, because their removal was explicit.
 */
export function forgottenColumns(
  connection: Connection,
  before: readonly ColumnValues[],
  after: readonly ColumnValues[],
): ForgottenColumn[] {
  const now = new Map(after.map((column) => [column.name.toLowerCase(), column]));
  return before.flatMap((old) => {
    const column = now.get(old.name.toLowerCase());
    if (!column) return [];
    if (column.count < old.count) return [{ name: old.name, before: old.count, after: column.count }];
    return isOnlyDefault(connection, old, column) ? [{ name: old.name, before: old.count, after: 0 }] : [];
  });
}

function isOnlyDefault(connection: Connection, old: ColumnValues, now: ColumnValues): boolean {
  if (now.fallback === null || now.only === undefined || old.count === 0 || old.only === now.only) return false;
  // Several values became a single one, or one value became another. A new type also explains the latter.
  if (old.only === undefined) return true;
  return old.type === now.type && defaultOf(connection, now.fallback) === now.only.slice(now.only.indexOf(' ') + 1);
}

/** Returns the default as text, because the type may differ by the column's affinity. */
function defaultOf(connection: Connection, fallback: string): string | undefined {
  try {
    return connection.prepare<{ v: string }>(`SELECT CAST(substr((${fallback}), 1, 100) AS TEXT) AS v`).get()?.v;
  } catch {
    // DEFAULT "text" is a string in a table definition, but here it is an unknown column.
    return /^".*"$/s.test(fallback) ? fallback.slice(1, -1).replaceAll('""', '"') : undefined;
  }
}
