import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { countParameters } from '../sql/sql-text.ts';
import { statementKind } from '../sql/statement-kind.ts';
import type { DriverStatement, Row, RunResult, SqliteValue } from './adapter.ts';
import { arranged, assertCount } from './bind.ts';
import { narrowed, numberIfSafe } from './integers.ts';
import { takesNumbersByPosition } from './load-node-sqlite.ts';
import { named } from './node-error.ts';

type Params = readonly SqliteValue[];
type Names = readonly (string | undefined)[];
/** A row of the driver, in either form. */
type DriverRow = Record<string, SqliteValue> | SqliteValue[];

/**
 * A statement of node:sqlite. The driver's objects have no prototype, so rows are read as arrays and converted to objects.
 * With a `*`, whose columns change with the schema, the driver's objects are copied instead. For an integer beyond 2^53 the
 * driver throws, after the statement has run. It rounds only -2^63, whose absolute value it computes wrongly.
 */
export class NodeStatement implements DriverStatement {
  readonly readonly: boolean;
  readonly isQuery: boolean;
  readonly #database: DatabaseSync;
  readonly #inner: StatementSync;
  readonly #names: Names | undefined;
  readonly #count: number;
  readonly #writesRows: boolean;
  /** True if the driver's own objects are copied. */
  readonly #hasStar: boolean;
  /** Read with the first row. */
  #columns: readonly string[] | undefined;
  /** True if a query read -2^63, which may be rounded, or a REAL. */
  #hasLeast = false;

