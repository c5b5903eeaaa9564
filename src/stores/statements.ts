import { is } from 'drizzle-orm/entity';
import { count, Param, Placeholder, type SQL, sql } from 'drizzle-orm/sql';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableColumns } from 'drizzle-orm/utils';
import type { Connection } from '../engine/connection/connection.ts';
import { connectionOf, type StoreDb } from '../engine/connection/db.ts';
import type { Statement } from '../engine/connection/statement.ts';
import type { Row, RunResult } from '../engine/driver/adapter.ts';

/** A query of Drizzle's builders, ready to be rendered. */
interface Query {
  toSQL(): { sql: string; params: unknown[] };
}

/** The source of an SQL parameter: an argument by its position, or a constant of the query. */
type Source = { readonly argument: number } | { readonly constant: unknown };

/**
 * SQLite uses the value of a bound LIMIT when it plans a statement and, if there is an ORDER BY or a partial index, the
 * value that a column is compared with. It therefore recompiles the statement each time a value is bound, which takes as
 * long as reading a page. It does not do so for an expression.
 */
const BOUND_LIMIT = ' limit ?';
const COMPARED = /([=<>]) \?/g;

/**
 * A query that Drizzle builds at first use and that stays prepared. Its arguments are the query's named placeholders
 * (`sql.placeholder('id')`), in the order of their declaration.
 */
export class StoreStatement<T = Row> {
  readonly #connection: Connection;
  readonly #domain: string;
  readonly #build: () => Query;
  readonly #names: readonly string[];
  #statement: Statement<T> | undefined;
  /** Undefined if the arguments can be used as parameters directly. */
  #sources: readonly Source[] | undefined;

  constructor(connection: Connection, domain: string, build: () => Query, names: readonly string[]) {
    this.#connection = connection;
    this.#domain = domain;
    this.#build = build;
    this.#names = names;
  }

  /** Runs the statement and returns the number of changes. */
  run(...args: unknown[]): RunResult {
    return this.runWith(args);
  }

  /** Like `run()`, with an array of arguments. The array is modified. */
  runWith(args: unknown[]): RunResult {
    const statement = this.#statement ?? this.#prepare();
    return statement.runWith(this.#sources ? this.#params(this.#sources, args) : args);
  }

  /** Returns the first row, or undefined. */
  get(...args: unknown[]): T | undefined {
    return this.getWith(args);
  }

  /** Like `get()`, with an array of arguments. The array is modified. */
  getWith(args: unknown[]): T | undefined {
    const statement = this.#statement ?? this.#prepare();
    return statement.getWith(this.#sources ? this.#params(this.#sources, args) : args);
  }

  /** Returns all rows. */
  all(...args: unknown[]): T[] {
    const statement = this.#statement ?? this.#prepare();
    return statement.allWith(this.#sources ? this.#params(this.#sources, args) : args);
  }

  #params(sources: readonly Source[], args: unknown[]): unknown[] {
    return sources.map((source) => ('argument' in source ? args[source.argument] : source.constant));
  }

  #prepare(): Statement<T> {
    const { sql: text, params } = this.#build().toSQL();
    const sources = params.map((param) => this.#sourceOf(param));
    const isPlain =
      sources.length === this.#names.length &&
      sources.every((source, i) => 'argument' in source && source.argument === i);
    this.#sources = isPlain ? undefined : sources;
    this.#statement = this.#connection.prepare<T>(withExpressions(text), this.#domain);
    return this.#statement;
  }

  /**
   * Drizzle's encoders are skipped: the connection binds booleans as 0 and 1 itself, and no column needs other
   * encoding.
   */
  #sourceOf(param: unknown): Source {
    const value = is(param, Param) ? param.value : param;
    if (!is(value, Placeholder)) return { constant: value };
    const argument = this.#names.indexOf(value.name);
    if (argument < 0) throw new Error(`The statement does not declare its placeholder ${value.name}.`);
    return { argument };
  }
}

/** Replaces every parameter whose value SQLite would use for its plan by an expression. */
function withExpressions(text: string): string {
  return text.replaceAll(BOUND_LIMIT, `${BOUND_LIMIT} + 0`).replaceAll(COMPARED, '$1 +?');
}

/** Returns the factory for the statements of a domain's stores; `guardDomains()` checks them against that domain. */
/* @__NO_SIDE_EFFECTS__ */
export function statementsOf(domain: string) {
  return <T = Row>(db: StoreDb, build: () => Query, ...names: string[]): StoreStatement<T> =>
    new StoreStatement<T>(connectionOf(db), domain, build, names);
}

/** Returns the factory for statements that count the rows of a table, of a domain as in {@link statementsOf}. */
export function totalsOf(domain: string, db: StoreDb, table: SQLiteTable) {
  const statement = statementsOf(domain);
  return (where: SQL | undefined, ...names: string[]): StoreStatement<{ total: number }> =>
    statement(
      db,
      () =>
        db
          .select({ total: count().as('total') })
          .from(table)
          .where(where),
      ...names,
    );
}

/** An expression with the name of a row's property as its alias. */
type Aliased<T> = SQL.Aliased<T>;

/**
 * Returns the columns of a table aliased to the property names of the schema: `select(columnsOf(table))`. The driver
 * then creates the objects that callers get, and no row needs to be mapped.
 */
export function columnsOf<T extends SQLiteTable>(
  table: T,
): { [K in keyof T['_']['columns']]: Aliased<T['_']['columns'][K]['_']['data']> } {
  const aliased = Object.entries(getTableColumns(table)).map(([name, column]) => [
    name,
    sql`${column as SQLiteColumn}`.as(name),
  ]);
  return Object.fromEntries(aliased);
}
