/** Drizzle's own table; its `id` is always NULL, so the rowid is the order. */
export const LEDGER = '__drizzle_migrations';

/**
 * What the ledger has no room for: when an entry was applied, what its SQL was without comments, and repairs. It is
 * ours, apart from Drizzle's table, which nothing but migrations is written to.
 */
export const LOG = '__dork_migrations_log';

/** What a schema holds, but for the ledger, its log, and the tables that Litestream keeps in the files it copies. */
export const OBJECTS = `sqlite_schema WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*'
  AND name NOT GLOB '_litestream_*' AND name NOT IN ('${LEDGER}', '${LOG}')`;
