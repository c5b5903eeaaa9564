import type { Connection } from '../connection/connection.ts';
import { type KitTable, readSnapshot } from '../migrations/kit-snapshot.ts';
import { schemaObjects } from '../migrations/schema-state.ts';
import type { Problem } from './problem.ts';

/**
 * Compares the schema that the SQL files create with drizzle-kit's snapshot. If the SQL of an entry was edited to create
 * another table, every later entry would be generated from the wrong schema.
 */
export function problemsOfYield(replayed: Connection, folder: string, idx: number): Problem[] {
  const tables = readSnapshot(folder, idx)?.tables ?? {};
  const objects = schemaObjects(replayed);
  const problems: Problem[] = [];
  const differs = (what: string) =>
    problems.push({
      message: `The SQL files do not create the schema: ${what}.`,
      hint: 'Correct the edited SQL, so that the folder creates the Drizzle schema.',
    });
  for (const table of Object.values(tables)) {
    const object = objects.get(`table ${table.name}`);
    if (!object) {
      differs(`the table ${table.name} is missing`);
      continue;
    }
    for (const difference of columnDifferences(replayed, table)) differs(difference);
    for (const { name } of Object.values(table.indexes))
      if (!objects.has(`index ${name}`)) differs(`the index ${name} is missing`);
    for (const { name } of Object.values(table.checkConstraints))
      if (!object.sql.includes(`"${name}"`)) differs(`the CHECK ${name} of ${table.name} is missing`);
    for (const difference of foreignKeyDifferences(replayed, table)) differs(difference);
  }
  const ordinary = new Set(ordinaryTables(replayed));
  for (const { type, name } of objects.values())
    if (type === 'table' && ordinary.has(name) && !(name in tables)) differs(`the table ${name} is not in the schema`);
  return problems;
}

/** Returns the tables that Drizzle can describe: no virtual tables, e.g. of FTS5, and no shadow tables. */
function ordinaryTables(replayed: Connection): string[] {
  return replayed
    .prepare<{ name: string }>("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    .all()
    .map(({ name }) => name);
}

function columnDifferences(replayed: Connection, { name: table, columns }: KitTable): string[] {
  const form = (name: string, type: string, notNull: boolean) =>
    `${table}.${name} ${type.toLowerCase()}${notNull ? ' not null' : ''}`;
  const found = new Set(
    replayed
      .prepare<{ name: string; type: string; notnull: number }>(
        // Without the hidden columns of virtual tables, and with generated ones.
        'SELECT name, type, "notnull" FROM pragma_table_xinfo(?) WHERE hidden <> 1',
      )
      .all(table)
      .map(({ name, type, notnull }) => form(name, type, notnull === 1)),
  );
  const wanted = new Set(Object.values(columns).map(({ name, type, notNull }) => form(name, type, notNull)));
  return [
    ...[...wanted].filter((column) => !found.has(column)).map((column) => `${column} is missing`),
    ...[...found].filter((column) => !wanted.has(column)).map((column) => `${column} is not in the schema`),
  ];
}

function foreignKeyDifferences(replayed: Connection, { name: table, foreignKeys }: KitTable): string[] {
  const form = (to: string, onDelete: string) => `${table} to ${to} on delete ${onDelete.toLowerCase()}`;
  const found = replayed
    .prepare<{ table: string; on_delete: string }>(
      'SELECT DISTINCT id, "table", on_delete FROM pragma_foreign_key_list(?)',
    )
    .all(table)
    .map((key) => form(key.table, key.on_delete))
    .sort();
  const wanted = Object.values(foreignKeys)
    .map(({ tableTo, onDelete }) => form(tableTo, onDelete ?? 'no action'))
    .sort();
  if (found.join() === wanted.join()) return [];
  return [`the foreign keys of ${table} are ${found.join(', ') || 'none'}, not ${wanted.join(', ') || 'none'}`];
}
