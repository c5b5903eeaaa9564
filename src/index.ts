import { bunSqlite } from './adapters/bun-sqlite.ts';
import { createDbWith } from './create-db.ts';
import { compactWith } from './housekeeping/compact.ts';
import { migrationStatusWith, rehearseMigrationsWith, runMigrationsWith } from './migrate-db.ts';

export * from './public.ts';
export const compact = compactWith(bunSqlite);
export const createDb = createDbWith(bunSqlite);
export const migrationStatus = migrationStatusWith(bunSqlite);
export const rehearseMigrations = rehearseMigrationsWith(bunSqlite);
export const runMigrations = runMigrationsWith(bunSqlite);
