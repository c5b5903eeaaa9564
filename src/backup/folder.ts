import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { BackupError } from '../core/errors.ts';
import { FOLDER_MODE } from '../core/file.ts';
import { giveTo, ownerOf } from './owner.ts';

/**
 * Makes sure that a folder for backups is there. Only its last part is created: where more of the path is missing, a
 * disk is probably not mounted.
 *
 * @param filename The database; a folder that root creates belongs to its owner.
 * @throws BackupError `FOLDER_MISSING`
 */
export function prepareFolder(folder: string, filename: string): void {
  const found = statAt(folder);
  if (found?.isDirectory()) return;
  if (found) throw missing(`${folder} is not a folder`, 'Give the path of a folder.');
  if (!statAt(dirname(folder))?.isDirectory()) {
    throw missing(
      `The folder ${dirname(folder)} does not exist (or its disk is not mounted)`,
      `Create it first: mkdir -m 700 -p '${folder}'`,
    );
  }
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
  } catch (cause) {
    if (statAt(folder)?.isDirectory()) return;
    throw missing(
      `The folder ${folder} cannot be created`,
      'Look at the owner and the mode of the one above it.',
      cause,
    );
  }
  giveTo(ownerOf(filename), folder);
}

function statAt(path: string) {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function missing(what: string, hint: string, cause?: unknown): BackupError {
  return new BackupError('FOLDER_MISSING', `${what}. No backup was made.`, { hint, cause });
}
