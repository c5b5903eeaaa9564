import { bunSqlite } from './adapters/bun-sqlite.ts';
import { createDbWith } from './create-db.ts';
import { migrationStatusWith } from './migrate-db.ts';

export * from './public.ts';
export const createDb = createDbWith(bunSqlite);
export const migrationStatus = migrationStatusWith(bunSqlite);
