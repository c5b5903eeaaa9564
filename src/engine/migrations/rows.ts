import type { Connection } from '../connection/connection.ts';
import { MigrationError } from '../errors.ts';
import type { Migration } from './history.ts';
import type { Lineage } from './lineage.ts';
import { IS_OF_SCHEMA } from './names.ts';
import { allowedLosses } from './steps.ts';

/** Rows of each table. */
export type RowCounts = Readonly<Record<string, number>>;

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * The tables that hold data; not the shadow tables of virtual ones, whose rows come and go. https://sqlite.org/pragma.html#pragma_table_list
 */
export function dataTables(connection: Connection): string[] {
  return connection
    .prepare<{ name: string }>(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')
       AND ${IS_OF_SCHEMA} ORDER BY name`,
    )
    .all()
    .map(({ name }) => name);
}

/** Reads the smallest index of every table once. */
export function countRows(connection: Connection): RowCounts {
  const counts: [string, number][] = dataTables(connection).map((name) => [
    name,
    connection.prepare<{ n: number }>(`SELECT count(*) AS n FROM main.${quoted(name)}`).get()?.n ?? 0,
  ]);
  return Object.fromEntries(counts);
}

/**
 * Refuses what a migration takes away without saying so: rows of any table, and triggers and views that went with a
 * table which was rebuilt. Indexes go unsaid, since drizzle-kit drops one by not making it again.
 *
 * @throws MigrationError of kind `data_loss`
 */
export function refuseLoss(migration: Migration, before: RowCounts, after: RowCounts, lineage: Lineage): void {
  const { tag } = migration;
  const allowed = allowedLosses(migration);
  const has = new Map(Object.entries(after).map(([table, rows]) => [table.toLowerCase(), rows]));
  for (const [table, had] of Object.entries(before)) {
    const name = lineage.successorOf(table);
    const left = (name !== undefined && has.get(name.toLowerCase())) || 0;
    if (left >= had || allowed.has(table.toLowerCase()) || (name && allowed.has(name.toLowerCase()))) continue;
    throw new MigrationError(
      'data_loss',
      `${tag} would leave ${left} of the ${had} rows of ${table}, and does not say that it may. It was rolled back: no row is lost.`,
      {
        hint: `Correct the migration; if the loss is meant, say so in its SQL with the comment -- allow-loss: ${table}`,
      },
    );
  }
  for (const { type, name, table } of lineage.lostObjects()) {
    if (type === 'index' || allowed.has(name.toLowerCase())) continue;
    throw new MigrationError(
      'data_loss',
      `${tag} rebuilds ${table}, which would drop the ${type} ${name} without saying so. It was rolled back: nothing is lost.`,
      {
        hint: `Create ${name} again at the end of the migration; if it is to go, DROP it there by name. One that was added to this file by hand is to be dropped by hand first.`,
      },
    );
  }
}
