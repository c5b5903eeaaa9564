import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session';
import { codeOf, isError } from '../realm.ts';
import type { Adapter, DriverDatabase, RunResult, SqliteValue } from './adapter.ts';
import { arranged } from './bind.ts';
import { ExactStatement } from './exact-statement.ts';
import { type Column, numberIfSafe } from './integers.ts';
import {
  type BetterDatabase,
  type BetterStatement,
  betterSqlite3Driver,
  betterSqlite3Path,
  betterSqlite3Version,
  inMemory,
  LARGEST_IN_MEMORY,
} from './load-better-sqlite3.ts';

type Params = readonly SqliteValue[];

/** A statement that returns no rows answers the reading calls too, as bun:sqlite's does. */
class BetterSqlite3Statement extends ExactStatement {
  readonly readonly: boolean;
  readonly isQuery: boolean;
  readonly #database: BetterDatabase;
  readonly #inner: BetterStatement;
  readonly #names: readonly (string | undefined)[] | undefined;

  constructor(database: BetterDatabase, sql: string, names: readonly (string | undefined)[] | undefined) {
    super(sql);
    this.#database = database;
    this.#inner = database.prepare(sql);
    this.#names = names;
    this.readonly = this.#inner.readonly;
    this.isQuery = this.#inner.readonly && this.#inner.reader;
  }

  /** The driver takes parameters without a name in their order, and those with a name (`?1` is one) from an object. */
  #args(params: Params): Params {
    return this.#names ? arranged(params, this.#names) : params;
  }

  run(params: Params): RunResult {
    if (this.#inner.reader) {
      this.#inner.all(...this.#args(params));
      return this.readonly ? { ...this.#lastRun(), changes: 0 } : this.#lastRun();
    }
    const result = this.#inner.run(...this.#args(params));
    return Number.isSafeInteger(result.lastInsertRowid) ? result : this.#lastRun();
  }

  #lastRun(): RunResult {
    const statement = this.#database.prepare('SELECT changes(), last_insert_rowid()').safeIntegers(true).raw(true);
    const [changes, rowid] = statement.get() as [bigint, bigint];
    return { changes: Number(changes), lastInsertRowid: numberIfSafe(rowid) };
  }

  protected readFirst(params: Params): unknown {
    if (this.#inner.reader) return this.#inner.get(...this.#args(params));
    this.#inner.run(...this.#args(params));
    return undefined;
  }

  protected readAll(params: Params): unknown[] {
    if (this.#inner.reader) return this.#inner.all(...this.#args(params));
    this.#inner.run(...this.#args(params));
    return [];
  }

  protected readValues(params: Params): unknown[][] {
    if (!this.#inner.reader) return this.readAll(params) as unknown[][];
    try {
      return this.#inner.raw(true).all(...this.#args(params)) as unknown[][];
    } finally {
      this.#inner.raw(false);
    }
  }

  protected readEach(params: Params): Iterable<unknown> {
    return this.#inner.reader ? this.#inner.iterate(...this.#args(params)) : this.readAll(params);
  }

  protected asBigints(isOn: boolean): void {
    this.#inner.safeIntegers(isOn);
  }

  protected columns(): Column[] {
    return this.#inner.columns();
  }
}

/** Runs an opening. The driver itself looks for the folder before SQLite does; its error for that has no code. */
function withCode<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw isError(error) && codeOf(error) === undefined ? Object.assign(error, { code: 'SQLITE_CANTOPEN' }) : error;
  }
}

/** better-sqlite3 13, for Node and what is built on it. https://github.com/WiseLibs/better-sqlite3 */
export const betterSqlite3: Adapter = {
  driver: 'better-sqlite3',
  bindsNumbersAsReal: true,

  thread: {
    module: betterSqlite3Path,
    open: `(Database, filename, { readonly, isClosed }) => {
      const { statSync, readFileSync } = require('node:fs');
      const isInMemory = isClosed && statSync(filename).size <= ${LARGEST_IN_MEMORY};
      const source = isInMemory ? readFileSync(filename).fill(1, 18, 20) : filename;
      let database;
      try {
        database = new Database(source, { readonly, fileMustExist: true });
      } catch (error) {
        throw error.code === undefined ? Object.assign(error, { code: 'SQLITE_CANTOPEN' }) : error;
      }
      const all = (statement, params) => (statement.reader ? statement.all(...params) : (statement.run(...params), []));
      return { all: (sql, params) => all(database.prepare(sql), params), close: () => database.close() };
    }`,
  },

  load: () => void betterSqlite3Driver(),
  library: () => betterSqlite3Driver(),
  version: betterSqlite3Version,

  open(filename, { readonly, isClosed }): DriverDatabase {
    const Driver = betterSqlite3Driver();
    const copy = isClosed ? inMemory(filename) : undefined;
    const fileMustExist = filename !== ':memory:';
    const database = withCode(() => new Driver(copy ?? filename, { readonly, fileMustExist }));
    return {
      prepare: (sql, names) => new BetterSqlite3Statement(database, sql, names),
      exec: (sql) => void database.exec(sql),
      get inTransaction() {
        return database.inTransaction;
      },
      isImmutable: copy !== undefined,
      close: () => void database.close(),
    };
  },

  session: (connection, dialect) => new BetterSQLiteSession(connection as never, dialect, undefined) as never,
};
