import type { Adapter, DriverName, Row } from '../driver/adapter.ts';
import type { FileKey } from '../driver/register.ts';
import { ClosedError, DorkDbError, InvalidInputError } from '../errors.ts';
import type { Host } from '../host.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { namesIn } from '../sql/parameters.ts';
import { mayNameParameters, setsPragma, splitStatements } from '../sql/sql-text.ts';
import { ClosedFile } from './closed-file.ts';
import type { OpenFile } from './open-file.ts';
import { rolledBack, typedError } from './sqlite-error.ts';
import { Statement, type StatementWrapper } from './statement.ts';
import { type TransactionBehavior, Transactions } from './transaction.ts';
import { type TransactionFunction, TransactionFunctions } from './transaction-function.ts';
import { WaitingDatabase } from './waiting-database.ts';

/** Options for {@link Connection.pragma}. */
export interface PragmaOptions {
  /** True for only the first column of the first row. Default false: the rows. */
  readonly simple?: boolean;
}

const PRAGMA_OPTIONS: OptionNames<PragmaOptions> = { simple: true };

/** Options for opening a connection. */
export interface ConnectionOptions {
  /** Default false. */
  readonly readonly?: boolean;
  /** True for a file that nobody has open, to read it without creating a -wal or -shm if possible. Default false. */
  readonly isClosed?: boolean;
  /** The file at the path, if the caller knows it and checks after the opening that it is still the same. */
  readonly present?: FileKey;
  /** The host whose command hints name. Default: hints name functions. */
  readonly host?: Host;
}

/** SQLite's version by driver: a process has one library per driver. */
const versions = new Map<DriverName, string>();

/**
 * One open SQLite database, with the same behavior on every driver. Everything is synchronous. Errors are this package's
 * own, with the driver's in `cause`; a value of a type that SQLite does not store is a TypeError.
 */
export class Connection implements Disposable {
  /** The absolute path of the file, or `:memory:`. */
  readonly filename: string;
  /** True if the connection cannot write. */
  readonly readonly: boolean;
  /** @internal The host of the database. */
  readonly host: Host | undefined;
  /** @internal Creates Drizzle's session for this driver, among others. */
  readonly adapter: Adapter;
  /** @internal */
  readonly database: WaitingDatabase;
  readonly #transactions: Transactions;
  readonly #functions = new TransactionFunctions((fn, behavior) => this.runTransaction(fn, behavior));
  readonly #closing = new Set<() => void>();
  readonly #iterators = new Set<() => void>();
  readonly #preparing = new Set<(sql: string, domain: string | undefined) => void>();
  /** @internal Wraps every statement, including those already prepared (used by monitor()). */
  wrapper: StatementWrapper | undefined;
  /** @internal The file on the disk; undefined in memory, and for a connection that `createDb()` did not open. */
  openFile: OpenFile | undefined;
  /** @internal True if closing must leave the -wal as it is. Default false. */
  keepsWal = false;
  #isOpen = true;
  /** The reason why nothing may run now: the connection is closed, or SQLite has rolled back the current transaction. */
  #refusal: (() => DorkDbError | undefined) | undefined;
  #closedFile: ClosedFile | undefined;

  /** @throws DatabaseOpenError, UnsupportedRuntimeError */
  constructor(adapter: Adapter, filename: string, options: ConnectionOptions = {}) {
    const { readonly = false, isClosed = false, present, host } = options;
    this.adapter = adapter;
    this.filename = filename;
    this.readonly = readonly;
    this.host = host;
    const closedFile = isClosed ? new ClosedFile(filename) : undefined;
    try {
      this.database = new WaitingDatabase(adapter, filename, { readonly, isClosed }, present);
    } catch (error) {
      throw typedError(error, 'Opening', filename);
    }
    if (this.database.isImmutable) this.#closedFile = closedFile;
    this.transactionEnded();
    this.#transactions = new Transactions(this);
  }

  /** The driver's name. */
  get driver(): DriverName {
    return this.adapter.driver;
  }

