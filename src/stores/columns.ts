import { type SQL, sql } from 'drizzle-orm/sql';

/**
 * A CHECK that a column holds one of the listed words (or NULL, where the column allows it). The column's name stands
 * bare: drizzle-kit renders a qualified one with the temporary table's name when it rebuilds a table.
 */
export function oneOf(column: string, words: readonly string[]): SQL {
  return sql.raw(`${column} IN (${words.map((word) => `'${word}'`).join(', ')})`);
}

/** A CHECK that a column holds valid JSON text (or NULL, where the column allows it). */
export function isJson(column: string): SQL {
  return sql.raw(`json_valid(${column})`);
}
