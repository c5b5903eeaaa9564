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
import type { Connection } from './connection.ts';

/** The tables of a Drizzle schema by their exported names. */
export type Schema = Record<string, unknown>;

/** Any database of this package, whatever its schema: what functions need of it is its connection. */
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
  // By its shape: it may be of another copy of this package.
  if (typeof connection?.prepare === 'function' && typeof connection.filename === 'string') return connection;
  const kind = db === null ? 'null' : typeof db;
  throw new InvalidInputError('db', `is ${kind === 'string' ? 'text' : kind}, not a database`, {
    hint: 'Open the file first, and give what createDb() returns.',
  });
}

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
   * @throws DatabaseBusyError where the lock was not free within the busy timeout.
   */
  override transaction<T>(fn: (tx: this) => T, config?: SQLiteTransactionConfig): T {
    return this.$client.runTransaction(() => fn(this), config?.behavior);
  }

  /** Ends the transaction that is running without keeping anything of it, by throwing. */
  override rollback(): never {
    throw new TransactionRollbackError();
  }

  /** Closes the connection at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.$client.close();
  }
}

/** Drizzle's base class, for what it builds out of a schema. */
class Relational<TSchema extends Schema> extends SQLiteTransaction<
  'sync',
  RunResult,
  TSchema,
  ExtractTablesWithRelations<TSchema>
> {}

type RelationalConfig<TSchema extends Schema> = RelationalSchemaConfig<ExtractTablesWithRelations<TSchema>>;

/**
 * Drizzle works the schema out for `db.query` and `db._`; most programs use neither, and it is a good part of the time
 * that opening takes, so it is done when one of them is first read.
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

/** What a store needs of a database, whatever the schema of the whole: the query builders and the connection. */
export type StoreDb = Pick<Database, 'select' | 'insert' | 'update' | 'delete' | '$client'>;

/**
 * Drizzle's bun-sqlite session gives a raw `db.get()` as an array and both sessions wrap what `db.run()` throws; here
 * they do neither.
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
