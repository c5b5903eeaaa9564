import type { ExtractTablesWithRelations } from 'drizzle-orm/relations';
import type { SQLiteSession, SQLiteSyncDialect } from 'drizzle-orm/sqlite-core';

/**
 * The seam between this package and a SQLite driver. An adapter implements {@link Adapter} with a driver's own
 * calls and holds only what differs between drivers; checks, pragmas, errors and transactions stand above it, once.
 */

/** A value that SQLite can store: NULL, INTEGER, REAL, TEXT or BLOB. https://sqlite.org/datatype3.html */
export type SqliteValue = null | number | bigint | string | Uint8Array;

/** A row as an object, one property a column, in the order of the SELECT list. */
export type Row = Record<string, SqliteValue>;

/** What a write did. */
export interface RunResult {
  /** Rows inserted, updated or deleted by the statement itself (not by its triggers). */
  changes: number;
  /** The rowid of the last row inserted on this connection. */
  lastInsertRowid: number | bigint;
}

/**
 * A prepared statement, as a driver must offer it. Parameters are positional and already checked, and come as they are:
 * each spread costs. An INTEGER is a number, beyond 2^53 a bigint, and never rounded.
 */
export interface DriverStatement {
  /** False for a statement that can change the file (`sqlite3_stmt_readonly`). */
  readonly readonly: boolean;
  /** True for a statement that returns rows and writes nothing: it may run while other rows are read one by one. */
  readonly isQuery: boolean;
  run(params: readonly SqliteValue[]): RunResult;
  /** The first row, or null or undefined where there is none. */
  get(params: readonly SqliteValue[]): unknown;
  /** Every row; empty for a statement that returns none, which runs all the same. */
  all(params: readonly SqliteValue[]): unknown[];
  /** Every row as an array of its columns. */
  values(params: readonly SqliteValue[]): unknown[][];
  iterate(params: readonly SqliteValue[]): IterableIterator<unknown>;
}

/** An open database, as a driver must offer it. */
export interface DriverDatabase {
  /**
   * Prepares one statement. A double-quoted name that names nothing is an error, never text.
   *
   * @param names The parameters' names by position; undefined if every parameter is `?`.
   */
  prepare(sql: string, names: readonly (string | undefined)[] | undefined): DriverStatement;
  /** Runs every statement of the text; a text without one does nothing. */
  exec(sql: string): void;
  readonly inTransaction: boolean;
  /** True if it takes the file for one that never changes: it has no locks and leaves nothing beside it. */
  readonly isImmutable: boolean;
  /** Closes at once, with every statement that is still alive: no file, lock or -wal stays behind. */
  close(): void;
  /**
   * Closes without removing a -wal or -shm, which by now belong to another file of that name. A driver that cannot do
   * that leaves the file open until the process ends.
   */
  abandon(): void;
}

/** The names of the drivers that this package ships adapters for. */
export type DriverName = 'bun:sqlite' | 'better-sqlite3' | 'node:sqlite';

/**
 * How a thread of its own works with the driver. The thread runs a text and shares no module with this package: a file
 * for it would be missing in a bundle and in a compiled binary.
 */
export interface ThreadDriver {
  /** What `require` finds the driver by in that thread: a name or an absolute path. */
  module(): string;
  /**
   * JavaScript of a function `(driver, filename, { readonly, isClosed }) => ({ all, close })`, where `all(sql, params)`
   * gives every row as an object; the options are those of {@link Adapter.open}.
   */
  readonly open: string;
}

export interface Adapter {
  readonly driver: DriverName;
  readonly thread: ThreadDriver;
  /**
   * True where the driver binds every JavaScript number as REAL. Whole numbers are then given to it as bigint,
   * so that 5 is INTEGER 5 on every driver.
   */
  readonly bindsNumbersAsReal: boolean;
  /**
   * Makes sure that the driver can be used, before a file is created for it.
   *
   * @throws UnsupportedRuntimeError where this runtime cannot run it, or it is not installed.
   */
  load(): void;
  /** Which SQLite library it is: equal for two adapters only if they use one. */
  library(): object | string;
  /** The driver's own version, as `13.2.0`; for a driver that is part of its runtime, the runtime's. */
  version(): string;
  open(filename: string, options: { readonly: boolean; isClosed: boolean }): DriverDatabase;
  /** Drizzle's own session class for this driver, over our connection. */
  session<TSchema extends Record<string, unknown>>(
    connection: object,
    dialect: SQLiteSyncDialect,
  ): SQLiteSession<'sync', RunResult, TSchema, ExtractTablesWithRelations<TSchema>>;
}

/** Returns the adapter of a driver; without a name, that of the runtime's own choice. */
export type ChooseDriver = (name?: DriverName) => Adapter;