  constructor(database: DatabaseSync, sql: string, names: Names | undefined) {
    this.#database = database;
    this.#inner = database.prepare(sql);
    this.#names = names && driverNames(database, sql, names);
    this.#count = names?.length ?? countParameters(sql);
    const { readonly, writesRows } = statementKind(sql);
    this.readonly = readonly;
    // Reading the columns costs as much as preparing, and for these words it is known whether there are any.
    const hasColumns = /^\s*(select|values)\b/i.test(sql) || (!isPlainWrite(sql) && this.#inner.columns().length > 0);
    this.isQuery = readonly && hasColumns;
    this.#writesRows = writesRows;
    // A writing statement cannot run again, so each of its integers is read as a bigint.
    if (!readonly && hasColumns) this.#inner.setReadBigInts(true);
    this.#hasStar = hasStar(sql);
    if (!this.#hasStar) this.#inner.setReturnArrays(true);
  }

  /** Checks the number of parameters, because the driver binds NULL for missing ones. */
  protected args(params: Params): never[] {
    if (this.#names) return arranged(params, this.#names) as never[];
    if (params.length !== this.#count) assertCount(params, this.#count);
    return params as never[];
  }

  run(params: Params): RunResult {
    const args = this.args(params);
    let result: RunResult | undefined;
    try {
      result = this.#inner.run(...args) as RunResult;
    } catch (error) {
      // The row is written all the same.
      if (!isTooLarge(error)) throw named(error);
    }
    if (!result || !Number.isSafeInteger(result.lastInsertRowid)) result = this.#lastRun();
    // Of any other statement, the driver gives what the one before has changed.
    return this.#writesRows ? result : { changes: 0, lastInsertRowid: result.lastInsertRowid };
  }

  get(params: Params): unknown {
    const args = this.args(params);
    try {
      const row = this.#inner.get(...args) as DriverRow | undefined;
      const object = row && this.#object(row);
      if (!this.#hasLeast) return object;
    } catch (error) {
      this.#assertTooLarge(error);
    }
    return this.#again(() => {
      const row = this.#inner.get(...args) as DriverRow | undefined;
      return row && this.#object(row);
    });
  }

  all(params: Params): unknown[] {
    const args = this.args(params);
    try {
      const rows = this.#objects(this.#read(args));
      if (!this.#hasLeast) return rows;
    } catch (error) {
      this.#assertTooLarge(error);
    }
    return this.#again(() => this.#objects(this.#read(args)));
  }

  values(params: Params): unknown[][] {
    const args = this.args(params);
    this.#inner.setReturnArrays(true);
    try {
      const rows = this.#read(args) as unknown[][];
      if (!this.isQuery) return rows.map(narrowed);
      if (!hasLeast(rows)) return rows;
    } catch (error) {
      this.#assertTooLarge(error);
    } finally {
      if (this.#hasStar) this.#inner.setReturnArrays(false);
    }
    return this.#valuesAgain(args);
  }

  #valuesAgain(args: never[]): unknown[][] {
    this.#inner.setReturnArrays(true);
    try {
      return this.#again(() => this.#read(args) as unknown[][]);
    } finally {
      if (this.#hasStar) this.#inner.setReturnArrays(false);
    }
  }

  *iterate(params: Params): Generator<unknown, void, undefined> {
    const args = this.args(params);
    this.#inner.setReadBigInts(true);
    try {
      for (const row of this.#inner.iterate(...args)) yield narrowed(this.#object(row as DriverRow));
    } catch (error) {
      throw named(error);
    } finally {
      if (this.isQuery) this.#inner.setReadBigInts(false);
    }
  }

  /** @throws The error, unless it is that of a query that met an integer beyond 2^53. */
  #assertTooLarge(error: unknown): void {
    if (!this.isQuery || !isTooLarge(error)) throw named(error);
  }

  /** Reads a query once more, with bigints. */
  #again<T>(read: () => T): T {
    this.#inner.setReadBigInts(true);
    try {
      const rows = read();
      if (Array.isArray(rows)) for (const row of rows) narrowed(row);
      else if (rows) narrowed(rows);
      return rows;
    } catch (again) {
      throw named(again);
    } finally {
      this.#inner.setReadBigInts(false);
      this.#hasLeast = false;
    }
  }

  #read(args: never[]): unknown[] {
    if (!this.#hasStar) return this.#inner.all(...args);
    // In Node 24.16 `all()` counts the columns before SQLite sees that the schema has changed.
    return [...this.#inner.iterate(...args)];
  }

  #objects(rows: unknown[]): unknown[] {
    for (let i = 0; i < rows.length; i++) rows[i] = this.#object(rows[i] as DriverRow);
    return rows;
  }

  #object(row: DriverRow): Row {
    const object: Row = {};
    if (this.#hasStar) {
      Object.assign(object, row);
      for (const name in object) if (object[name] === LEAST) this.#hasLeast = this.isQuery;
    } else {
      this.#columns ??= this.#inner.columns().map(({ name }) => name);
      const names = this.#columns;
      for (let i = 0; i < names.length; i++) {
        const value = (row as SqliteValue[])[i] as SqliteValue;
        if (value === LEAST) this.#hasLeast = this.isQuery;
        object[names[i] as string] = value;
      }
    }
    return this.isQuery ? object : narrowed(object);
  }

  #lastRun(): RunResult {
    const statement = this.#database.prepare('SELECT changes() AS changes, last_insert_rowid() AS rowid');
    statement.setReadBigInts(true);
    const { changes, rowid } = statement.get() as { changes: bigint; rowid: bigint };
    return { changes: Number(changes), lastInsertRowid: numberIfSafe(rowid) };
  }
}

/** The names by which the driver knows the parameters; undefined for those that it takes by position. */
function driverNames(database: DatabaseSync, sql: string, names: Names): Names {
  // `:1` has a name on every Node.
  if (/[:@$]\d/.test(sql) || !takesNumbersByPosition(database)) return names;
  return names.map((name) => (name !== undefined && /^\d+$/.test(name) ? undefined : name));
}

/** True for a statement that surely returns no rows. */
function isPlainWrite(sql: string): boolean {
  return (
    /^\s*(insert|update|delete|replace|begin|commit|rollback|savepoint|release)\b/i.test(sql) && !/returning/i.test(sql)
  );
}

/** True if the columns may change with the schema; `count(*)` does not count. */
function hasStar(sql: string): boolean {
  return sql.includes('*') && sql.replaceAll(/\(\s*\*\s*\)/g, '').includes('*');
}

/** -2^63, the least INTEGER, rounded by the driver. */
const LEAST = -(2 ** 63);

function hasLeast(rows: readonly unknown[][]): boolean {
  for (const row of rows) for (const value of row) if (value === LEAST) return true;
  return false;
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_OUT_OF_RANGE';
}
