import { betterSqlite3 } from './adapters/better-sqlite3.ts';
import { createDbWith } from './create-db.ts';
import { migrationStatusWith, rehearseMigrationsWith } from './migrate-db.ts';

export * from './public.ts';
export const createDb = createDbWith(betterSqlite3);
export const migrationStatus = migrationStatusWith(betterSqlite3);
export const rehearseMigrations = rehearseMigrationsWith(betterSqlite3);
