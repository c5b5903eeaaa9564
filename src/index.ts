import { type CreateDb, dork } from './dork/db.ts';
import { moveReleaseAsideWith } from './dork/legacy/aside.ts';
import { listBackupsWith } from './engine/backup/list.ts';
import { pruneBackupsWith } from './engine/backup/prune.ts';
import { recoverWith } from './engine/backup/recover.ts';
import { restoreWith } from './engine/backup/restore.ts';
import { verifyBackupWith } from './engine/backup/verify.ts';
import { createDbWith } from './engine/create-db.ts';
import { type DefineDb, defineDbFor } from './engine/define-db.ts';
import { kitWith } from './engine/definition.ts';
import { onBun } from './engine/driver/on-bun.ts';
import { importExportWith } from './engine/export/import-export.ts';
import { compactWith } from './engine/maintenance/compact.ts';
import { migrationStatusWith, rehearseMigrationsWith, runMigrationsWith } from './engine/migrate-db.ts';

export * from './public.ts';

const kit = kitWith(onBun, dork);

/** Gives the free pages of a closed file back to the disk, as `Compact` says. */
export const compact = compactWith(kit);
/** Opens dork.db, migrates it and wraps it in Drizzle, as `CreateDb` says. */
export const createDb: CreateDb = createDbWith(kit);
/** Describes a database of your own Drizzle schema, as `DefineDb` says. */
export const defineDb: DefineDb = defineDbFor(onBun);
/** Makes a new database from an export, as `ImportExport` says. */
export const importExport = importExportWith(kit);
/** The backups in a folder, newest first, as `ListBackups` says. */
export const listBackups = listBackupsWith(kit);
/** What a file has of the history, as `GetMigrationStatus` says; writes nothing. */
export const migrationStatus = migrationStatusWith(kit);
/** Moves the dork.db of a DorkOS release aside, as `MoveReleaseAside` says. */
export const moveReleaseAside = moveReleaseAsideWith(kit);
/** Deletes old backups by a policy, as `PruneBackups` says. */
export const pruneBackups = pruneBackupsWith(kit);
/** Saves what can be read of a damaged file into a new one, as `Recover` says. */
export const recover = recoverWith(kit);
/** Tries the migrations that a file lacks on a private copy, as `RehearseMigrations` says. */
export const rehearseMigrations = rehearseMigrationsWith(kit);
/** Puts a backup in the place of the database, as `Restore` says. */
export const restore = restoreWith(kit);
/** Brings a file to the end of the history, as `RunMigrations` says. */
export const runMigrations = runMigrationsWith(kit);
/** Reads a backup as a whole, as `VerifyBackup` says. */
export const verifyBackup = verifyBackupWith(kit);
