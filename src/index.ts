import { bunSqlite } from './adapters/bun-sqlite.ts';
import { listBackupsWith } from './backup/list.ts';
import { pruneBackupsWith } from './backup/prune.ts';
import { recoverWith } from './backup/recover.ts';
import { restoreWith } from './backup/restore.ts';
import { verifyBackupWith } from './backup/verify.ts';
import { createDbWith } from './create-db.ts';
import { compactWith } from './housekeeping/compact.ts';
import { migrationStatusWith, rehearseMigrationsWith, runMigrationsWith } from './migrate-db.ts';

export * from './public.ts';

/** Gives the free pages of a closed file back to the disk, as `Compact` says. */
export const compact = compactWith(bunSqlite);
/** Opens dork.db, migrates it and wraps it in Drizzle, as `CreateDb` says. */
export const createDb = createDbWith(bunSqlite);
/** The backups in a folder, newest first, as `ListBackups` says. */
export const listBackups = listBackupsWith(bunSqlite);
/** What a file has of the history, as `GetMigrationStatus` says; writes nothing. */
export const migrationStatus = migrationStatusWith(bunSqlite);
/** Deletes old backups by a policy, as `PruneBackups` says. */
export const pruneBackups = pruneBackupsWith(bunSqlite);
/** Saves what can be read of a damaged file into a new one, as `Recover` says. */
export const recover = recoverWith(bunSqlite);
/** Tries the migrations that a file lacks on a private copy, as `RehearseMigrations` says. */
export const rehearseMigrations = rehearseMigrationsWith(bunSqlite);
/** Puts a backup in the place of the database, as `Restore` says. */
export const restore = restoreWith(bunSqlite);
/** Brings a file to the end of the history, as `RunMigrations` says. */
export const runMigrations = runMigrationsWith(bunSqlite);
/** Reads a backup as a whole, as `VerifyBackup` says. */
export const verifyBackup = verifyBackupWith(bunSqlite);
