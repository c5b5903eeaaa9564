import type { DriverStatement, Row, RunResult } from './adapter.ts';
import { bindable } from './bind.ts';
import type { Connection } from './connection.ts';

/** Stands around a driver's statement, and passes on what it does not change. */
export type StatementWrapper = (statement: DriverStatement, sql: string) => DriverStatement;

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
    return this.runWith(params);
  }

  /** The same with an array, which is changed: a spread costs a hot path a tenth of a microsecond. @internal */
  runWith(params: unknown[]): RunResult {
    this.#begin();
    try {
      return this.#driver.run(bindable(params, this.#numbersAsReal));
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** The first row, or undefined. */
  get(...params: unknown[]): T | undefined {
    return this.getWith(params);
  }

  /** The same with an array, which is changed: a spread costs a hot path a tenth of a microsecond. @internal */
  getWith(params: unknown[]): T | undefined {
    this.#begin();
    try {
      return (this.#driver.get(bindable(params, this.#numbersAsReal)) ?? undefined) as T | undefined;
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** Every row; an empty array for a statement that returns none. */
  all(...params: unknown[]): T[] {
    return this.allWith(params);
  }

  /** The same with an array, which is changed: a spread costs a hot path a tenth of a microsecond. @internal */
  allWith(params: unknown[]): T[] {
    this.#begin();
    try {
      return this.#driver.all(bindable(params, this.#numbersAsReal)) as T[];
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** Every row as an array of its columns. */
  values(...params: unknown[]): unknown[][] {
    this.#begin();
    try {
      return this.#driver.values(bindable(params, this.#numbersAsReal));
    } catch (error) {
      throw this.#connection.failure(error);
    }
  }

  /** The rows one by one; until the loop ends the connection refuses to write. */
  *iterate(...params: unknown[]): Generator<T, void, undefined> {
    this.#begin();
    const rows = this.#rows(params);
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

  /** better-sqlite3 binds here, bun:sqlite at the first row. */
  #rows(params: unknown[]): IterableIterator<T> {
    try {
      return this.#driver.iterate(bindable(params, this.#numbersAsReal)) as IterableIterator<T>;
    } catch (error) {
      throw this.#connection.failure(error);
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
