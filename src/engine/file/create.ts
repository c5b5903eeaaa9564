import { closeSync, constants, mkdirSync, openSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { attempt, FILE_MODE, FOLDER_MODE } from './file.ts';
import { fsyncPath } from './flush.ts';
import { hasCode } from './fs.ts';
import { giveTo, type Owner } from './owner.ts';

/** Creates the empty file with mode 0600, whatever the umask, before SQLite would create it with 0644. */
export function createPrivateFile(filename: string): void {
  attempt(
    () => {
      try {
        closeSync(openSync(filename, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, FILE_MODE));
        giveTo(statSync(dirname(filename)), filename);
      } catch (error) {
        // One that is there is not opened: closing it would drop the locks that this process may have on it.
        if (!hasCode(error, 'EEXIST')) throw error;
      }
    },
    'CANNOT_CREATE',
    `${filename} cannot be created.`,
    'Look at the owner, the mode and the free space of its folder.',
  );
}

/**
 * Creates a folder that only its owner may enter; one that is there stays as it is.
 *
 * @param otherwise What else could be done where it cannot be created.
 * @returns True where it was created.
 */
export function createPrivateFolder(folder: string, otherwise = ''): boolean {
  const created = attempt(
    () => mkdirSync(folder, { recursive: true, mode: FOLDER_MODE }),
    'CANNOT_CREATE',
    `The folder ${folder} cannot be created.`,
    `Look at the owner and the mode of the folder above it${otherwise}.`,
  );
  if (created === undefined) return false;
  // What root creates in a user's folder would lock that user out.
  giveTo(statSync(dirname(created)), created);
  // From the inside out: each name in its folder.
  for (let at = folder; at.length >= created.length; at = dirname(at)) fsyncPath(dirname(at));
  return true;
}

/**
 * Creates a folder in one that is there, and flushes its name: a loss of power would else take the folder together with
 * the files that were flushed in it.
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
