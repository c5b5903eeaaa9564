import type { ExtractTablesWithRelations } from 'drizzle-orm/relations';
import type { SQLiteSession, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';

/**
 * The interface between this package and a SQLite driver. An adapter implements {@link Adapter} with a driver's own
 * calls, and holds only the differences between drivers. Checks, pragmas, errors and transactions are in the rooms above.
 */

/** A value that SQLite can store: NULL, INTEGER, REAL, TEXT or BLOB. https://sqlite.org/datatype3.html */
export type SqliteValue = null | number | bigint | string | Uint8Array;

/** A row as an object with one property per column, in the order of the SELECT list. */
export type Row = Record<string, SqliteValue>;

/** The result of a write. */
export interface RunResult {
  /** Rows inserted, updated or deleted by the statement itself (not by its triggers). */
  changes: number;
  /** The rowid of the last row inserted on this connection. */
  lastInsertRowid: number | bigint;
}

/**
 * A prepared statement of a driver. Parameters are positional and already checked, in one array, because each spread
 * costs time. An INTEGER is a number, beyond 2^53 a bigint, and never rounded.
 */
export interface DriverStatement {
  /** False for a statement that can change the file (`sqlite3_stmt_readonly`). */
  readonly readonly: boolean;
  /** True for a statement that returns rows and writes nothing: it may run inside a loop over iterate(). */
  readonly isQuery: boolean;
  run(params: readonly SqliteValue[]): RunResult;
  /** Returns the first row, or null or undefined. */
  get(params: readonly SqliteValue[]): unknown;
  /** Returns every row. A statement without rows runs too. */
  all(params: readonly SqliteValue[]): unknown[];
  /** Returns every row as an array of its columns. */
  values(params: readonly SqliteValue[]): unknown[][];
  iterate(params: readonly SqliteValue[]): IterableIterator<unknown>;
}

/** An open database of a driver. */
export interface DriverDatabase {
  /**
   * Prepares one statement. A double-quoted name without a match is an error, never text.
   *
   * @param names The parameters' names by position; undefined if every parameter is `?`.
   */
  prepare(sql: string, names: readonly (string | undefined)[] | undefined): DriverStatement;
  /** Runs every statement of the text; a text without one does nothing. */
  exec(sql: string): void;
  readonly inTransaction: boolean;
  /** True if the driver treats the file as immutable: it takes no locks and creates no files next to it. */
  readonly isImmutable: boolean;
  /** Closes at once, with every open statement, and releases every file and lock. */
  close(): void;
}

/** The drivers with an adapter in this package. */
export type DriverName = 'bun:sqlite' | 'better-sqlite3' | 'node:sqlite';

/**
 * The driver for a separate thread. The thread runs a text and shares no module with this package, because a file of its
 * own would be missing in a bundle and in a compiled binary.
 */
export interface ThreadDriver {
  /** Returns the argument of `require` for the driver in that thread: a name or an absolute path. */
  module(): string;
  /**
   * JavaScript of a function `(driver, filename, { readonly, isClosed }) => ({ all, close })`. Its `all(sql, params)`
   * returns every row as an object. The options are those of {@link Adapter.open}.
   */
  readonly open: string;
}

export interface Adapter {
  readonly driver: DriverName;
  readonly thread: ThreadDriver;
  /**
   * True if the driver binds every JavaScript number as REAL. Integers are then bound as bigint, so that 5 is INTEGER 5
   * on every driver.
   */
  readonly bindsNumbersAsReal: boolean;
  /**
   * Loads the driver, before a file is created for it.
   *
   * @throws UnsupportedRuntimeError if this runtime cannot run it, or it is not installed.
   */
  load(): void;
  /** Returns the identity of the SQLite library: equal for two adapters only if they share one. */
  library(): object | string;
  /** Returns the driver's own version, e.g. `13.2.0`; for a driver that is part of its runtime, the runtime's. */
  version(): string;
  open(filename: string, options: { readonly: boolean; isClosed: boolean }): DriverDatabase;
  /** Returns a session of Drizzle's own class for this driver, over our connection. */
  session<TSchema extends Record<string, unknown>>(
    connection: object,
    dialect: SQLiteSyncDialect,
  ): SQLiteSession<'sync', RunResult, TSchema, ExtractTablesWithRelations<TSchema>>;
}

/** Returns the adapter of a driver; without a name, that of the runtime's default driver. */
export type ChooseDriver = (name?: DriverName) => Adapter;
