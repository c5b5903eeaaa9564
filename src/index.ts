import { bunSqlite } from './adapters/bun-sqlite.ts';
import { listBackupsWith } from './backup/list.ts';
import { pruneBackupsWith } from './backup/prune.ts';
import { restoreWith } from './backup/restore.ts';
import { verifyBackupWith } from './backup/verify.ts';
import { createDbWith } from './create-db.ts';
import { compactWith } from './housekeeping/compact.ts';
import { migrationStatusWith, rehearseMigrationsWith, runMigrationsWith } from './migrate-db.ts';

export * from './public.ts';
export const compact = compactWith(bunSqlite);
export const createDb = createDbWith(bunSqlite);
export const migrationStatus = migrationStatusWith(bunSqlite);
export const rehearseMigrations = rehearseMigrationsWith(bunSqlite);
export const runMigrations = runMigrationsWith(bunSqlite);
export const listBackups = listBackupsWith(bunSqlite);
export const pruneBackups = pruneBackupsWith(bunSqlite);
export const restore = restoreWith(bunSqlite);
export const verifyBackup = verifyBackupWith(bunSqlite);
