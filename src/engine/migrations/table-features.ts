import type { Connection } from '../connection/connection.ts';

/** Something that a table is or has, and that a rebuild written by drizzle-kit may leave out. */
export interface TableFeature {
  /** The table's name. */
  readonly table: string;
  /** In words, e.g. `STRICT` or `the generated column words`. */
  readonly feature: string;
  /** The name by which a migration declares that it takes the feature away, e.g. `notes STRICT` or `notes.words`. */
  readonly name: string;
}

/** Returns the features of all tables. https://sqlite.org/pragma.html#pragma_table_list */
export function tableFeatures(connection: Connection): TableFeature[] {
  const options = connection
    .prepare<{ table: string; feature: string }>(
      `SELECT name AS "table", 'STRICT' AS feature FROM pragma_table_list WHERE schema = 'main' AND strict
       UNION ALL
       SELECT name, 'WITHOUT ROWID' FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr`,
    )
    .all();
  const generated = connection
    .prepare<{ table: string; column: string }>(
      `SELECT t.name AS "table", c.name AS "column" FROM pragma_table_list t, pragma_table_xinfo(t.name, 'main') c
       WHERE t.schema = 'main' AND t.type = 'table' AND c.hidden IN (2, 3)`,
    )
    .all();
  return [
    ...options.map(({ table, feature }) => ({ table, feature, name: `${table} ${feature}` })),
    ...generated.map(({ table, column }) => ({
      table,
      feature: `the generated column ${column}`,
      name: `${table}.${column}`,
    })),
  ];
}

/**
 * Returns the features that tables had and their rebuilt forms lack.
 *
 * @param rebuilt The rebuilt tables by their name before, with their current name.
 */
export function lostFeatures(
  before: readonly TableFeature[],
  after: readonly TableFeature[],
  rebuilt: readonly (readonly [before: string, after: string])[],
): TableFeature[] {
  if (before.length === 0) return [];
  const names = new Map(rebuilt);
  const has = new Set(after.map(({ table, feature }) => `${table}\0${feature}`));
  return before.filter(({ table, feature }) => {
    const now = names.get(table);
    return now !== undefined && !has.has(`${now}\0${feature}`);
  });
}
