import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Adapter } from '../core/adapter.ts';
import { type CopyKind, type CopyName, parseCopyName } from '../core/copy-name.ts';
import { BackupError } from '../core/errors.ts';
import { databasePath } from '../core/path.ts';
import type { Kit } from '../engine/definition.ts';
import type { History } from '../migrations/history.ts';
import { look } from './look.ts';

/** A backup, a snapshot from before a migration, or a recovered file, by its name and a look at it. */
export interface BackupEntry {
  /** The file, absolute. */
  readonly path: string;
  readonly kind: CopyKind;
  /** The database's name without its extension: `dork`. */
  readonly database: string;
  /** When it was made, as an instant. */
  readonly at: string;
  /** Milliseconds from then to now. */
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

/**
 * The backups in a folder, newest first; an empty list where there is no folder. Only names that this package gives are
 * listed, and none of a copy that was not finished.
 *
 * @throws InvalidInputError for a path that cannot be one.
 */
export type ListBackups = (dir: string) => BackupEntry[];

/** Returns `listBackups()` for a driver and a definition. */
export function listBackupsWith(kit: Kit): ListBackups {
  return (dir) =>
    backupsIn(databasePath(dir, 'dir'))
      .map((backup) => entryOf(kit.adapter, backup, kit.definition.history))
      .sort((a, b) => compare(b.at, a.at));
}

function entryOf(adapter: Adapter, { path, name }: NamedBackup, history: History): BackupEntry {
  const stat = statSync(path, { throwIfNoEntry: false });
  const at = instantOf(name, stat?.mtime);
  return {
    path,
    kind: name.kind,
    database: name.stem,
    at,
    ageMs: Math.max(0, Date.now() - Date.parse(at)),
    bytes: stat?.size ?? 0,
    ...(name.kind === 'backup' && name.tag && { label: name.tag }),
    ...examine(adapter, path, history),
  };
}

/** A file with a name that we gave. */
export interface NamedBackup {
  readonly path: string;
  readonly name: CopyName;
}

/** Every file with a name that we gave, newest first; they are not looked at. */
export function backupsIn(folder: string): NamedBackup[] {
  let names: string[] = [];
  try {
    names = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name);
  } catch {
    // No folder, no backups.
  }
  return names
    .flatMap((name) => {
      const parsed = parseCopyName(name);
      return parsed ? [{ path: join(folder, name), name: parsed }] : [];
    })
    .sort((a, b) => compare(instantOf(b.name), instantOf(a.name)) || compare(b.path, a.path));
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

function examine(
  adapter: Adapter,
  path: string,
  history: History,
): Pick<BackupEntry, 'migration' | 'verified' | 'problem'> {
  try {
    return { migration: look(adapter, path, history).migration, verified: true };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { verified: false, problem: error.message };
  }
}
