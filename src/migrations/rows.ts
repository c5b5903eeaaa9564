import type { Connection } from '../core/connection.ts';
import { MigrationError } from '../core/errors.ts';
import { leadingWords } from '../core/sql-text.ts';
import { allowedLosses, type Migration, stepsOf } from './history.ts';
import { LEDGER, LOG } from './ledger.ts';

/** Rows of each table. */
export type RowCounts = Readonly<Record<string, number>>;

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The tables that hold data: not SQLite's own, not the ledger and its log. */
export function dataTables(connection: Connection): string[] {
  return connection
    .prepare<{ name: string }>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name",
    )
    .all()
    .map(({ name }) => name)
    .filter((name) => name !== LEDGER && name !== LOG);
}

export function countRows(connection: Connection): RowCounts {
  const counts: Record<string, number> = {};
  for (const name of dataTables(connection)) {
    counts[name] = connection.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${quoted(name)}`).get()?.n ?? 0;
  }
  return counts;
}

const NAME = /(?:"((?:[^"]|"")+)"|`((?:[^`]|``)+)`|\[([^\]]+)\]|([\w$\u0080-\uffff]+))/.source;
const RENAME = new RegExp(`^\\s*ALTER\\s+TABLE\\s+${NAME}\\s+RENAME\\s+TO\\s+${NAME}`, 'i');

/** Where a migration moves each table: the name it has afterwards, by the name it had before. */
function renames(migration: Migration, tables: readonly string[]): Map<string, string> {
  const now = new Map(tables.map((name) => [name, name]));
  for (const { sql } of stepsOf(migration)) {
    if (leadingWords(sql, 2).join(' ') !== 'ALTER TABLE') continue;
    const groups = RENAME.exec(sql.replace(/^(\s|--[^\n]*\n|\/\*[\s\S]*?\*\/)*/, ''))?.slice(1);
    if (!groups) continue;
    const from = groups.slice(0, 4).find((name) => name !== undefined) ?? '';
    const to = groups.slice(4).find((name) => name !== undefined) ?? '';
    for (const [before, after] of now) if (after === from) now.set(before, to);
  }
  return now;
}

/**
 * @throws MigrationError of kind `data_loss` where a table has fewer rows than before and the migration does not
 * declare it.
 */
export function refuseLoss(migration: Migration, before: RowCounts, after: RowCounts): void {
  const allowed = allowedLosses(migration);
  const names = renames(migration, Object.keys(before));
  for (const [table, had] of Object.entries(before)) {
    const name = names.get(table) ?? table;
    const has = Math.max(after[name] ?? 0, after[table] ?? 0);
    if (has >= had || allowed.has(table) || allowed.has(name)) continue;
    throw new MigrationError(
      'data_loss',
      `${migration.tag} would leave ${has} of the ${had} rows of ${table}, and does not say that it may. It was rolled back: no row is lost.`,
      {
        hint: `Correct the migration; if the loss is meant, say so in its SQL with the comment -- allow-loss: ${table}`,
      },
    );
  }
}
