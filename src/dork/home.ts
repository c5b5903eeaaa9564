import { join, resolve } from 'node:path';
import { createPrivateFolder } from '../engine/file/file.ts';

/** The name of the file in a DorkOS home. */
const DB_NAME = 'dork.db';

/** The DorkOS home: `$DORK_HOME`, else `~/.dork`. node:os is loaded only here: it is a fiftieth of Bun's start. */
export function defaultHome(): string {
  if (process.env.DORK_HOME) return resolve(process.env.DORK_HOME);
  return join(process.getBuiltinModule('node:os').homedir(), '.dork');
}

/** Where `createDb()` keeps everything: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`. */
export function defaultDbPath(): string {
  return join(defaultHome(), DB_NAME);
}

/** Creates the folder of the default path, and no other; one that is there stays as it is. */
export function createHome(): void {
  createPrivateFolder(defaultHome(), ', or set DORK_HOME to another one');
}
