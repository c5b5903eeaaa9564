import type { Adapter, DriverDatabase, DriverName, DriverStatement, Row, RunResult } from './adapter.ts';
import { bindable } from './bind.ts';
import { ClosedError, DorkDbError, InvalidInputError } from './errors.ts';
import { splitStatements } from './sql-text.ts';
import { typedError } from './sqlite-error.ts';
import { Transactions } from './transaction.ts';

/** What {@link Connection.pragma} takes. */
export interface PragmaOptions {
  /** True for the first column of the first row alone. Default false: the rows. */
  readonly simple?: boolean;
}

/** How a connection is opened. */
export interface ConnectionOptions {
  /** Default false. */
  readonly readonly?: boolean;
  /**
   * True where nobody holds the file and it is only read: the driver then leaves no -wal or -shm beside it, where it
   * can. Default false.
   */
  readonly isClosed?: boolean;
}

/** When a transaction takes SQLite's write lock. https://sqlite.org/lang_transaction.html */
export type TransactionBehavior = 'deferred' | 'immediate' | 'exclusive';

/** Stands around a driver's statement, and passes on what it does not change. */
export type StatementWrapper = (statement: DriverStatement, sql: string) => DriverStatement;

/** SQLite's version by driver: a process has one library for each. */
const versions = new Map<DriverName, string>();

/**
 * One open SQLite database, the same on every driver. Everything is synchronous. Errors are this package's own, with
 * the driver's in `cause`; a value of a type that SQLite does not store is a TypeError.
 */
export class Connection implements Disposable {
  /** The absolute path of the file, or `:memory:`. */
  readonly filename: string;
  readonly readonly: boolean;
  readonly #adapter: Adapter;
  readonly #database: DriverDatabase;
  readonly #transactions: Transactions;
  readonly #closing = new Set<() => void>();
  readonly #iterators = new Set<() => void>();
  readonly #preparing = new Set<(sql: string, domain: string | undefined) => void>();
  /** @internal What stands around every statement, as a monitor does, those prepared before too. Default: nothing. */
  wrapper: StatementWrapper | undefined;
  #isOpen = true;

  /** @throws DatabaseOpenError, UnsupportedRuntimeError */
  constructor(adapter: Adapter, filename: string, options: ConnectionOptions = {}) {
    this.#adapter = adapter;
    this.filename = filename;
    this.readonly = options.readonly ?? false;
    try {
      this.#database = adapter.open(filename, { readonly: this.readonly, isClosed: options.isClosed ?? false });
    } catch (error) {
      throw typedError(error, 'opening', filename);
    }
    this.#transactions = new Transactions(this);
  }

  get driver(): DriverName {
    return this.#adapter.driver;
  }

  /** Drizzle's session class for this driver is made by the adapter. */
  get adapter(): Adapter {
    return this.#adapter;
  }

