import { dirname } from 'node:path';
import type { DatabaseOpenError } from '../errors.ts';
import { isForeignError } from '../file/foreign.ts';
import { isThere } from '../file/fs.ts';
import { MEMORY } from '../file/path.ts';
import type { MigrationStatus } from '../migrations/status.ts';
import type { Call } from './command.ts';

/** Returns true if the folder of the default path is missing: it is created with the file. Any other must exist. */
export function isFolderToCome({ filename, givenPath }: Pick<Call, 'filename' | 'givenPath'>): boolean {
  return givenPath === undefined && !isThere(dirname(filename));
}

/**
 * Returns the state of the file of a call; a missing one has every migration pending. Writes nothing.
 *
 * @throws DatabaseOpenError as `migrationStatus()` does, e.g. if the folder of a given path is missing.
 */
export function fileStatus(call: Pick<Call, 'kit' | 'filename' | 'givenPath'>): MigrationStatus {
  const { kit, filename } = call;
  return { ...kit.migrationStatus(isFolderToCome(call) ? MEMORY : filename), filename };
}

/** Returns the error that refuses the file of a call as a database of another program; undefined for any other file. */
export function otherProgram({ kit, filename }: Pick<Call, 'kit' | 'filename'>): DatabaseOpenError | undefined {
  if (!isThere(filename)) return undefined;
  try {
    kit.migrationStatus(filename);
    return undefined;
  } catch (error) {
    return isForeignError(error) ? error : undefined;
  }
}

/** @throws DatabaseOpenError if the file of a call is a database of another program. */
export function refuseOtherProgram(call: Pick<Call, 'kit' | 'filename'>): void {
  const error = otherProgram(call);
  if (error) throw error;
}
