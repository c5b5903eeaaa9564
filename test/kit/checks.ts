import type { Connection } from '../../src/engine/connection/connection.ts';
import type { SqliteValue } from '../../src/engine/driver/adapter.ts';
import { quoted } from '../../src/engine/migrations/rows.ts';

/** The texts of a table's CHECK constraints, without their parentheses. */
export function checksOf(createTable: string): string[] {
  const checks: string[] = [];
  const masked = createTable.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|--[^\n]*/g, (text) =>
    text.startsWith('--') ? ' '.repeat(text.length) : text.replace(/[()]/g, '_'),
  );
  for (const match of masked.matchAll(/\bCHECK\s*\(/gi)) {
    const from = match.index + match[0].length;
    let depth = 1;
    let to = from;
    while (depth > 0 && to < masked.length) {
      if (masked[to] === '(') depth++;
      if (masked[to] === ')') depth--;
      to++;
    }
    checks.push(createTable.slice(from, to - 1));
  }
  return checks;
}

/** The words and numbers that a CHECK compares with. */
export function literalsOf(check: string): SqliteValue[] {
  const texts = [...check.matchAll(/'((?:[^']|'')*)'/g)].map(([, text = '']) => text.replaceAll("''", "'"));
  const numbers = [...check.replace(/'(?:[^']|'')*'/g, '').matchAll(/(?<![\w.])-?\d+(\.\d+)?/g)].map(([number]) =>
    Number(number),
  );
  return [...texts, ...numbers];
}

/** True where a CHECK speaks of the column. */
export function mentions(check: string, column: string): boolean {
  const name = column.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`(?<![\\w'])${name}(?![\\w'])`, 'i').test(check.replace(/'(?:[^']|'')*'/g, "''"));
}

/** True where a row that has the value in the column passes; NULL passes, as in SQLite. */
export function passes(
  connection: Connection,
  table: string,
  column: string,
  check: string,
  value: SqliteValue,
): boolean {
  try {
    const row = connection
      .prepare<{ ok: unknown }>(`SELECT (${check}) AS ok FROM (SELECT ? AS ${quoted(column)}) AS ${quoted(table)}`)
      .get(value);
    return row?.ok === null || Number(row?.ok) !== 0;
  } catch {
    // It speaks of other columns too, or is no JSON: the insert itself will tell.
    return !/json/i.test(check);
  }
}
