import type { DriverStatement, RunResult, SqliteValue } from '../driver/adapter.ts';

/** The role of a statement in a transaction. */
export type Role = 'read' | 'write' | 'begin' | 'commit' | 'rollback';

/** Counts the runs of statements. */
interface RunCounter {
  done(sql: string, role: Role, milliseconds: number, isIdle?: boolean): void;
  failed(sql: string, milliseconds: number, error: unknown): void;
}

/** Wraps a driver's statement and reports the duration and the result of each run to a recorder. */
export class RecordedStatement implements DriverStatement {
  readonly readonly: boolean;
  readonly isQuery: boolean;
  readonly #recorder: RunCounter;
  readonly #inner: DriverStatement;
  readonly #sql: string;
  readonly #role: Role;
  /** If such a statement changes nothing, it commits nothing. */
  readonly #isRowWrite: boolean;

  constructor(recorder: RunCounter, inner: DriverStatement, sql: string, role: Role) {
    this.#recorder = recorder;
    this.#inner = inner;
    this.#sql = sql;
    this.#role = role;
    this.#isRowWrite = role === 'write' && /^\s*(insert|update|delete|replace)\b/i.test(sql);
    this.readonly = inner.readonly;
    this.isQuery = inner.isQuery;
  }

  run(params: readonly SqliteValue[]): RunResult {
    const from = performance.now();
    let result: RunResult;
    try {
      result = this.#inner.run(params);
    } catch (error) {
      throw this.#failed(error, from);
    }
    this.#recorder.done(this.#sql, this.#role, performance.now() - from, this.#isRowWrite && result.changes === 0);
    return result;
  }

  get(params: readonly SqliteValue[]): unknown {
    const from = performance.now();
    let row: unknown;
    try {
      row = this.#inner.get(params);
    } catch (error) {
      throw this.#failed(error, from);
    }
    const isIdle = this.#isRowWrite && (row === undefined || row === null);
    this.#recorder.done(this.#sql, this.#role, performance.now() - from, isIdle);
    return row;
  }

  all(params: readonly SqliteValue[]): unknown[] {
    const from = performance.now();
    let rows: unknown[];
    try {
      rows = this.#inner.all(params);
    } catch (error) {
      throw this.#failed(error, from);
    }
    this.#recorder.done(this.#sql, this.#role, performance.now() - from, this.#isRowWrite && rows.length === 0);
    return rows;
  }

  values(params: readonly SqliteValue[]): unknown[][] {
    const from = performance.now();
    let rows: unknown[][];
    try {
      rows = this.#inner.values(params);
    } catch (error) {
      throw this.#failed(error, from);
    }
    this.#recorder.done(this.#sql, this.#role, performance.now() - from, this.#isRowWrite && rows.length === 0);
    return rows;
  }

  /** Counted, but not timed: most of the time is spent in the caller's loop. */
  iterate(params: readonly SqliteValue[]): IterableIterator<unknown> {
    this.#recorder.done(this.#sql, this.#role, 0);
    return this.#inner.iterate(params);
  }

  #failed(error: unknown, from: number): unknown {
    this.#recorder.failed(this.#sql, performance.now() - from, error);
    return error;
  }
}
