import type { Connection } from '../connection/connection.ts';
import { hostOf } from '../host.ts';

/** Drizzle's own table; its `id` is always NULL, so the rowid is the order. */
export const LEDGER = '__drizzle_migrations';

/**
 * Returns the name of the table for what the ledger has no room for: when an entry was applied, its SQL without
 * comments, and repairs. It is separate from Drizzle's table, which holds migrations alone.
 *
 * @throws TypeError for a connection that was opened for no host.
 */
export function logOf(connection: Connection): string {
  return `__${hostOf(connection).name.replaceAll('-', '_')}_migrations_log`;
}

/** True of a `name` that is not SQLite's own, not a table of {@link LEDGER} or {@link logOf}, and not one of Litestream. */
export const IS_OF_SCHEMA = `name NOT GLOB 'sqlite_*' AND name NOT GLOB '_litestream_*' AND name <> '${LEDGER}' AND name NOT GLOB '__[a-z]*_migrations_log'`;

/** What a schema holds. */
export const OBJECTS = `sqlite_schema WHERE sql IS NOT NULL AND ${IS_OF_SCHEMA}`;
