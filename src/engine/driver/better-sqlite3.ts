import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session';
import type { Adapter, DriverDatabase, DriverStatement, RunResult, SqliteValue } from './adapter.ts';
import { assertCount } from './bind.ts';
import {
  type BetterStatement,
  betterSqlite3Driver,
  betterSqlite3Path,
  betterSqlite3Version,
  inMemory,
  LARGEST_IN_MEMORY,
} from './load-better-sqlite3.ts';

/** A statement that returns no rows answers the reading calls too, as bun:sqlite's does. */
class BetterSqlite3Statement implements DriverStatement {
  readonly readonly: boolean;
  readonly isQuery: boolean;
  readonly #inner: BetterStatement;
  readonly #names: readonly (string | undefined)[] | undefined;

  constructor(inner: BetterStatement, names: readonly (string | undefined)[] | undefined) {
    this.#inner = inner;
    this.#names = names;
    this.readonly = inner.readonly;
    this.isQuery = inner.readonly && inner.reader;
  }

  /** The driver takes parameters without a name in their order, and those with a name (`?1` is one) from an object. */
  #args(params: readonly SqliteValue[]): readonly SqliteValue[] {
    const names = this.#names;
    if (!names) return params;
    assertCount(params, names.length);
    const named = Object.fromEntries(names.flatMap((name, i) => (name === undefined ? [] : [[name, params[i]]])));
    const unnamed = params.filter((_, i) => names[i] === undefined);
    return [...unnamed, named as unknown as SqliteValue];
  }

  run(params: readonly SqliteValue[]): RunResult {
    return this.#inner.run(...this.#args(params));
  }

  get(params: readonly SqliteValue[]): unknown {
    if (this.#inner.reader) return this.#inner.get(...this.#args(params));
    this.#inner.run(...this.#args(params));
    return undefined;
  }

  all(params: readonly SqliteValue[]): unknown[] {
    if (this.#inner.reader) return this.#inner.all(...this.#args(params));
    this.#inner.run(...this.#args(params));
    return [];
  }

  values(params: readonly SqliteValue[]): unknown[][] {
    if (!this.#inner.reader) return this.all(params) as unknown[][];
    try {
      return this.#inner.raw(true).all(...this.#args(params)) as unknown[][];
    } finally {
      this.#inner.raw(false);
    }
  }

  iterate(params: readonly SqliteValue[]): IterableIterator<unknown> {
    if (this.#inner.reader) return this.#inner.iterate(...this.#args(params));
    this.#inner.run(...this.#args(params));
    return [][Symbol.iterator]();
  }
}

/** Named here, so that they are not collected, which would close them. */
const abandoned: object[] = [];

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
      const database = new Database(source, { readonly, fileMustExist: true });
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
    const database = new Driver(copy ?? filename, { readonly, fileMustExist: filename !== ':memory:' });
    return {
      prepare: (sql, names) => new BetterSqlite3Statement(database.prepare(sql), names),
      exec: (sql) => void database.exec(sql),
      get inTransaction() {
        return database.inTransaction;
      },
      isImmutable: copy !== undefined,
      close: () => void database.close(),
      // The driver has no call for it; at the end of a process it closes nothing.
      abandon: () => void abandoned.push(database),
    };
  },

  session: (connection, dialect) => new BetterSQLiteSession(connection as never, dialect, undefined) as never,
};