  /** The version of the SQLite library that the driver carries, as `3.54.1`. */
  get sqliteVersion(): string {
    const known = versions.get(this.driver);
    if (known) return known;
    const version = String(this.prepare('SELECT sqlite_version() AS version').get()?.version);
    versions.set(this.driver, version);
    return version;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True between the start and the end of a transaction, also of one that was started by plain SQL. */
  get inTransaction(): boolean {
    return this.#isOpen && this.#database.inTransaction;
  }

  /**
   * Prepares one statement.
   *
   * @param domain Whose statement it is, for {@link onPrepare}.
   * @throws InvalidInputError where the text holds no statement, or more than one.
   */
  prepare<T = Row>(sql: string, domain?: string): Statement<T> {
    this.assertOpen();
    for (const observe of this.#preparing) observe(sql, domain);
    if (typeof sql !== 'string') throw new TypeError('prepare() takes the text of one SQL statement.');
    const count = sql.includes(';') ? splitStatements(sql).length : 1;
    if (count !== 1) throw new InvalidInputError('sql', `holds ${count} statements where one is prepared`);
    try {
      return new Statement<T>(this, this.#database.prepare(sql), sql, this.#adapter.bindsNumbersAsReal);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** Runs every statement of a text that takes no parameters. */
  exec(sql: string): void {
    this.assertOpen();
    this.assertNotIterating();
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /**
   * Reads or sets a pragma, as `pragma('user_version', { simple: true })`. https://sqlite.org/pragma.html
   */
  pragma(text: string, options: PragmaOptions = {}): unknown {
    const rows = this.prepare(`PRAGMA ${text}`).all();
    return options.simple ? Object.values(rows[0] ?? {})[0] : rows;
  }

  /**
   * Runs a function as one transaction: committed when it returns, rolled back when it throws. Inside another
   * transaction it is a savepoint.
   *
   * @param behavior Default `immediate`: the write lock is taken at once, so that what was read cannot change before
   * it is written, and no two transactions meet half-way (SQLITE_BUSY_SNAPSHOT).
   * @throws TypeError for an async function; nothing is committed.
   * @throws DatabaseBusyError where the lock was not free within the busy timeout.
   */
  transaction<T>(fn: () => T, behavior: TransactionBehavior = 'immediate'): T {
    this.assertOpen();
    return this.#transactions.run(fn, behavior);
  }

  /** Another connection through the same driver, as a snapshot, a check or a replay needs one. */
  sibling(filename: string, options: ConnectionOptions = {}): Connection {
    return new Connection(this.#adapter, filename, options);
  }

  /** Calls the function before each statement is prepared; what it throws, `prepare()` throws. */
  onPrepare(observe: (sql: string, domain: string | undefined) => void): void {
    this.#preparing.add(observe);
  }

  /** Calls the function before the connection closes. */
  onClose(before: () => void): void {
    this.#closing.add(before);
  }

  /** Closes the file at once; no file, lock or statement stays behind. Closing twice is fine. */
  close(): void {
    if (!this.#isOpen) return;
    for (const before of this.#closing) before();
    // better-sqlite3 does not close while rows are read.
    for (const stop of this.#iterators) stop();
    this.#isOpen = false;
    try {
      this.#database.close();
    } catch (error) {
      throw typedError(error, 'closing', this.filename);
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  assertOpen(): void {
    if (!this.#isOpen) throw new ClosedError(this.filename);
  }

  /** @internal Writing while rows are read one by one has no defined result, so it is refused on every driver. */
  assertNotIterating(): void {
    if (this.#iterators.size === 0) return;
    throw new DorkDbError('ITERATING', `${this.filename} is read row by row at the moment. Nothing was written.`, {
      hint: 'Finish the loop over iterate() first, or read with all().',
    });
  }

  /**
   * Says that rows are read one by one, until the returned function is called; closing the connection stops it.
   *
   * @internal
   */
  iterating(stop: () => void): () => void {
    this.#iterators.add(stop);
    return () => void this.#iterators.delete(stop);
  }

  /** @internal The typed error for what the driver threw. */
  failure(error: unknown): unknown {
    if (!this.#isOpen) return new ClosedError(this.filename);
    return typedError(error, 'a statement on', this.filename);
  }
}

/**
 * A prepared statement. Parameters are positional: null, numbers, bigint, strings, booleans (as 0 and 1), Uint8Array;
 * undefined is NULL. Their number must be right.
 */
export class Statement<T = Row> {
  readonly #connection: Connection;
  readonly #bare: DriverStatement;
  readonly #sql: string;
  readonly #numbersAsReal: boolean;
  /** The bare one, or the wrapper around it. */
  #driver: DriverStatement;
  #wrapper: StatementWrapper | undefined;

  /** @internal */
  constructor(connection: Connection, driver: DriverStatement, sql: string, numbersAsReal: boolean) {
    this.#connection = connection;
    this.#bare = driver;
    this.#driver = driver;
    this.#sql = sql;
    this.#numbersAsReal = numbersAsReal;
  }

  /** Runs the statement and says what it changed. */
  run(...params: unknown[]): RunResult {
    this.#begin();
    try {
      return this.#driver.run(...bindable(params, this.#numbersAsReal));
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** The first row, or undefined. */
  get(...params: unknown[]): T | undefined {
    this.#begin();
    try {
      return (this.#driver.get(...bindable(params, this.#numbersAsReal)) ?? undefined) as T | undefined;
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** Every row; an empty array for a statement that returns none. */
  all(...params: unknown[]): T[] {
    this.#begin();
    try {
      return this.#driver.all(...bindable(params, this.#numbersAsReal)) as T[];
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** Every row as an array of its columns. */
  values(...params: unknown[]): unknown[][] {
    this.#begin();
    try {
      return this.#driver.values(...bindable(params, this.#numbersAsReal));
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** The rows one by one; until the loop ends the connection refuses to write. */
  *iterate(...params: unknown[]): Generator<T, void, undefined> {
    this.#begin();
    const rows = this.#driver.iterate(...bindable(params, this.#numbersAsReal)) as IterableIterator<T>;
    const end = this.#connection.iterating(() => rows.return?.());
    try {
      for (;;) {
        this.#connection.assertOpen();
        const { done, value } = rows.next();
        if (done) return;
        yield value;
      }
    } catch (error) {
      throw this.#connection.failure(error);
    } finally {
      end();
      rows.return?.();
    }
  }

  /** The same statement with rows as arrays, as Drizzle's better-sqlite3 session asks for it. @internal */
  raw(): { all: (...params: unknown[]) => unknown[][]; get: (...params: unknown[]) => unknown[] | undefined } {
    return {
      all: (...params) => this.values(...params),
      get: (...params) => this.values(...params)[0],
    };
  }

  #begin(): void {
    this.#connection.assertOpen();
    if (this.#wrapper !== this.#connection.wrapper) this.#wrap();
    if (!this.#driver.readonly) this.#connection.assertNotIterating();
  }

  #wrap(): void {
    this.#wrapper = this.#connection.wrapper;
    this.#driver = this.#wrapper?.(this.#bare, this.#sql) ?? this.#bare;
  }
}
