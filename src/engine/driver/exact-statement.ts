import type { DriverStatement, RunResult, SqliteValue } from './adapter.ts';
import { type Column, type IntegerKeys, integerKeys, mayBeRounded, narrowed } from './integers.ts';

type Params = readonly SqliteValue[];

/**
 * A statement of a driver that rounds integers beyond 2^53 unless it is asked for bigints, which cost more. A query is
 * read with numbers, and again with bigints if one of them may have been rounded; what can write runs once, with bigints.
 */
export abstract class ExactStatement implements DriverStatement {
  abstract readonly readonly: boolean;
  abstract readonly isQuery: boolean;
  readonly #sql: string;
  #keys: IntegerKeys | undefined;
  #hasRun = false;

  constructor(sql: string) {
    this.#sql = sql;
  }

  abstract run(params: Params): RunResult;
  protected abstract readFirst(params: Params): unknown;
  protected abstract readAll(params: Params): unknown[];
  protected abstract readValues(params: Params): unknown[][];
  protected abstract readEach(params: Params): Iterable<unknown>;
  /** Switches between bigints and numbers for integers. */
  protected abstract asBigints(isOn: boolean): void;
  protected abstract columns(): Column[];

  get(params: Params): unknown {
    if (this.isQuery) {
      const row = this.readFirst(params);
      if (!row || !mayBeRounded(row, this.#integerKeys(1)?.names)) return row;
    }
    return this.#exactly(() => {
      const row = this.readFirst(params);
      return row ? narrowed(row) : row;
    });
  }

  all(params: Params): unknown[] {
    if (this.isQuery) {
      const rows = this.readAll(params);
      if (!areAnyRounded(rows, this.#integerKeys(rows.length)?.names)) return rows;
    }
    return this.#exactly(() => this.readAll(params).map(narrowed));
  }

  values(params: Params): unknown[][] {
    if (this.isQuery) {
      const rows = this.readValues(params);
      if (!areAnyRounded(rows, this.#integerKeys(rows.length)?.positions)) return rows;
    }
    return this.#exactly(() => this.readValues(params).map(narrowed));
  }

  *iterate(params: Params): Generator<unknown, void, undefined> {
    this.asBigints(true);
    try {
      for (const row of this.readEach(params)) yield narrowed(row);
    } finally {
      this.asBigints(false);
    }
  }

  #exactly<T>(read: () => T): T {
    this.asBigints(true);
    try {
      return read();
    } finally {
      this.asBigints(false);
    }
  }

  /** Undefined at first for a single row: to read the columns costs more than to look at each of its values. */
  #integerKeys(rows: number): IntegerKeys | undefined {
    if (!this.#keys && (rows > 1 || this.#hasRun)) this.#keys = integerKeys(this.#sql, this.columns());
    this.#hasRun = true;
    return this.#keys;
  }
}

function areAnyRounded(rows: readonly unknown[], keys: readonly (string | number)[] | undefined): boolean {
  // Nothing to look at in a list of texts.
  if (keys?.length === 0) return false;
  for (let i = 0; i < rows.length; i++) if (mayBeRounded(rows[i], keys)) return true;
  return false;
}
