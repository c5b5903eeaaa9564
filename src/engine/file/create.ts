import { closeSync, constants, mkdirSync, openSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { withoutSqlite } from '../driver/process-files.ts';
import { checkOwner } from '../hints.ts';
import { attempt, FILE_MODE, FOLDER_MODE } from './file.ts';
import { fsyncPath } from './flush.ts';
import { hasCode } from './fs.ts';
import { giveTo, type Owner } from './owner.ts';

/** Creates an empty file with mode 0600, whatever the umask, because SQLite would create it with mode 0644. */
export function createPrivateFile(filename: string): void {
  attempt(
    () => {
      try {
        const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
        withoutSqlite(() => closeSync(openSync(filename, flags, FILE_MODE)));
        giveTo(statSync(dirname(filename)), filename);
      } catch (error) {
        // An existing file is not opened: closing it would release the locks of this process on it.
        if (!hasCode(error, 'EEXIST')) throw error;
      }
    },
    'CANNOT_CREATE',
    `${filename} cannot be created.`,
    checkOwner('its folder, and the free space'),
  );
}

/**
 * Creates a folder that only its owner can enter. An existing one is unchanged.
 *
 * @param otherwise An alternative for the hint if it cannot be created.
 * @returns True if it was created.
 */
export function createPrivateFolder(folder: string, otherwise = ''): boolean {
  const created = attempt(
    () => mkdirSync(folder, { recursive: true, mode: FOLDER_MODE }),
    'CANNOT_CREATE',
    `The folder ${folder} cannot be created.`,
    checkOwner(`its parent folder${otherwise}`),
  );
  if (created === undefined) return false;
  // A folder of root inside a user's folder would lock that user out.
  giveTo(statSync(dirname(created)), created);
  // From the innermost to the outermost new name.
  for (let at = folder; at.length >= created.length; at = dirname(at)) fsyncPath(dirname(at));
  return true;
}

/** Removes a folder that was created for nothing. One with files in it stays. */
export function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not empty, or another user's.
  }
}

/**
 * Creates a folder in an existing one and flushes its name. Otherwise a power failure could remove the folder with the
 * flushed files in it.
 */
export function makeFolder(folder: string, owner: Owner): void {
  mkdirSync(folder, { mode: FOLDER_MODE });
  try {
    giveTo(owner, folder);
  } catch (error) {
    rmdirSync(folder);
    throw error;
  }
  fsyncPath(dirname(folder));
}
