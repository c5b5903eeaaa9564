import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Adapter } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { parseCopyName } from '../file/copy-name.ts';
import { hasCode } from '../file/fs.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { Claim } from './claim.ts';

/** A temporary name and what SQLite keeps beside it; its maker was once known by its number. */
const PART = /^(?<base>(?<name>.+)\.(?:\d{1,7}|[0-9a-f]{8})\.partial)(?:-journal|-wal|-shm|-lock)?$/;

/** A file in the making of which something is in a folder. */
export interface Unfinished {
  /** The name that it was to get. */
  readonly name: string;
  /** The temporary name, absolute. */
  readonly path: string;
  /** What there is of it, absolute. */
  readonly parts: readonly string[];
}

/**
 * The names in a folder; none if there is no folder.
 *
 * @throws BackupError `FOLDER_UNREADABLE`
 */
export function namesIn(folder: string): string[] {
  return entriesIn(folder).map(({ name }) => name);
}

/** As {@link namesIn}, with what each name is. */
export function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return [];
    throw new BackupError('FOLDER_UNREADABLE', `The folder ${folder} cannot be read. Nothing was changed.`, {
      hint: `Check that ${folder} is a folder, its owner and permissions, and its disk.`,
      cause,
    });
  }
}

/** The files in the making in a folder whose names are meant, be their makers alive or not. */
export function unfinishedIn(folder: string, isMeant: (name: string) => boolean): Unfinished[] {
  const found = new Map<string, { name: string; path: string; parts: string[] }>();
  for (const part of namesIn(folder)) {
    const { base, name } = PART.exec(part)?.groups ?? {};
    if (!base || !name || !isMeant(name)) continue;
    const one = found.get(base) ?? { name, path: join(folder, base), parts: [] };
    one.parts.push(join(folder, part));
    found.set(base, one);
  }
  return [...found.values()];
}

/** True if the maker of a file is alive, or if that cannot be found out. */
function isBeingMade(adapter: Adapter, { path }: Unfinished): boolean {
  using claim = Claim.takeOver(adapter, path);
  return claim === undefined;
}

/** True while someone makes a file that is to get this path, in whichever process; false if the folder cannot be read. */
export function isInTheMaking(adapter: Adapter, to: string): boolean {
  return readable(dirname(to), (name) => name === basename(to)).some((one) => isBeingMade(adapter, one));
}

/**
 * Those of a folder whose makers are gone, as paths, without the files of locks.
 *
 * @throws BackupError `FOLDER_UNREADABLE`
 */
export function leftoversIn(adapter: Adapter, folder: string, isMeant: (name: string) => boolean): string[] {
  return unfinishedIn(folder, isMeant)
    .filter((one) => !isBeingMade(adapter, one))
    .flatMap(contentOf);
}

/**
 * Removes what killed processes left in a folder. What cannot be read or removed stays for the next time.
 *
 * @returns The removed files and folders, without the files of locks.
 */
export async function sweep(adapter: Adapter, folder: string, isMeant: (name: string) => boolean): Promise<string[]> {
  const removed: string[] = [];
  const remove = async (one: Unfinished) => {
    using claim = Claim.takeOver(adapter, one.path);
    // Removing a large file takes as long as flushing it, so it is not done in this thread.
    for (const part of claim ? contentOf(one) : []) {
      await fsPromises().rm(part, { recursive: true, force: true });
      removed.push(part);
    }
    claim?.release();
  };
  // What cannot be removed is another user's.
  for (const one of readable(folder, isMeant)) await remove(one).catch(() => {});
  return removed;
}

/** As {@link sweep}, in this thread. */
export function sweepSync(adapter: Adapter, folder: string, isMeant: (name: string) => boolean): void {
  for (const one of readable(folder, isMeant)) sweepOne(adapter, one);
}

function sweepOne(adapter: Adapter, one: Unfinished): void {
  using claim = Claim.takeOver(adapter, one.path);
  if (!claim) return;
  try {
    for (const part of contentOf(one)) rmSync(part, { recursive: true, force: true });
    claim.release();
  } catch {
    // It is another user's.
  }
}

function readable(folder: string, isMeant: (name: string) => boolean): Unfinished[] {
  try {
    return unfinishedIn(folder, isMeant);
  } catch (error) {
    if (error instanceof BackupError) return [];
    throw error;
  }
}

function contentOf({ parts, path }: Unfinished): string[] {
  return parts.filter((part) => part !== `${path}-lock`);
}

/** True for the names of copies, whichever database they are of. */
export const isCopyName = (name: string): boolean => parseCopyName(name) !== undefined;
