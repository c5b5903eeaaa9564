import type { Connection } from './connection/connection.ts';
import type { Schema } from './connection/db.ts';
import type { Adapter, ChooseDriver } from './driver/adapter.ts';
import { InvalidInputError } from './errors.ts';
import type { OpenOptions } from './file/open.ts';
import { databasePath } from './file/path.ts';
import type { Check } from './health/check.ts';
import type { HealthCheckName } from './health/report.ts';
import type { Host } from './host.ts';
import { isOurs } from './migrations/bring-up.ts';
import type { History } from './migrations/history.ts';

/** Describes one kind of database: its tables, its migrations and what its host calls things. */
export interface Definition<TSchema extends Schema = Schema> extends Host {
  /** The Drizzle tables, and relations if there are any. */
  readonly schema: TSchema;
  readonly history: History;
  /** `PRAGMA application_id` of its files. Default: the one of the history; 0 if that has none. */
  readonly applicationId: number;
  /** Returns the path that is used when none is given. */
  readonly defaultPath?: () => string;
  /** Creates the folder of the default path, unless it exists. */
  readonly createDefaultFolder?: () => void;
  /** Says more of a database of another program, if it is known. Default: it is not. */
  readonly foreign?: OpenOptions['foreign'];
  /** Checks that `health()` runs after its own. */
  readonly healthChecks?: readonly HealthCheck[];
  /** Statements that compute what is derived from other tables again, e.g. counters; run by `recover()` in its new file. */
  readonly afterRecover?: readonly string[];
}

/** A check of `health()` with the name that its findings have. */
export type HealthCheck = readonly [name: HealthCheckName, check: Check];

/** What every function that opens a file needs: a driver, and what kind of database the file should be. */
export interface Kit<TSchema extends Schema = Schema> {
  /** That of the runtime's own choice, which is made when it is first asked for. */
  readonly adapter: Adapter;
  readonly definition: Definition<TSchema>;
  /** Default: there is only {@link adapter}. */
  readonly choose?: ChooseDriver;
}

/** Returns the kit of a runtime's drivers. */
export function kitWith<TSchema extends Schema>(choose: ChooseDriver, definition: Definition<TSchema>): Kit<TSchema> {
  return {
    definition,
    choose,
    get adapter() {
      return choose();
    },
  };
}

const definitions = new WeakMap<Connection, Definition>();

/** Keeps the definition of a connection's database for the functions that are called with that connection. */
export function setDefinition(connection: Connection, definition: Definition): void {
  definitions.set(connection, definition);
}

/**
 * Returns the definition of a connection's database.
 *
 * @throws TypeError if the connection was not opened by `createDb()`.
 */
export function definitionOf(connection: Connection): Definition {
  const definition = definitions.get(connection);
  if (!definition) throw new TypeError(`${connection.filename} was not opened by createDb().`);
  return definition;
}

/** Returns the kit of a connection that `createDb()` opened, for other files of the same kind. */
export function kitOf(connection: Connection): Kit {
  return { adapter: connection.adapter, definition: definitionOf(connection) };
}

/**
 * Returns the absolute path of the file that a function is for: the given one, else the definition's.
 *
 * @throws InvalidInputError if there is neither, and for a path that the drivers would take for another one.
 */
export function givenOrDefault(definition: Definition, path: unknown, option: string): string {
  if (path !== undefined) return databasePath(path, option);
  if (!definition.defaultPath) throw new InvalidInputError(option, 'is missing, and the definition has no defaultPath');
  return databasePath(definition.defaultPath());
}

/** Returns how files of a definition are opened, and told from others. */
export function openingOf(definition: Definition): Pick<OpenOptions, 'applicationId' | 'isOurs' | 'foreign' | 'host'> {
  const { applicationId, history, foreign } = definition;
  return { applicationId, isOurs: (connection) => isOurs(connection, history), foreign, host: definition };
}
