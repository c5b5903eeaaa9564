import { bunSqlite } from './adapters/bun-sqlite.ts';
import { createDbWith } from './create-db.ts';
import { migrationStatusWith, rehearseMigrationsWith } from './migrate-db.ts';

export * from './public.ts';
export const createDb = createDbWith(bunSqlite);
export const migrationStatus = migrationStatusWith(bunSqlite);
export const rehearseMigrations = rehearseMigrationsWith(bunSqlite);
