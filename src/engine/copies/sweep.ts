import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Adapter } from '../driver/adapter.ts';
import { BackupError } from '../errors.ts';
import { parseCopyName } from '../file/copy-name.ts';
import { hasCode, isSameFile } from '../file/fs.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { checkOwner } from '../hints.ts';
import { Claim } from './claim.ts';

/** Matches a temporary name with the suffixes of SQLite and of locks. Earlier versions used the process id. */
const PART = /^(?<base>(?<name>.+)\.(?:\d{1,7}|[0-9a-f]{8})\.partial)(?:-journal|-wal|-shm|-lock)?$/;

/** An unfinished file. */
export interface Unfinished {
  /** Its final name. */
  readonly name: string;
  /** Its final path, absolute. */
  readonly to: string;
  /** Its temporary path, absolute. */
  readonly path: string;
  /** The existing parts, as absolute paths. */
  readonly parts: readonly string[];
}

/** Decides by the final name and by the existing parts. */
type IsMeant = (name: string, one: Unfinished) => boolean;

/**
 * Returns the names in a folder; empty if the folder does not exist.
 *
 * @throws BackupError `FOLDER_UNREADABLE`
 */
export function namesIn(folder: string): string[] {
  return entriesIn(folder).map(({ name }) => name);
}

/** Like {@link namesIn}, with the type of each entry. */
export function entriesIn(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return [];
    throw new BackupError('FOLDER_UNREADABLE', `The folder ${folder} cannot be read. Nothing was changed.`, {
      hint: checkOwner(`${folder}, and its disk`),
      cause,
    });
  }
}

/** Returns the unfinished files in a folder that are meant, whether or not their processes are alive. */
export function unfinishedIn(folder: string, isMeant: IsMeant): Unfinished[] {
  const found = new Map<string, Unfinished & { parts: string[] }>();
  for (const part of namesIn(folder)) {
    const { base, name } = PART.exec(part)?.groups ?? {};
    if (!base || !name) continue;
    const one = found.get(base) ?? { name, to: join(folder, name), path: join(folder, base), parts: [] };
    one.parts.push(join(folder, part));
    found.set(base, one);
  }
  return [...found.values()].filter((one) => isMeant(one.name, one));
}

/** Returns true if the process that creates the file is alive, or if this is unknown. */
function isBeingMade(adapter: Adapter, { path }: Unfinished): boolean {
  using claim = Claim.takeOver(adapter, path);
  return claim === undefined;
}

/** Returns true while any process is creating a file for this path; false if the folder is unreadable. */
export function isInTheMaking(adapter: Adapter, to: string): boolean {
  return readable(dirname(to), (name) => name === basename(to)).some((one) => isBeingMade(adapter, one));
}

/**
 * Returns the paths of unfinished files whose processes are gone, without lock files.
 *
 * @throws BackupError `FOLDER_UNREADABLE`
 */
export function leftoversIn(adapter: Adapter, folder: string, isMeant: (name: string) => boolean): string[] {
  return unfinishedIn(folder, isMeantOrPublished(isMeant))
    .filter((one) => !isBeingMade(adapter, one))
    .flatMap(contentOf);
}

/**
 * Removes the leftovers of killed processes from a folder: unfinished files whose final names match, and what is left of
 * finished ones. Failures are ignored until the next call.
 *
 * @returns The removed files and folders, without lock files.
 */
export async function sweep(adapter: Adapter, folder: string, isMeant: (name: string) => boolean): Promise<string[]> {
  const removed: string[] = [];
  const remove = async (one: Unfinished) => {
    using claim = Claim.takeOver(adapter, one.path);
    // Removing a large file takes as long as flushing it, so it is done asynchronously.
    for (const part of claim ? contentOf(one) : []) {
      await fsPromises().rm(part, { recursive: true, force: true });
      removed.push(part);
    }
    claim?.release();
  };
  // Files of other users cannot be removed.
  for (const one of readable(folder, isMeantOrPublished(isMeant))) await remove(one).catch(() => {});
  return removed;
}

/** Like {@link sweep}, but synchronous. */
export function sweepSync(adapter: Adapter, folder: string, isMeant: (name: string) => boolean): void {
  for (const one of readable(folder, isMeantOrPublished(isMeant))) sweepOne(adapter, one);
}

function sweepOne(adapter: Adapter, one: Unfinished): void {
  using claim = Claim.takeOver(adapter, one.path);
  if (!claim) return;
  try {
    for (const part of contentOf(one)) rmSync(part, { recursive: true, force: true });
    claim.release();
  } catch {
    // The files belong to another user.
  }
}

/** Nobody looks for the final name of a published file again. */
function isMeantOrPublished(isMeant: (name: string) => boolean): IsMeant {
  return (name, one) => isMeant(name) || isPublished(one);
}

/** Returns true if its process was killed after the file got its final name. */
function isPublished(one: Unfinished): boolean {
  try {
    return contentOf(one).every((part) => isSameFile(part, one.to));
  } catch {
    return false;
  }
}

function readable(folder: string, isMeant: IsMeant): Unfinished[] {
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

/** Returns true for the name of a copy of any database. */
export const isCopyName = (name: string): boolean => parseCopyName(name) !== undefined;
