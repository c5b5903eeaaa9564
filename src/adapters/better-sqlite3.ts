import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BetterSQLiteSession } from 'drizzle-orm/better-sqlite3/session';
import type { Adapter, DriverDatabase, DriverStatement, RunResult, SqliteValue } from '../core/adapter.ts';
import { UnsupportedRuntimeError } from '../core/errors.ts';
import { isAtLeast } from '../core/version.ts';

/** better-sqlite3 13 is built against this Node-API level and ends the process with SIGSEGV below it. */
const OLDEST_NODE = '22.14.0';

/** What is used of the driver. */
interface BetterStatement {
  readonly reader: boolean;
  readonly readonly: boolean;
  run(...params: SqliteValue[]): RunResult;
  get(...params: SqliteValue[]): unknown;
  all(...params: SqliteValue[]): unknown[];
  iterate(...params: SqliteValue[]): IterableIterator<unknown>;
  raw(on: boolean): BetterStatement;
}

interface BetterDatabase {
  readonly inTransaction: boolean;
  prepare(sql: string): BetterStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

type Driver = new (filename: string | Buffer, options: { readonly: boolean; fileMustExist: boolean }) => BetterDatabase;

let loaded: Driver | undefined;

/** Up to this size a closed file is read from a copy in memory, since the driver takes no `immutable` URI. */
const LARGEST_IN_MEMORY = 256 * 2 ** 20;

/** The file's bytes with the header's WAL mark taken out, since a database in memory has no -wal. */
function inMemory(filename: string): Buffer | undefined {
  if (statSync(filename).size > LARGEST_IN_MEMORY) return undefined;
  const bytes = readFileSync(filename);
  return bytes.fill(1, 18, 20);
}

function load(): Driver {
  if (!isAtLeast(process.versions.node, OLDEST_NODE)) {
    throw new UnsupportedRuntimeError(
      'NODE_TOO_OLD',
      `Node ${process.versions.node} cannot load better-sqlite3 13. Nothing was opened.`,
      {
        hint: `Run Node ${OLDEST_NODE} or newer, or Bun.`,
      },
    );
  }
  try {
    return createRequire(import.meta.url)('better-sqlite3') as Driver;
  } catch (cause) {
    throw new UnsupportedRuntimeError(
      'DRIVER_MISSING',
      'better-sqlite3 could not be loaded, and Node needs it. Nothing was opened.',
      {
        hint: 'Install it beside @dorkos/db: npm install better-sqlite3@13',
        cause,
      },
    );
  }
}

function statement(inner: BetterStatement): DriverStatement {
  return {
    readonly: inner.readonly,
    run: (...params) => inner.run(...params),
    get: (...params) => (inner.reader ? inner.get(...params) : void inner.run(...params)),
    all: (...params) => (inner.reader ? inner.all(...params) : (inner.run(...params), [])),
    values: (...params) => {
      if (!inner.reader) return (inner.run(...params), []);
      try {
        return inner.raw(true).all(...params) as unknown[][];
      } finally {
        inner.raw(false);
      }
    },
    iterate: (...params) => inner.iterate(...params),
  };
}

/** better-sqlite3 13, for Node and what is built on it. https://github.com/WiseLibs/better-sqlite3 */
export const betterSqlite3: Adapter = {
  driver: 'better-sqlite3',
  bindsNumbersAsReal: true,

  open(filename, { readonly, isClosed }): DriverDatabase {
    loaded ??= load();
    const source = (isClosed && inMemory(filename)) || filename;
    const database = new loaded(source, { readonly, fileMustExist: filename !== ':memory:' });
    return {
      prepare: (sql) => statement(database.prepare(sql)),
      exec: (sql) => void database.exec(sql),
      get inTransaction() {
        return database.inTransaction;
      },
      close: () => void database.close(),
    };
  },

  session: (connection, dialect, schema) => new BetterSQLiteSession(connection as never, dialect, schema) as never,
};
