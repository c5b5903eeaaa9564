import { is } from 'drizzle-orm/entity';
import { Param, Placeholder, type SQL, sql } from 'drizzle-orm/sql';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { getTableColumns } from 'drizzle-orm/utils';
import type { Connection } from '../engine/connection/connection.ts';
import type { StoreDb } from '../engine/connection/db.ts';
import type { Statement } from '../engine/connection/statement.ts';
import type { Row, RunResult } from '../engine/driver/adapter.ts';

/** A query of Drizzle's builders, ready to be rendered. */
interface Query {
  toSQL(): { sql: string; params: unknown[] };
}

/** Where a parameter of the SQL comes from: an argument by its position, or a constant of the query. */
type Source = { readonly argument: number } | { readonly constant: unknown };

/**
 * SQLite looks at the value of a bound LIMIT when it plans a statement, and so compiles the statement anew each time one
 * is bound, which takes as long as reading a page; an expression it leaves alone.
 */
const BOUND_LIMIT = ' limit ?';

/**
 * A query that Drizzle builds once, at its first use, and that stays prepared. Its arguments are the named
 * placeholders of the query (`sql.placeholder('id')`), in the order in which they are declared.
 */
export class StoreStatement<T = Row> {
  readonly #connection: Connection;
  readonly #domain: string;
  readonly #build: () => Query;
  readonly #names: readonly string[];
  #statement: Statement<T> | undefined;
  /** Undefined where the arguments are the parameters as they stand. */
  #sources: readonly Source[] | undefined;

  constructor(connection: Connection, domain: string, build: () => Query, names: readonly string[]) {
    this.#connection = connection;
    this.#domain = domain;
    this.#build = build;
    this.#names = names;
  }

  /** Runs the statement and says what it changed. */
  run(...args: unknown[]): RunResult {
    return this.runWith(args);
  }

  /** The same with an array, which is changed. */
  runWith(args: unknown[]): RunResult {
    const statement = this.#statement ?? this.#prepare();
    return statement.runWith(this.#sources ? this.#params(this.#sources, args) : args);
  }

  /** The first row, or undefined. */
  get(...args: unknown[]): T | undefined {
    return this.getWith(args);
  }

  /** The same with an array, which is changed. */
  getWith(args: unknown[]): T | undefined {
    const statement = this.#statement ?? this.#prepare();
    return statement.getWith(this.#sources ? this.#params(this.#sources, args) : args);
  }

  /** Every row. */
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
    this.#statement = this.#connection.prepare<T>(text.replaceAll(BOUND_LIMIT, `${BOUND_LIMIT} + 0`), this.#domain);
    return this.#statement;
  }

  /** Drizzle's encoders are left out: the connection itself binds booleans as 0 and 1, and no column needs another. */
  #sourceOf(param: unknown): Source {
    const value = is(param, Param) ? param.value : param;
    if (!is(value, Placeholder)) return { constant: value };
    const argument = this.#names.indexOf(value.name);
    if (argument < 0) throw new Error(`The statement does not declare its placeholder ${value.name}.`);
    return { argument };
  }
}

/** Makes the statements of one domain's stores; the domain is what `guardDomains()` checks them against. */
export function statementsOf(domain: string) {
  return <T = Row>(db: StoreDb, build: () => Query, ...names: string[]): StoreStatement<T> =>
    new StoreStatement<T>(db.$client, domain, build, names);
}

/** An expression under the name that a row's property has. */
type Aliased<T> = SQL.Aliased<T>;

/**
 * The columns of a table under the names of the schema's properties, so that the driver itself makes the objects that
 * callers get and no row is mapped: `select(columnsOf(table))`.
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
