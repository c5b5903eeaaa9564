import { dirname } from 'node:path';
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
