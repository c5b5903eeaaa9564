import { constants, Database, type SQLQueryBindings, type Statement } from 'bun:sqlite';
import { SQLiteBunSession } from 'drizzle-orm/bun-sqlite/session';
import type { Adapter, DriverDatabase, DriverStatement, RunResult, SqliteValue } from '../core/adapter.ts';
import { InvalidInputError } from '../core/errors.ts';

/** Bun binds NULL for a parameter that is missing; every driver of ours refuses it. */
function counted(
  statement: Statement<unknown, SQLQueryBindings[]>,
  params: readonly SqliteValue[],
): readonly SqliteValue[] {
  if (params.length !== statement.paramsCount) {
    throw new InvalidInputError(
      'parameters',
      `are ${params.length} where the statement takes ${statement.paramsCount}`,
    );
  }
  return params;
}

class BunStatement implements DriverStatement {
  readonly readonly: boolean;
  readonly #statement: Statement<unknown, SQLQueryBindings[]>;

  constructor(statement: Statement<unknown, SQLQueryBindings[]>) {
    this.#statement = statement;
    this.readonly = (statement as unknown as { readonly: boolean }).readonly;
  }

  run(params: readonly SqliteValue[]): RunResult {
    return this.#statement.run(...counted(this.#statement, params));
  }

  get(params: readonly SqliteValue[]): unknown {
    return this.#statement.get(...counted(this.#statement, params));
  }

  all(params: readonly SqliteValue[]): unknown[] {
    return this.#statement.all(...counted(this.#statement, params));
  }

  values(params: readonly SqliteValue[]): unknown[][] {
    return this.#statement.values(...counted(this.#statement, params)) as unknown[][];
  }

  iterate(params: readonly SqliteValue[]): IterableIterator<unknown> {
    return this.#statement.iterate(...counted(this.#statement, params));
  }
}

/** SQLite as it is built into Bun. https://bun.com/docs/api/sqlite */
export const bunSqlite: Adapter = {
  driver: 'bun:sqlite',
  bindsNumbersAsReal: false,

  thread: {
    module: () => 'bun:sqlite',
    open: `({ Database }, filename, readonly) => {
      const database = new Database(filename, readonly ? { readonly } : { readwrite: true, create: false });
      return { all: (sql, params) => database.prepare(sql).all(...params), close: () => database.close(true) };
    }`,
  },

  load: () => {},
  version: () => Bun.version,

  open(filename, { readonly, isClosed }): DriverDatabase {
    const database = isClosed
      ? // https://sqlite.org/uri.html#uriimmutable
        new Database(
          `${Bun.pathToFileURL(filename).href}?immutable=1`,
          constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI,
        )
      : new Database(filename, readonly ? { readonly } : { readwrite: true, create: false });
    return {
      prepare: (sql) => new BunStatement(database.prepare(sql)),
      exec: (sql) => void database.run(sql),
      get inTransaction() {
        return database.inTransaction;
      },
      // Without `true` the file and its locks stay until every statement is garbage.
      close: () => database.close(true),
    };
  },

  session: (connection, dialect) => new SQLiteBunSession(connection as never, dialect, undefined) as never,
};
