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
import { onNode } from './engine/driver/on-node.ts';
import { importExportWith } from './engine/export/import-export.ts';
import { compactWith } from './engine/maintenance/compact.ts';
import { migrationStatusWith, rehearseMigrationsWith, runMigrationsWith } from './engine/migrate-db.ts';
import { writerWith } from './engine/writer/writer.ts';

export * from './public.ts';

const kit = /* @__PURE__ */ kitWith(onNode, dork);

/** Gives the free pages of a closed file back to the disk. See {@link Compact}. */
export const compact = /* @__PURE__ */ compactWith(kit);
/** Opens dork.db, migrates it and wraps it in Drizzle. See {@link CreateDb}. */
export const createDb: CreateDb = /* @__PURE__ */ createDbWith(kit);
/** Describes a database of your own Drizzle schema. See {@link DefineDb}. */
export const defineDb: DefineDb = /* @__PURE__ */ defineDbFor(onNode);
/** Creates a new database from an export. See {@link ImportExport}. */
export const importExport = /* @__PURE__ */ importExportWith(kit);
/** Lists the backups in a folder, newest first. See {@link ListBackups}. */
export const listBackups = /* @__PURE__ */ listBackupsWith(kit);
/** Returns which migrations of the history a file has; writes nothing. See {@link GetMigrationStatus}. */
export const migrationStatus = /* @__PURE__ */ migrationStatusWith(kit);
/** Moves the dork.db of a DorkOS release aside. See {@link MoveReleaseAside}. */
export const moveReleaseAside = /* @__PURE__ */ moveReleaseAsideWith(kit);
/** Deletes old backups by a policy. See {@link PruneBackups}. */
export const pruneBackups = /* @__PURE__ */ pruneBackupsWith(kit);
/** Saves the readable rows of a damaged file into a new file. See {@link Recover}. */
export const recover = /* @__PURE__ */ recoverWith(kit);
/** Tries the migrations that a file lacks on a private copy. See {@link RehearseMigrations}. */
export const rehearseMigrations = /* @__PURE__ */ rehearseMigrationsWith(kit);
/** Replaces the database by a backup. See {@link Restore}. */
export const restore = /* @__PURE__ */ restoreWith(kit);
/** Applies the migrations that a file lacks. See {@link RunMigrations}. */
export const runMigrations = /* @__PURE__ */ runMigrationsWith(kit);
/** Reads a whole backup and checks it. See {@link VerifyBackup}. */
export const verifyBackup = /* @__PURE__ */ verifyBackupWith(kit);
/** Reports or decides which of several machines may write the database. See {@link Writer}. */
export const writer = /* @__PURE__ */ writerWith(kit);
