import type { CreateDb } from '../dork/db.ts';
import type { ListBackups } from '../engine/backup/list.ts';
import type { PruneBackups } from '../engine/backup/prune.ts';
import type { Recover } from '../engine/backup/recover.ts';
import type { Restore } from '../engine/backup/restore.ts';
import type { VerifyBackup } from '../engine/backup/verify.ts';
import type { ImportExport } from '../engine/export/import-export.ts';
import type { Compact } from '../engine/maintenance/compact.ts';
import type { GetMigrationStatus, RehearseMigrations, RunMigrations } from '../engine/migrate-db.ts';

/** What a command needs of the runtime it runs on: the functions that are bound to a driver. */
export interface Api {
  readonly compact: Compact;
  readonly createDb: CreateDb;
  readonly importExport: ImportExport;
  readonly listBackups: ListBackups;
  readonly migrationStatus: GetMigrationStatus;
  readonly pruneBackups: PruneBackups;
  readonly recover: Recover;
  readonly rehearseMigrations: RehearseMigrations;
  readonly restore: Restore;
  readonly runMigrations: RunMigrations;
  readonly verifyBackup: VerifyBackup;
}

/** The API for this runtime: bun:sqlite in Bun, better-sqlite3 elsewhere. */
export async function loadApi(): Promise<Api> {
  return process.versions.bun ? await import('../index.ts') : await import('../node.ts');
}

/** What every command takes. */
export interface CommonOptions {
  /** The database file. */
  readonly db?: string;
  /** One JSON document on stdout instead of text. */
  readonly json?: boolean;
}
