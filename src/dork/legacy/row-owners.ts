import type { Connection } from '../../engine/connection/connection.ts';
import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';

/** A unique column other than the key, e.g. the project path of an agent. */
export interface UniqueColumn {
  readonly name: string;
  /** The reason to set a row aside if another row has its value. */
  readonly reason: string;
}

/** The result of a dry run: the row of each value, and the value of each row. Null for a row that would be deleted. */
interface Plan {
  readonly owners: Map<SqliteValue, string>;
  readonly values: Map<string, SqliteValue>;
}

/** The plans of a dry run, which its sources share. */
export class PlannedOwners {
  readonly #plans = new Map<string, Plan>();

  of(table: string): Plan {
    const plan = this.#plans.get(table) ?? { owners: new Map(), values: new Map() };
    this.#plans.set(table, plan);
    return plan;
  }
}

/** Finds the row of a table that has a value in its unique column. In a dry run, planned writes count. */
export class RowOwners {
  readonly #plan: Plan | undefined;
  readonly #find: Statement<{ owner: string }>;
  readonly #delete: Statement;

  constructor(connection: Connection, table: string, key: string, column: string, plan: Plan | undefined) {
    this.#plan = plan;
    this.#find = connection.prepare(`SELECT ${key} AS owner FROM main.${table} WHERE ${column} = ?`);
    this.#delete = connection.prepare(`DELETE FROM main.${table} WHERE ${key} = ?`);
  }

  /** Returns the key of another row that has the value; undefined if there is none. */
  otherThan(id: string, value: SqliteValue): string | undefined {
    const owner = this.#owner(value);
    return owner === id ? undefined : owner;
  }

  #owner(value: SqliteValue): string | undefined {
    const planned = this.#plan?.owners.get(value);
    if (planned !== undefined && this.#plan?.values.get(planned) === value) return planned;
    const owner = this.#find.get(value)?.owner;
    return owner === undefined || this.#plan?.values.has(owner) ? undefined : owner;
  }

  /** Deletes a row, or plans to. */
  remove(id: string): void {
    if (this.#plan) this.#plan.values.set(id, null);
    else this.#delete.run(id);
  }

  /** Notes, in a dry run, that the row would be written. */
  written(id: string, value: SqliteValue): void {
    this.#plan?.values.set(id, value);
    this.#plan?.owners.set(value, id);
  }
}
