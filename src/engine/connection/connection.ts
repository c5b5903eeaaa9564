import type { Adapter, DriverName, Row } from '../driver/adapter.ts';
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
import { refuseSecondLibrary } from './two-libraries.ts';
import { WaitingDatabase } from './waiting-database.ts';

/** What {@link Connection.pragma} takes. */
export interface PragmaOptions {
  /** True for the first column of the first row alone. Default false: the rows. */
  readonly simple?: boolean;
}

const PRAGMA_OPTIONS: OptionNames<PragmaOptions> = { simple: true };

/** How a connection is opened. */
export interface ConnectionOptions {
  /** Default false. */
  readonly readonly?: boolean;
  /**
   * True where nobody holds the file and it is only read: the driver then leaves no -wal or -shm beside it, where it
   * can. Default false.
   */
  readonly isClosed?: boolean;
  /** Default: none, whose hints name functions. */
  readonly host?: Host;
}

/** SQLite's version by driver: a process has one library for each. */
const versions = new Map<DriverName, string>();

/**
 * One open SQLite database, the same on every driver. Everything is synchronous. Errors are this package's own, with
 * the driver's in `cause`; a value of a type that SQLite does not store is a TypeError.
 */
export class Connection implements Disposable {
  /** The absolute path of the file, or `:memory:`. */
  readonly filename: string;
  /** True where nothing can be written through it. */
  readonly readonly: boolean;
  /** @internal Whose database it is. */
  readonly host: Host | undefined;
  readonly #adapter: Adapter;
  readonly #database: WaitingDatabase;
  readonly #transactions: Transactions;
  readonly #functions = new TransactionFunctions((fn, behavior) => this.runTransaction(fn, behavior));
  readonly #closing = new Set<() => void>();
  readonly #iterators = new Set<() => void>();
  readonly #preparing = new Set<(sql: string, domain: string | undefined) => void>();
  /** @internal What stands around every statement, as a monitor does, those prepared before too. Default: nothing. */
  wrapper: StatementWrapper | undefined;
  /** @internal The file on the disk; undefined in memory, and for a connection that `createDb()` did not open. */
  openFile: OpenFile | undefined;
  #isOpen = true;
  /** Why nothing may run at the moment: the connection is closed, or SQLite gave up the transaction that is running. */
  #refusal: (() => DorkDbError | undefined) | undefined;
  #closedFile: ClosedFile | undefined;

