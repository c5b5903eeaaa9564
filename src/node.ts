import { betterSqlite3 } from './adapters/better-sqlite3.ts';
import { listBackupsWith } from './backup/list.ts';
import { pruneBackupsWith } from './backup/prune.ts';
import { restoreWith } from './backup/restore.ts';
import { verifyBackupWith } from './backup/verify.ts';
import { createDbWith } from './create-db.ts';
import { compactWith } from './housekeeping/compact.ts';
import { migrationStatusWith, rehearseMigrationsWith, runMigrationsWith } from './migrate-db.ts';

export * from './public.ts';
export const compact = compactWith(betterSqlite3);
export const createDb = createDbWith(betterSqlite3);
export const migrationStatus = migrationStatusWith(betterSqlite3);
export const rehearseMigrations = rehearseMigrationsWith(betterSqlite3);
export const runMigrations = runMigrationsWith(betterSqlite3);
export const listBackups = listBackupsWith(betterSqlite3);
export const pruneBackups = pruneBackupsWith(betterSqlite3);
export const restore = restoreWith(betterSqlite3);
export const verifyBackup = verifyBackupWith(betterSqlite3);
