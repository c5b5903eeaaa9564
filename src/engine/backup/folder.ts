import { dirname } from 'node:path';
import { BackupError, type ExportError, type RestoreError } from '../errors.ts';
import { makeFolder } from '../file/create.ts';
import { folderProblem, statAt } from '../file/file.ts';
import { ownerOf } from '../file/owner.ts';
import { checkOwner } from '../hints.ts';

/**
 * Creates a folder for backups if it does not exist. Only its last part is created: if more of the path is missing, a
 * disk is probably not mounted.
 *
 * @param filename The database; its owner gets a folder that was created by root.
 * @param undone What was not done if there is an error.
 * @returns The folder if it was created; undefined if it existed.
 * @throws BackupError `FOLDER_MISSING`, `FOLDER_UNREADABLE`, or an error of another class with one of these codes.
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
  if (found) throw missing(`${folder} is not a folder.`, 'Pass the path of a folder.');
  requireFolder(dirname(folder), Kind, undone);
  try {
    makeFolder(folder, ownerOf(filename));
  } catch (cause) {
    if (statAt(folder)?.isDirectory()) return undefined;
    throw missing(`The folder ${folder} cannot be created.`, checkOwner('its parent folder'), cause);
  }
  return folder;
}

/**
 * Throws if the folder of a given file does not exist.
 *
 * @throws BackupError `FOLDER_MISSING`, `FOLDER_UNREADABLE`, or an error of another class with one of these codes.
 */
export function requireFolder(
  folder: string,
  Kind: typeof BackupError | typeof RestoreError | typeof ExportError,
  undone: string,
): void {
  const found = folderProblem(folder);
  if (found) throw new Kind(found.code, `${found.problem} ${undone}`, { hint: found.hint, cause: found.cause });
}