  /** @throws DatabaseOpenError, UnsupportedRuntimeError */
  constructor(adapter: Adapter, filename: string, options: ConnectionOptions = {}) {
    const { readonly = false, isClosed = false, host } = options;
    this.#adapter = adapter;
    this.filename = filename;
    this.readonly = readonly;
    this.host = host;
    refuseSecondLibrary(adapter, filename);
    const closedFile = isClosed ? new ClosedFile(filename) : undefined;
    try {
      this.#database = new WaitingDatabase(adapter.open(filename, { readonly, isClosed }));
    } catch (error) {
      throw typedError(error, 'Opening', filename);
    }
    if (this.#database.isImmutable) this.#closedFile = closedFile;
    this.transactionEnded();
    this.#transactions = new Transactions(this);
  }

  /** Which driver it runs on. */
  get driver(): DriverName {
    return this.#adapter.driver;
  }

  /** The driver's own version, as `13.2.0`; for bun:sqlite, Bun's. */
  get driverVersion(): string {
    return this.#adapter.version();
  }

  /** @internal Drizzle's session class for this driver is made by the adapter. */
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

  /** True where the file is read without locks, as one that nobody writes. */
  get isImmutable(): boolean {
    return this.#closedFile !== undefined;
  }

  /** False after `close()`. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** True between the start and the end of a transaction, also of one that was started by plain SQL. */
  get inTransaction(): boolean {
    return this.#isOpen && this.#database.inTransaction;
  }

  /** @internal True inside a loop over `iterate()`, in which nothing may be set or written. */
  get isIterating(): boolean {
    return this.#iterators.size > 0;
  }

  /**
   * Prepares one statement.
   *
   * @throws InvalidInputError where the text holds no statement, or more than one.
   */
  prepare<T = Row>(sql: string): Statement<T>;
  /** @internal With the domain of the store whose statement it is, for {@link onPrepare}. */
  prepare<T = Row>(sql: string, domain: string | undefined): Statement<T>;
  prepare<T = Row>(sql: string, domain?: string): Statement<T> {
    this.assertOpen();
    if (typeof sql !== 'string') throw new TypeError('prepare() takes the text of one SQL statement.');
    for (const observe of this.#preparing) observe(sql, domain);
    const count = sql.includes(';') ? splitStatements(sql).length : 1;
    if (count !== 1) throw new InvalidInputError('sql', `holds ${count} statements where one is prepared`);
    if (this.#iterators.size > 0 && setsPragma(sql)) this.assertNotIterating();
    try {
      // A store binds numbers to columns of type INTEGER and to LIMIT alone, which take a whole REAL for an INTEGER.
      const mustConvert = this.#adapter.bindsNumbersAsReal && domain === undefined;
      const names = mayNameParameters(sql) ? namesIn(sql) : undefined;
      return new Statement<T>(this, this.#database.prepare(sql, names), sql, mustConvert, names);
    } catch (error) {
      throw this.failure(error);
    }
  }

  /** Runs every statement of a text that takes no parameters. */
  exec(sql: string): void {
    this.assertOpen();
    this.assertNotIterating();
    if (typeof sql !== 'string') throw new TypeError('exec() takes the text of SQL statements.');
    this.assertStillThere();
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
   * @param behavior Default `immediate`: the write lock is taken at once, so that what was read cannot change before
   * it is written, and no two transactions meet half-way (SQLITE_BUSY_SNAPSHOT).
   * @throws TypeError for an async function, of which nothing is committed, and for a function that expects arguments,
   * which is not run.
   * @throws DorkDbError `ITERATING` inside a loop over `iterate()`.
   * @throws DatabaseBusyError where the lock was not free within the busy timeout.
   */
  runTransaction<T>(fn: () => T, behavior: TransactionBehavior = 'immediate'): T {
    this.assertOpen();
    return this.#transactions.run(fn, behavior);
  }

  /**
   * Another connection through the same driver, as a snapshot, a check or a replay needs one. The SQL of its schema is
   * not trusted.
   */
  sibling(filename: string, options: ConnectionOptions = {}): Connection {
    const like = { host: this.host, isClosed: this.isImmutable && filename === this.filename };
    const sibling = new Connection(this.#adapter, filename, { ...like, ...options });
    sibling.exec('PRAGMA trusted_schema = OFF');
    return sibling;
  }

  /** Calls the function before each statement is prepared; what it throws, `prepare()` throws. */
  onPrepare(observe: (sql: string, domain: string | undefined) => void): void {
    this.#preparing.add(observe);
  }

  /** Calls the function after each wait for another connection's lock, until the returned function is called. @internal */
  onWait(observe: (milliseconds: number) => void): () => void {
    return this.#database.onWait(observe);
  }

  /** Calls the function before the connection closes. What it throws, `close()` throws when the file is closed. */
  onClose(before: () => void): void {
    this.#closing.add(before);
  }

  /** Closes the file at once; no file, lock or statement stays behind. Closing twice is fine. */
  close(): void {
    if (!this.#isOpen) return;
    const failures: unknown[] = [];
    for (const before of this.#closing) {
      try {
        before();
      } catch (error) {
        failures.push(error);
      }
    }
    // better-sqlite3 does not close while rows are read.
    this.endIterations();
    this.#isOpen = false;
    this.#refusal = () => new ClosedError(this.filename);
    try {
      if (this.openFile?.mayBeGone()) this.#database.abandon();
      else this.#database.close();
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

  /**
   * Writes to a file that is not at its path any more would be lost.
   *
   * @throws DorkDbError `FILE_REPLACED`, `FILE_UNLINKED` or `WAL_GONE`.
   * @internal
   */
  assertStillThere(): void {
    this.openFile?.assertStillThere();
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

  /** Ends the loops over iterate(). better-sqlite3 neither commits nor rolls back while rows are read. @internal */
  endIterations(): void {
    for (const stop of this.#iterators) stop();
    this.#iterators.clear();
  }

  /** @internal */
  transactionEnded(): void {
    if (this.#isOpen) this.#refusal = this.#closedFile && (() => this.#closedFile?.change());
  }

  /**
   * After a full disk or an I/O error SQLite rolls the whole transaction back. A function that catches that error and
   * goes on would have each further statement committed by itself, so they are refused until it ends.
   */
  #refuseUntilTransactionEnds(cause: unknown): void {
    this.#refusal = () => rolledBack(this.filename, cause);
  }

  /** @internal The typed error for what the driver threw. */
  failure(error: unknown): unknown {
    if (!this.#isOpen) return new ClosedError(this.filename);
    if (this.#transactions.isRunning && !this.#database.inTransaction) this.#refuseUntilTransactionEnds(error);
    return typedError(error, 'A statement on', this.filename);
  }
}
