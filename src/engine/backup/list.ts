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

/** A backup, a pre-migration snapshot, or a recovered file, described by its name and a quick check. */
export interface BackupEntry {
  /** The file, absolute. */
  readonly path: string;
  readonly kind: CopyKind;
  /**
   * The database's name as used in its copies: `notes` for a `notes.db` next to the folder. With a hash, e.g.
   * `notes~1f0c88aa`, if the database is in another folder or does not end in `.db`.
   */
  readonly database: string;
  /** When it was made, in ISO 8601. */
  readonly at: string;
  /** True if it is dated in the future, i.e. the clock was or is wrong. Such entries are last. */
  readonly isAhead: boolean;
  /** Its age in milliseconds; 0 if it is dated in the future. */
  readonly ageMs: number;
  readonly bytes: number;
  /** Its label, in the form used in file names. */
  readonly label?: string;
  /** Its newest migration; absent if it is unreadable. */
  readonly migration?: string;
  /**
   * True if its header, size, tables and ledger are those of a backup. The whole file was verified when it was created;
   * `verifyBackup()` checks whether its pages are still readable.
   */
  readonly verified: boolean;
  /** The reason if it is not verified. */
  readonly problem?: string;
}

/** Options for `listBackups()`. */
export interface ListBackupsOptions {
  /** The path of a database, to list only its backups. Default: those of every database in the folder. */
  readonly database?: string;
}

const OPTIONS: OptionNames<ListBackupsOptions> = { database: true };

/** The type of `listBackups()`. */
export interface ListBackups {
  /**
   * Returns the backups in a folder, newest first; an empty list if the folder does not exist. Only files named by this
   * package are listed, without unfinished copies.
   *
   * @throws BackupError `FOLDER_UNREADABLE`
   * @throws InvalidInputError for an invalid path.
   */
  (dir: string, options?: ListBackupsOptions): BackupEntry[];
}

/** Returns `listBackups()` for a driver and a definition. */
export function listBackupsWith(kit: Kit): ListBackups {
  return (dir, options = {}) =>
    backupsIn(databasePath(dir, 'dir'), databaseOption(optionsArgument(options, OPTIONS)))
      .map((backup) => entryOf(kit, backup))
      .sort((a, b) => Number(a.isAhead) - Number(b.isAhead) || compare(b.at, a.at));
}

/** Returns the real path of the option's database; undefined for all databases. */
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

/** A file with a name given by this package. */
export interface NamedBackup {
  readonly path: string;
  readonly name: CopyName;
}

/**
 * Returns every file with a name given by this package, newest first. Those dated in the future are last. The files are
 * not opened.
 *
 * @param database The real path of a database, to return only its copies.
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

/** Returns when a backup was made. The name of a daily one has only the day, so the time is that of the file. */
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
