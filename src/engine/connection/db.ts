import { TransactionRollbackError } from 'drizzle-orm/errors';
import {
  createTableRelationsHelpers,
  type ExtractTablesWithRelations,
  extractTablesRelationalConfig,
  type RelationalSchemaConfig,
} from 'drizzle-orm/relations';
import type { SQL } from 'drizzle-orm/sql';
import type { SQLiteSession, SQLiteTransactionConfig } from 'drizzle-orm/sqlite-core';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core/dialect';
import { SQLiteTransaction } from 'drizzle-orm/sqlite-core/session';
import type { RunResult } from '../driver/adapter.ts';
import { InvalidInputError } from '../errors.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import type { Connection } from './connection.ts';

/** The tables of a Drizzle schema by their exported names. */
export type Schema = Record<string, unknown>;

/** Any database of this package, with any schema. Functions only need its connection. */
export interface AnyDb {
  readonly $client: Connection;
}

/**
 * Returns the connection of a database.
 *
 * @throws InvalidInputError for anything else, e.g. a path.
 */
export function connectionOf(db: AnyDb): Connection {
  const connection = (db as Partial<AnyDb> | null | undefined)?.$client;
  // Not by its class: it may be from another copy of this package.
  if (typeof connection?.prepare === 'function' && typeof connection.filename === 'string') return connection;
  const kind = db === null ? 'null' : typeof db;
  throw new InvalidInputError('db', `must be a database, not ${kind === 'string' ? 'text' : kind}`, {
    hint: 'Open the file first, and pass the result of createDb().',
  });
}

const TRANSACTION_OPTIONS: OptionNames<SQLiteTransactionConfig> = { behavior: true };

type Session<TSchema extends Schema> = SQLiteSession<'sync', RunResult, TSchema, ExtractTablesWithRelations<TSchema>>;

/**
 * A Drizzle SQLite database in sync mode over our {@link Connection}: the same class on every runtime, and inside a
 * transaction. `db.$client` is the connection.
 */
export class Database<TSchema extends Schema = Schema>
  extends SQLiteTransaction<'sync', RunResult, TSchema, ExtractTablesWithRelations<TSchema>>
  implements Disposable
{
  readonly $client: Connection;

  constructor(connection: Connection, schema: TSchema) {
    const dialect = new SQLiteSyncDialect();
    const session = uniform(connection.adapter.session<TSchema>(connection, dialect), connection, dialect);
    super('sync', dialect, session, undefined);
    this.$client = connection;
    relateAtFirstUse(this, schema, (config) => new Relational('sync', dialect, session, config));
  }

  /**
   * Runs a function as one transaction: committed when it returns, rolled back when it throws. Inside another one it
   * is a savepoint. The write lock is taken at once unless `behavior` asks otherwise.
   *
   * @throws TypeError for an async function; nothing is committed.
   * @throws InvalidInputError for an unknown option or behavior.
   * @throws DatabaseBusyError if the lock was not free within the busy timeout.
   */
  override transaction<T>(fn: (tx: this) => T, config?: SQLiteTransactionConfig): T {
    if (config !== undefined) optionsArgument(config, TRANSACTION_OPTIONS, 'config');
    return this.$client.runTransaction(() => fn(this), config?.behavior);
  }

  /** Rolls the current transaction back, by throwing. */
  override rollback(): never {
    throw new TransactionRollbackError();
  }

  /** Closes the connection at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.$client.close();
  }
}

/** Drizzle's base class, which builds `query` and `_` from a schema. */
class Relational<TSchema extends Schema> extends SQLiteTransaction<
  'sync',
  RunResult,
  TSchema,
  ExtractTablesWithRelations<TSchema>
> {}

type RelationalConfig<TSchema extends Schema> = RelationalSchemaConfig<ExtractTablesWithRelations<TSchema>>;

/**
 * Computes `db.query` and `db._` when one of them is first read: most programs use neither, and computing them takes a
 * large part of the time to open a file.
 */
function relateAtFirstUse<TSchema extends Schema>(
  db: Database<TSchema>,
  schema: TSchema,
  relate: (config: RelationalConfig<TSchema>) => Relational<TSchema>,
): void {
  let related: Relational<TSchema> | undefined;
  const get = () => {
    if (related) return related;
    const { tables, tableNamesMap } = extractTablesRelationalConfig<ExtractTablesWithRelations<TSchema>>(
      schema,
      createTableRelationsHelpers,
    );
    related = relate({ fullSchema: schema, schema: tables, tableNamesMap });
    return related;
  };
  Object.defineProperty(db, 'query', { get: () => get().query });
  Object.defineProperty(db, '_', { get: () => get()._ });
}

/** The part of a database that a store needs, with any schema: the query builders and the connection. */
export type StoreDb = Pick<Database, 'select' | 'insert' | 'update' | 'delete' | '$client'>;

/**
 * Makes the sessions of all drivers equal: Drizzle's bun-sqlite session returns a raw `db.get()` as an array, and each
 * session wraps the errors of `db.run()`.
 */
function uniform<TSchema extends Schema>(
  session: Session<TSchema>,
  connection: Connection,
  dialect: SQLiteSyncDialect,
): Session<TSchema> {
  const statement = (query: SQL) => {
    const { sql, params } = dialect.sqlToQuery(query);
    return { statement: connection.prepare(sql), params };
  };
  return Object.assign(session, {
    get(query: SQL): unknown {
      const { statement: prepared, params } = statement(query);
      return prepared.get(...params);
    },
    run(query: SQL): RunResult {
      const { statement: prepared, params } = statement(query);
      return prepared.run(...params);
    },
  });
}
