/** Drizzle's own table; its `id` is always NULL, so the rowid is the order. */
export const LEDGER = '__drizzle_migrations';

/**
 * What the ledger has no room for: when an entry was applied, what its SQL was without comments, and repairs. It is
 * ours, apart from Drizzle's table, which nothing but migrations is written to.
 */
export const LOG = '__dork_migrations_log';

/** True of a `name` that is not SQLite's own, not one of the two above, and none that Litestream keeps in the files it copies. */
export const IS_OF_SCHEMA = `name NOT GLOB 'sqlite_*' AND name NOT GLOB '_litestream_*' AND name NOT IN ('${LEDGER}', '${LOG}')`;

/** What a schema holds. */
export const OBJECTS = `sqlite_schema WHERE sql IS NOT NULL AND ${IS_OF_SCHEMA}`;
