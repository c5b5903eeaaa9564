import { history } from '../../drizzle/history.ts';
import type { Database } from '../engine/connection/db.ts';
import type { CreateDbOptions } from '../engine/create-db.ts';
import type { Definition } from '../engine/definition.ts';
import { APPLICATION_ID } from './application-id.ts';
import { checkCounters } from './check-counters.ts';
import { createHome, defaultDbPath } from './home.ts';
import { checkLegacy } from './legacy/check.ts';
import { olderDorkos } from './legacy/recognise.ts';
import { RECOUNT } from './relay/recount.ts';
import * as schema from './schema.ts';

/** The definition of DorkOS's database. */
export const dork: Definition<typeof schema> = {
  name: 'dork',
  schema,
  history,
  applicationId: APPLICATION_ID,
  defaultPath: defaultDbPath,
  createDefaultFolder: createHome,
  command: 'dork-db',
  foreign: olderDorkos,
  healthChecks: [
    ['counters', (look) => checkCounters(look)],
    ['legacy', (look) => checkLegacy(look)],
  ],
  afterRecover: RECOUNT,
};

/** The Drizzle database that `createDb()` gives: one type on every runtime, and inside a transaction. */
export type Db = Database<typeof schema>;

/** The type of `createDb()`. */
export interface CreateDb {
  /**
   * Opens dork.db, brings it to the newest schema, and wraps it in Drizzle.
   *
   * Every acknowledged commit survives a crash of the process. A loss of power may take the commits since the last
   * checkpoint or close, never the file's consistency (`synchronous = NORMAL`); `checkpoint()` makes them durable.
   *
   * A new file is created with mode 0600 if its folder exists; the folder is created only for the default path.
   *
   * @param path Default: `$DORK_HOME/dork.db`, else `~/.dork/dork.db`. `:memory:` gives a database that ends with its
   * connection.
   * @throws InvalidInputError for a path that the drivers would take for another one (empty, with a NUL, `~`, `file:`), and
   * for an option that is not one of its values.
   * @throws DatabaseOpenError if the file at the path is not a readable database of DorkOS.
   * @throws MigrationError if the file and the history do not match; the file is unchanged.
   * @throws DatabaseBusyError if another process kept the lock.
   * @throws UnsupportedRuntimeError if this runtime cannot run the driver.
   */
  (path?: string, options?: CreateDbOptions): Db;
}
