import { dirname } from 'node:path';
import { BackupError, type ExportError, type RestoreError } from '../errors.ts';
import { makeFolder } from '../file/create.ts';
import { folderProblem, statAt } from '../file/file.ts';
import { ownerOf } from '../file/owner.ts';

/**
 * Makes sure that a folder for backups is there. Only its last part is created: where more of the path is missing, a
 * disk is probably not mounted.
 *
 * @param filename The database; a folder that root creates belongs to its owner.
 * @param undone What was not done where the folder cannot be had.
 * @returns The folder if it was created; undefined if it existed.
 * @throws BackupError `FOLDER_MISSING`, `FOLDER_UNREADABLE`, or an error of another kind with such a code.
 */
export function prepareFolder(
  folder: string,
  filename: string,
  Kind: typeof BackupError | typeof RestoreError = BackupError,
  undone = 'No backup was made.',
): string | undefined {
  const missing = (problem: string, hint: string, cause?: unknown) =>
    new Kind('FOLDER_MISSING', `${problem} ${undone}`, { hint, cause });
  const found = statAt(folder);
  if (found?.isDirectory()) return undefined;
  if (found) throw missing(`${folder} is not a folder.`, 'Give the path of a folder.');
  requireFolder(dirname(folder), Kind, undone);
  try {
    makeFolder(folder, ownerOf(filename));
  } catch (cause) {
    if (statAt(folder)?.isDirectory()) return undefined;
    throw missing(
      `The folder ${folder} cannot be created.`,
      'Look at the owner and the mode of the one above it.',
      cause,
    );
  }
  return folder;
}

/**
 * A folder that a caller named a file in must be there.
 *
 * @throws BackupError `FOLDER_MISSING`, `FOLDER_UNREADABLE`, or an error of another kind with such a code.
 */
export function requireFolder(
  folder: string,
  Kind: typeof BackupError | typeof RestoreError | typeof ExportError,
  undone: string,
): void {
  const found = folderProblem(folder);
  if (found) throw new Kind(found.code, `${found.problem} ${undone}`, { hint: found.hint, cause: found.cause });
}
