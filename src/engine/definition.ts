import type { Connection } from './connection/connection.ts';
import type { Schema } from './connection/db.ts';
import type { Adapter, ChooseDriver } from './driver/adapter.ts';
import { InvalidInputError } from './errors.ts';
import type { Recognition } from './file/foreign.ts';
import { databasePath } from './file/path.ts';
import type { Check } from './health/check.ts';
import type { HealthCheckName } from './health/report.ts';
import type { Host } from './host.ts';
import { isOurs } from './migrations/bring-up.ts';
import type { History } from './migrations/history.ts';

/** Describes one kind of database: its tables, its migrations and its host. */
export interface Definition<TSchema extends Schema = Schema> extends Host {
  /** The Drizzle tables and relations. */
  readonly schema: TSchema;
  readonly history: History;
  /** `PRAGMA application_id` of its files. Default: that of the history, or 0. */
  readonly applicationId: number;
  /** Returns the path to use if none is given. */
  readonly defaultPath?: () => string;
  /** Creates the folder of the default path if it does not exist. */
  readonly createDefaultFolder?: () => void;
  /** Describes a database of another program if it is a known one. Default: none is known. */
  readonly foreign?: Recognition['foreign'];
  /** Checks that `health()` runs after its own. */
  readonly healthChecks?: readonly HealthCheck[];
  /**
   * Statements that correct derived data, e.g. counters, and change nothing that is right. `recover()` and
   * `importExport()` run them in their new file.
   */
  readonly afterRecover?: readonly string[];
}

/** A check of `health()` with the name of its findings. */
export type HealthCheck = readonly [name: HealthCheckName, check: Check];

/** A driver and a definition, needed by every function that opens a file. */
export interface Kit<TSchema extends Schema = Schema> {
  /** The runtime's default driver, chosen at first use. */
  readonly adapter: Adapter;
  readonly definition: Definition<TSchema>;
  /** Default: only {@link adapter} is available. */
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

/** Stores the definition of a connection's database for functions that get only the connection. */
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

/** Returns the kit of a connection that was opened by `createDb()`, to open other files of the same kind. */
export function kitOf(connection: Connection): Kit {
  return { adapter: connection.adapter, definition: definitionOf(connection) };
}

/**
 * Returns the absolute path of the given file or of the definition's default.
 *
 * @throws InvalidInputError if there is neither, or if the drivers would read the path as a different one.
 */
export function givenOrDefault(definition: Definition, path: unknown, option: string): string {
  if (path !== undefined) return databasePath(path, option);
  if (!definition.defaultPath) throw new InvalidInputError(option, 'is missing, and the definition has no defaultPath');
  return databasePath(definition.defaultPath());
}

/** Returns the options for opening and recognizing files of a definition. */
export function openingOf(definition: Definition): Recognition & { readonly applicationId: number } {
  const { applicationId, history, foreign } = definition;
  return { applicationId, isOurs: (connection) => isOurs(connection, history), foreign, host: definition };
}

/** Returns true for what `defineDb()` returns. */
export function isDefined(value: unknown): boolean {
  return typeof (value as { definition?: { name?: unknown } } | null | undefined)?.definition?.name === 'string';
}
