import { join } from 'node:path';
import { InvalidInputError } from '../engine/errors.ts';
import { createPrivateFolder } from '../engine/file/create.ts';
import { databasePath, homeFolder, MEMORY } from '../engine/file/path.ts';

/** The name of the file in a DorkOS home. */
const DB_NAME = 'dork.db';

/**
 * Returns the DorkOS home: `$DORK_HOME`, in which a leading `~/` is the user's home folder, else `~/.dork`.
 *
 * @throws InvalidInputError if `DORK_HOME` is not a path, or if the user's home folder is unknown.
 */
export function defaultHome(): string {
  const given = process.env.DORK_HOME;
  if (!given) return join(homeFolder(), '.dork');
  const path = given === '~' || given.startsWith('~/') ? join(homeFolder(), given.slice(1)) : given;
  if (path === MEMORY) throw new InvalidInputError('DORK_HOME', `is ${MEMORY}, which is not a folder`);
  return databasePath(path, 'DORK_HOME');
}

/** Returns the default path of `createDb()`: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`. */
export function defaultDbPath(): string {
  return join(defaultHome(), DB_NAME);
}

/** Creates the folder of the default path, and no other; an existing one is not changed. */
export function createHome(): void {
  createPrivateFolder(defaultHome(), ', or set DORK_HOME to another one');
}
