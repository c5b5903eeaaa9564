import { type SQL, sql } from 'drizzle-orm/sql';

/**
 * Returns a CHECK that a column holds one of the listed words (or NULL if the column allows it). The column's name is
 * not qualified: when drizzle-kit rebuilds a table, it renders a qualified name with the temporary table's name.
 */
export function oneOf(column: string, words: readonly string[]): SQL {
  return sql.raw(`${column} IN (${words.map((word) => `'${word}'`).join(', ')})`);
}

/** Returns a CHECK that a column holds valid JSON text (or NULL if the column allows it). */
export function isJson(column: string): SQL {
  return sql.raw(`json_valid(${column})`);
}