  /** The driver's own version, e.g. `13.2.0`; for bun:sqlite, Bun's. */
  get driverVersion(): string {
    return this.adapter.version();
  }

  /** The version of the driver's SQLite library, e.g. `3.54.1`. */
  get sqliteVersion(): string {
    const known = versions.get(this.driver);
    if (known) return known;
    const version = String(this.prepare('SELECT sqlite_version() AS version').get()?.version);
    versions.set(this.driver, version);
    return version;
  }

  /** True if the file is read without locks, because nobody can write it. */
  get isImmutable(): boolean {
    return this.#closedFile !== undefined;
  }

  /** False after `close()`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True during a transaction, including one that was started by plain SQL. */
  get inTransaction(): boolean {
    return this.#isOpen && this.database.inTransaction;
  }

  /** @internal True inside a loop over `iterate()`, which may not set or write anything. */
  get isIterating(): boolean {
    return this.#iterators.size > 0;
  }

  /**
   * Prepares one statement.
   *
   * @throws InvalidInputError if the text does not hold exactly one statement.
   */
  prepare<T = Row>(sql: string): Statement<T>;
  /** @internal With the domain of the statement's store, for {@link onPrepare}. */
  prepare<T = Row>(sql: string, domain: string | undefined): Statement<T>;
  prepare<T = Row>(sql: string, domain?: string): Statement<T> {
    this.assertOpen();
    if (typeof sql !== 'string') throw new TypeError('prepare() takes the text of one SQL statement.');
    for (const observe of this.#preparing) observe(sql, domain);
    const count = sql.includes(';') ? splitStatements(sql).length : 1;
    if (count !== 1) throw new InvalidInputError('sql', `must hold one statement, not ${count}`);
    if (this.#iterators.size > 0 && setsPragma(sql)) this.assertNotIterating();
    try {
      // A store binds numbers only to INTEGER columns and LIMIT. SQLite converts an integral REAL to INTEGER there.
      const mustConvert = this.adapter.bindsNumbersAsReal && domain === undefined;
      const names = mayNameParameters(sql) ? namesIn(sql) : undefined;
      return new Statement<T>(this, this.database.prepare(sql, names), sql, mustConvert, names);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** Runs every statement of a text without parameters. */
  exec(sql: string): void {
    this.assertOpen();
    this.assertNotIterating();
    if (typeof sql !== 'string') throw new TypeError('exec() takes the text of SQL statements.');
    this.assertStillThere();
    try {
      this.database.exec(sql);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** Reads or sets a pragma, e.g. `pragma('user_version', { simple: true })`. https://sqlite.org/pragma.html */
  pragma(text: string, options: PragmaOptions = {}): unknown {
    optionsArgument(options, PRAGMA_OPTIONS);
    const rows = this.prepare(`PRAGMA ${text}`).all();
    return options.simple ? Object.values(rows[0] ?? {})[0] : rows;
  }

  /**
   * Returns a function that runs the given one as a transaction each time it is called, like better-sqlite3's and
   * bun:sqlite's: `transaction(fn)()`. Nothing runs before. Use `db.transaction()` or {@link runTransaction} to run one
   * at once.
   *
   * @throws TypeError for an async function, and for a second argument. Nothing is run.
   */
  transaction<A extends unknown[], T>(fn: (...args: A) => T, ...more: never[]): TransactionFunction<A, T> {
    this.assertOpen();
    if (more.length > 0)
      throw new TypeError('transaction() takes only a function. Call transaction(fn).deferred(). Nothing was run.');
    return this.#functions.of(fn);
  }

  /**
   * Runs a function as one transaction: committed when it returns, rolled back when it throws. Inside another
   * transaction it is a savepoint.
   *
   * @param behavior Default `immediate`: takes the write lock at once, so that the data cannot change between reading and
   * writing, and the commit cannot fail with SQLITE_BUSY_SNAPSHOT.
   * @throws TypeError for an async function, after a rollback, and for a function with parameters, which is not run.
   * @throws InvalidInputError for an unknown behavior.
   * @throws DorkDbError `ITERATING` inside a loop over `iterate()`.
   * @throws DatabaseBusyError if the lock was not free within the busy timeout.
   */
  runTransaction<T>(fn: () => T, behavior: TransactionBehavior = 'immediate'): T {
    this.assertOpen();
    return this.#transactions.run(fn, behavior);
  }

  /** Opens another connection with the same driver. The SQL in its schema is not trusted. */
  sibling(filename: string, options: ConnectionOptions = {}): Connection {
    const like = { host: this.host, isClosed: this.isImmutable && filename === this.filename };
    const sibling = new Connection(this.adapter, filename, { ...like, ...options });
    sibling.exec('PRAGMA trusted_schema = OFF');
    return sibling;
  }

  /** Calls the function before each statement is prepared; `prepare()` throws its errors. */
  onPrepare(observe: (sql: string, domain: string | undefined) => void): void {
    this.#preparing.add(observe);
  }

  /** Calls the function after each wait for another connection's lock, until the returned function is called. @internal */
  onWait(observe: (milliseconds: number) => void): () => void {
    return this.database.onWait(observe);
  }

  /** Calls the function before the connection closes; `close()` throws its errors once the file is closed. */
  onClose(before: () => void): void {
    this.#closing.add(before);
  }

  /** Closes the file at once, and releases every lock and statement. A second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    const failures: unknown[] = [];
    // Before anything moves pages into the file.
    const keepsWal = this.keepsWal || this.openFile?.hasOtherWal();
    for (const before of this.#closing) {
      try {
        before();
      } catch (error) {
        failures.push(error);
      }
    }
    // better-sqlite3 does not close during a loop over iterate().
    this.endIterations();
    this.#isOpen = false;
    this.#refusal = () => new ClosedError(this.filename);
    try {
      this.database.close(keepsWal);
    } catch (error) {
      failures.push(typedError(error, 'Closing', this.filename));
    }
    this.#functions.warnOfUncalled(this.filename);
    if (failures.length > 0) throw failures[0];
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  assertOpen(): void {
    const error = this.#refusal?.();
    if (error) throw error;
  }

  /** @throws DorkDbError `FILE_REPLACED`, `FILE_UNLINKED` or `WAL_GONE`, because writes would be lost. @internal */
  assertStillThere(): void {
    this.openFile?.assertStillThere();
  }

  /** @internal Writing during a loop over iterate() has no defined result, so it is refused on every driver. */
  assertNotIterating(): void {
    if (this.#iterators.size === 0) return;
    throw new DorkDbError('ITERATING', `A loop over iterate() is reading ${this.filename}. Nothing was written.`, {
      hint: 'Finish the loop over iterate() first, or read with all().',
    });
  }

  /** Registers a loop over iterate() until the returned function is called; closing the connection stops it. @internal */
  iterating(stop: () => void): () => void {
    this.#iterators.add(stop);
    return () => void this.#iterators.delete(stop);
  }

  /** Ends the loops over iterate(), during which better-sqlite3 neither commits nor rolls back. @internal */
  endIterations(): void {
    for (const stop of this.#iterators) stop();
    this.#iterators.clear();
  }

  /** @internal */
  transactionEnded(): void {
    if (this.#isOpen) this.#refusal = this.#closedFile && (() => this.#closedFile?.change());
  }

  /** @internal Returns the typed error for an error of the driver. */
  failure(error: unknown): unknown {
    if (!this.#isOpen) return new ClosedError(this.filename);
    // After a full disk or an I/O error SQLite rolls the whole transaction back. If the caller's function catches the
    // error, each further statement would be committed by itself, so they are refused until the function ends.
    if (this.#transactions.isRunning && !this.database.inTransaction)
      this.#refusal = () => rolledBack(this.filename, error);
    return typedError(error, 'A statement on', this.filename);
  }
}
