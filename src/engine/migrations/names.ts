import type { Connection } from '../connection/connection.ts';
import { hostOf } from '../host.ts';

/** Drizzle's own table. Its `id` is always NULL, so the rowid gives the order. */
export const LEDGER = '__drizzle_migrations';

/**
 * Returns the name of the table for data that does not fit in the ledger: when an entry was applied, the hash of its
 * SQL without comments, and repairs. Drizzle's own table holds only migrations.
 *
 * @throws TypeError for a connection that was opened without a host.
 */
export function logOf(connection: Connection): string {
  return `__${hostOf(connection).name.replaceAll('-', '_')}_migrations_log`;
}

/** A condition that excludes the tables of SQLite, of Litestream, {@link LEDGER} and {@link logOf}. */
export const IS_OF_SCHEMA = `name NOT GLOB 'sqlite_*' AND name NOT GLOB '_litestream_*' AND name <> '${LEDGER}' AND name NOT GLOB '__[a-z]*_migrations_log'`;

/** The names that {@link IS_OF_SCHEMA} excludes. */
export const IS_NOT_OF_SCHEMA = /^(?:sqlite_|_litestream_|__drizzle_migrations$|__[a-z].*_migrations_log$)/s;

/** The objects of a schema. */
export const OBJECTS = `sqlite_schema WHERE sql IS NOT NULL AND ${IS_OF_SCHEMA}`;
