import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { entriesIn } from '../copies/sweep.ts';
import type { Kit } from '../definition.ts';
import { BackupError } from '../errors.ts';
import { type CopyKind, type CopyName, isAhead, isOf, newestFirst, parseCopyName } from '../file/copy-name.ts';
import { realFile } from '../file/file.ts';
import { isThere } from '../file/fs.ts';
import { databasePath } from '../file/path.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { look } from './look.ts';

/** A backup, a snapshot from before a migration, or a recovered file, by its name and a look at it. */
export interface BackupEntry {
  /** The file, absolute. */
  readonly path: string;
  readonly kind: CopyKind;
  /**
   * The database's name as its copies have it: `notes` for a `notes.db` next to the folder; in another folder, and for a
   * file that does not end in `.db`, with a hash, as `notes~1f0c88aa`.
   */
  readonly database: string;
  /** When it was made, as an instant. */
  readonly at: string;
  /** True if that is in the future: the clock was wrong when it was made, or is wrong now. Such entries come last. */
  readonly isAhead: boolean;
  /** Milliseconds from then to now; 0 if it is in the future. */
  readonly ageMs: number;
  readonly bytes: number;
  /** What was given as its label, in the form that file names have. */
  readonly label?: string;
  /** The newest migration that it has; absent where it cannot be read. */
  readonly migration?: string;
  /**
   * True where its header, size, tables and ledger are those of a backup. It has its name since it was read back whole;
   * whether every page still is what it was then, `verifyBackup()` finds out.
   */
  readonly verified: boolean;
  /** Why it is not. */
  readonly problem?: string;
}

/** Options of `listBackups()`. */
export interface ListBackupsOptions {
  /** The path of a database, for its backups alone. Default: those of every database in the folder. */
  readonly database?: string;
}

const OPTIONS: OptionNames<ListBackupsOptions> = { database: true };

/**
 * The backups in a folder, newest first; an empty list if there is no folder. Only names that this package gives are
 * listed, and none of a copy that was not finished.
 *
 * @throws BackupError `FOLDER_UNREADABLE`
 * @throws InvalidInputError for a path that cannot be one.
 */
export type ListBackups = (dir: string, options?: ListBackupsOptions) => BackupEntry[];

/** Returns `listBackups()` for a driver and a definition. */
export function listBackupsWith(kit: Kit): ListBackups {
  return (dir, options = {}) =>
    backupsIn(databasePath(dir, 'dir'), databaseOption(optionsArgument(options, OPTIONS)))
      .map((backup) => entryOf(kit, backup))
      .sort((a, b) => Number(a.isAhead) - Number(b.isAhead) || compare(b.at, a.at));
}

/** The real path of the database whose copies are meant; undefined for all. */
export function databaseOption({ database }: { readonly database?: string }): string | undefined {
  if (database === undefined) return undefined;
  const path = databasePath(database, 'options.database');
  return isThere(dirname(path)) ? realFile(path) : path;
}

function entryOf(kit: Kit, { path, name }: NamedBackup): BackupEntry {
  const stat = statSync(path, { throwIfNoEntry: false });
  const at = instantOf(name, stat?.mtime);
  return {
    path,
    kind: name.kind,
    database: name.database,
    at,
    isAhead: isAhead(name),
    ageMs: Math.max(0, Date.now() - Date.parse(at)),
    bytes: stat?.size ?? 0,
    ...(name.kind === 'backup' && name.tag && { label: name.tag }),
    ...examine(kit, path),
  };
}

/** A file with a name that we gave. */
export interface NamedBackup {
  readonly path: string;
  readonly name: CopyName;
}

/**
 * Every file with a name that we gave, newest first, and those that are dated in the future last; they are not looked at.
 *
 * @param database The real path of a database, for its copies alone.
 * @throws BackupError `FOLDER_UNREADABLE`
 */
export function backupsIn(folder: string, database?: string): NamedBackup[] {
  return entriesIn(folder)
    .flatMap((entry) => {
      const name = entry.isFile() ? parseCopyName(entry.name) : undefined;
      const isMeant = name && (database === undefined || isOf(name, folder, database));
      return isMeant ? [{ path: join(folder, entry.name), name }] : [];
    })
    .sort((a, b) => newestFirst(a.name, b.name) || compare(b.path, a.path));
}

/** When a backup was made. A daily one's name tells the day; its file when on that day. */
export function instantOf({ at, day }: CopyName, written?: Date): string {
  if (at) return at;
  const last = written?.toISOString();
  return last?.startsWith(day) ? last : `${day}T00:00:00.000Z`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function examine(kit: Kit, path: string): Pick<BackupEntry, 'migration' | 'verified' | 'problem'> {
  try {
    return { migration: look(kit, path).migration, verified: true };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { verified: false, problem: error.message };
  }
}
