import type { DriverStatement, Row, RunResult, SqliteValue } from '../driver/adapter.ts';
import { assertCount, bindable, byPosition } from '../driver/bind.ts';
import { DorkDbError } from '../errors.ts';
import { isError } from '../realm.ts';
import { countParameters } from '../sql/sql-text.ts';

/** Wraps a driver's statement, and passes on everything that it does not change. */
export type StatementWrapper = (statement: DriverStatement, sql: string) => DriverStatement;

/** @internal The connection of a statement. */
export interface StatementHost {
  readonly filename: string;
  readonly wrapper: StatementWrapper | undefined;
  assertOpen(): void;
  assertNotIterating(): void;
  assertStillThere(): void;
  iterating(stop: () => void): () => void;
  failure(error: unknown): unknown;
}

/**
 * A prepared statement. Parameters are given in their order: null, numbers, bigint, strings, booleans (as 0 and 1),
 * Uint8Array; undefined is NULL. Their number must be right. A statement with named parameters (`:id`, `@id`, `$id`)
 * also takes one object: `get({ id: 5 })`.
 */
export class Statement<T = Row> {
  readonly #connection: StatementHost;
  readonly #bare: DriverStatement;
  readonly #sql: string;
  readonly #numbersAsReal: boolean;
  readonly #isRollback: boolean;
  readonly #names: readonly (string | undefined)[] | undefined;
  /** The driver's statement, or its wrapper. */
  #driver: DriverStatement;
  #wrapper: StatementWrapper | undefined;
  /** Ends the loop that reads this statement's rows one by one. */
  #iteration: (() => void) | undefined;

  /** @internal */
  constructor(
    connection: StatementHost,
    driver: DriverStatement,
    sql: string,
    numbersAsReal: boolean,
    names: readonly (string | undefined)[] | undefined,
  ) {
    this.#connection = connection;
    this.#bare = driver;
    this.#driver = driver;
    this.#sql = sql;
    this.#isRollback = /^\s*(rollback|release)\b/i.test(sql);
    this.#numbersAsReal = numbersAsReal;
    this.#names = names;
  }

  /** Runs the statement and returns the number of changed rows. */
  run(...params: unknown[]): RunResult {
    return this.runWith(params);
  }

  /** Is `run()` with an array, which it changes: a spread costs a hot path 0.1 microseconds. @internal */
  runWith(params: unknown[]): RunResult {
    this.#begin();
    try {
      return this.#driver.run(this.#bindable(params));
    } catch (error) {
      throw this.#failure(error, params);
    }
  }

  /** Returns the first row, or undefined. */
  get(...params: unknown[]): T | undefined {
    return this.getWith(params);
  }

  /** Is `get()` with an array, like {@link runWith}. @internal */
  getWith(params: unknown[]): T | undefined {
    this.#begin();
    try {
      return (this.#driver.get(this.#bindable(params)) ?? undefined) as T | undefined;
    } catch (error) {
      throw this.#failure(error, params);
    }
  }

  /** Returns every row; an empty array for a statement without rows. */
  all(...params: unknown[]): T[] {
    return this.allWith(params);
  }

  /** Is `all()` with an array, like {@link runWith}. @internal */
  allWith(params: unknown[]): T[] {
    this.#begin();
    try {
      return this.#driver.all(this.#bindable(params)) as T[];
    } catch (error) {
      throw this.#failure(error, params);
    }
  }

  /** Returns every row as an array of its columns. */
  values(...params: unknown[]): unknown[][] {
    this.#begin();
    try {
      return this.#driver.values(this.#bindable(params));
    } catch (error) {
      throw this.#failure(error, params);
    }
  }

  /**
   * Reads the rows one by one. Until the loop ends, the connection refuses to write and to begin a transaction, and this
   * statement does not run again. A transaction that ends before the loop does ends the loop.
   *
   * @throws DorkDbError `ITERATION_ENDED` if rows are asked for after that.
   */
  *iterate(...params: unknown[]): Generator<T, void, undefined> {
    this.#begin();
    const rows = this.#rows(params);
    let isRunning = true;
    const stop = () => {
      if (!isRunning) return;
      isRunning = false;
      if (this.#iteration === stop) this.#iteration = undefined;
      rows.return?.();
    };
    this.#iteration = stop;
    const end = this.#connection.iterating(stop);
    try {
      for (;;) {
        this.#connection.assertOpen();
        if (!isRunning) throw iterationEnded(this.#connection.filename);
        const { done, value } = rows.next();
        if (done) return;
        yield value;
      }
    } catch (error) {
      throw this.#failure(error, params);
    } finally {
      end();
      stop();
    }
  }

  /** better-sqlite3 binds here, bun:sqlite at the first row. */
  #rows(params: unknown[]): IterableIterator<T> {
    try {
      return this.#driver.iterate(this.#bindable(params)) as IterableIterator<T>;
    } catch (error) {
      throw this.#failure(error, params);
    }
  }

  /** Returns this statement with rows as arrays, for Drizzle's session for better-sqlite3. */
  raw(): { all: (...params: unknown[]) => unknown[][]; get: (...params: unknown[]) => unknown[] | undefined } {
    return {
      all: (...params) => this.values(...params),
      get: (...params) => this.values(...params)[0],
    };
  }

  #begin(): void {
    this.#connection.assertOpen();
    if (this.#wrapper !== this.#connection.wrapper) this.#wrap();
    if (this.#iteration) throw beingIterated(this.#connection.filename);
    if (this.#driver.isQuery) return;
    this.#connection.assertNotIterating();
    // A transaction on a file that is gone must be able to end.
    if (!this.#isRollback) this.#connection.assertStillThere();
  }

  /** better-sqlite3 has an error of its own for a wrong number of parameters. To count them each time costs too much. */
  #failure(error: unknown, params: readonly unknown[]): unknown {
    if (!isError(error) || error.name !== 'RangeError') return this.#connection.failure(error);
    try {
      assertCount(params, countParameters(this.#sql));
      return this.#connection.failure(error);
    } catch (wrongCount) {
      return wrongCount;
    }
  }

  #bindable(params: unknown[]): SqliteValue[] {
    return bindable(this.#names ? byPosition(params, this.#names) : params, this.#numbersAsReal);
  }

  #wrap(): void {
    this.#wrapper = this.#connection.wrapper;
    this.#driver = this.#wrapper?.(this.#bare, this.#sql) ?? this.#bare;
  }
}

/** Methods of better-sqlite3 that this class lacks, with what to use instead. */
const REFUSED = {
  pluck: 'values(), or get() and its column',
  expand: 'a SELECT that names its columns',
  bind: 'the parameters of run(), get() and all()',
  columns: 'the keys of a row, or pragma("table_info(…)")',
  safeIntegers: 'the rows as they are: an integer beyond 2^53 is a bigint',
};

for (const [name, instead] of Object.entries(REFUSED)) {
  Object.defineProperty(Statement.prototype, name, {
    value(): never {
      throw new TypeError(`A statement has no ${name}() here. Use ${instead}. Nothing was run.`);
    },
  });
}

function beingIterated(filename: string): DorkDbError {
  return new DorkDbError(
    'ITERATING',
    `The rows of this statement on ${filename} are still being read. It was not run.`,
    {
      hint: 'Finish the loop over iterate() first, or prepare the statement a second time.',
    },
  );
}

function iterationEnded(filename: string): DorkDbError {
  return new DorkDbError(
    'ITERATION_ENDED',
    `The transaction on ${filename} ended before this loop over iterate(). The remaining rows were not read.`,
    { hint: 'Finish the loop inside the transaction, or read with all().' },
  );
}
