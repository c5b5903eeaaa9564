import type { Connection } from '../connection/connection.ts';
import { actionOf, leadingWords } from '../sql/sql-text.ts';

/** An object that SQLite drops together with a table. */
export interface DependentObject {
  readonly type: 'trigger' | 'view' | 'index';
  readonly name: string;
  /** The table (or view) that it belongs to; for a view, its own name. */
  readonly table: string;
  readonly sql: string;
}

interface Names {
  readonly tables: ReadonlySet<string>;
  readonly objects: ReadonlyMap<string, DependentObject>;
}

function namesOf(connection: Connection): Names {
  const tables = new Set<string>();
  const objects = new Map<string, DependentObject>();
  for (const { type, name, table, sql } of connection
    .prepare<{ type: string; name: string; table: string; sql: string }>(
      "SELECT type, name, tbl_name AS 'table', sql FROM sqlite_schema WHERE sql IS NOT NULL",
    )
    .all()) {
    if (type === 'table') tables.add(name);
    else objects.set(`${type} ${name}`, { type: type as DependentObject['type'], name, table, sql });
  }
  return { tables, objects };
}

/** Returns the columns of each index of a table, without expressions. */
function indexedColumns(connection: Connection, table: string): Map<string, Set<string>> {
  const columns = new Map<string, Set<string>>();
  for (const { name, column } of connection
    .prepare<{ name: string; column: string }>(
      `SELECT i.name, c.name AS "column" FROM pragma_index_list(?, 'main') i, pragma_index_info(i.name, 'main') c
       WHERE c.name IS NOT NULL`,
    )
    .all(table))
    columns.set(name, (columns.get(name) ?? new Set()).add(column));
  return columns;
}

function without<T>(all: Iterable<T>, some: { has(value: T): boolean }): T[] {
  return [...all].filter((value) => !some.has(value));
}

/** A table that is tracked through a migration. */
interface Followed {
  /** True if the migration created it. */
  readonly isNew: boolean;
  /** All names that it has had, oldest first. */
  readonly names: string[];
  /** True once it was dropped, even if it was created again later. */
  wasDropped?: boolean;
  /** The current name; undefined while the table does not exist. */
  name: string | undefined;
}

/** An object that was dropped with its table. */
interface GoneObject {
  readonly object: DependentObject;
  readonly table: Followed;
  /** The columns of an index. */
  readonly columns: ReadonlySet<string>;
}

/**
 * Tracks every table through one migration by comparing the schema before and after each statement that can create,
 * drop or rename a table. A rename is then not reported as a loss, and a loss is not hidden by another table with the
 * same name.
 */
export class Lineage {
  readonly #connection: Connection;
  /** The most recently dropped table is the last. */
  readonly #followed: Followed[];
  /** Objects that were dropped with a table, by type and name. */
  readonly #goneWithTable = new Map<string, GoneObject>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#followed = [...namesOf(connection).tables].map((name) => ({ isNew: false, names: [name], name }));
  }

  /** Runs a statement and records its effect on the names. */
  watch(sql: string, run: () => void): void {
    const [verb, object] = leadingWords(sql, 2);
    const isCreate = verb === 'CREATE' && (object === 'TABLE' || object === 'VIRTUAL');
    // A new table is noticed at the next statement, unless it may replace a dropped one.
    const mayBeHeir = isCreate && this.#followed.some(({ name }) => name === undefined);
    if (!mayBeHeir && verb !== 'DROP' && verb !== 'ALTER') {
      run();
      return;
    }
    const before = namesOf(this.#connection);
    const known = new Set(this.#followed.map(({ name }) => name));
    for (const name of before.tables) {
      if (!known.has(name)) this.#followed.push({ isNew: true, names: [name], name });
    }
    const dropped = verb === 'DROP' && object === 'TABLE' ? actionOf(sql).table : undefined;
    const columns = dropped === undefined ? new Map() : indexedColumns(this.#connection, dropped);
    run();
    const after = namesOf(this.#connection);
    const lost = without(before.objects.keys(), after.objects);
    if (verb === 'DROP' && object !== 'TABLE') {
      // DROP TRIGGER, DROP VIEW and DROP INDEX are explicit, so the loss is intended, even of an object that was
      // created again.
      for (const key of lost) this.#goneWithTable.delete(key);
      return;
    }
    const gone = without(before.tables, after.tables).map((name) => this.#named(name));
    for (const table of gone) {
      if (!table) continue;
      for (const key of lost) {
        const dependent = before.objects.get(key);
        if (dependent)
          this.#goneWithTable.set(key, { object: dependent, table, columns: columns.get(dependent.name) ?? new Set() });
      }
    }
    const [come] = without(after.tables, before.tables);
    if (come !== undefined) this.#appear(come, gone[0]);
    else for (const table of gone) if (table) this.#vanish(table);
  }

  #named(name: string): Followed | undefined {
    return this.#followed.find((table) => table.name === name);
  }

  #remove(table: Followed): void {
    this.#followed.splice(this.#followed.indexOf(table), 1);
  }

  /**
   * Handles a new name. A table that the migration created, and that gets the name of a dropped table, is that table
   * rebuilt. A table from before the migration that is renamed to this name keeps its own rows and does not replace it.
   */
  #appear(name: string, renamed: Followed | undefined): void {
    const mayBeHeir = renamed?.isNew ?? true;
    const heirOf = this.#followed.findLast((table) => table.name === undefined && table.names.includes(name));
    if (mayBeHeir && heirOf) {
      heirOf.name = name;
      if (renamed) this.#remove(renamed);
    } else if (renamed) {
      renamed.name = name;
      renamed.names.push(name);
    } else this.#followed.push({ isNew: true, names: [name], name });
  }

  /**
   * Handles a dropped table. If it was renamed first and a new table was created under one of its names, the drop
   * completes a rebuild.
   */
  #vanish(table: Followed): void {
    table.wasDropped = true;
    this.#remove(table);
    this.#followed.push(table);
    table.name = undefined;
    const anew = table.names.map((name) => this.#named(name)).findLast((other) => other?.isNew);
    if (!anew) return;
    table.name = anew.name;
    this.#remove(anew);
  }

  /**
   * Returns the current name of the table with the content of an earlier one: the table itself or its rebuilt form;
   * undefined if it is gone.
   */
  successorOf(table: string): string | undefined {
    return this.#followed.find(({ isNew, names }) => !isNew && names[0] === table)?.name;
  }

  /** Returns the rebuilt tables by their first name, with their current name. */
  rebuilt(): [before: string, after: string][] {
    return this.#followed.flatMap(({ isNew, names: [first], name, wasDropped }) =>
      !isNew && wasDropped && first !== undefined && name !== undefined ? [[first, name]] : [],
    );
  }

  /**
   * Returns triggers and indexes that were dropped with a table that still exists, and were not created again. An index on
   * a column that the table no longer has is not lost: it was dropped with the column.
   */
  lostObjects(): DependentObject[] {
    const { objects } = namesOf(this.#connection);
    const columnsOf = this.#connection.prepare<{ name: string }>('SELECT name FROM pragma_table_xinfo(?)');
    return [...this.#goneWithTable].flatMap(([key, { object, table, columns }]) => {
      if (table.name === undefined || objects.has(key)) return [];
      const left = columns.size > 0 ? columnsOf.all(table.name).map(({ name }) => name) : [];
      return without(columns, new Set(left)).length > 0 ? [] : [object];
    });
  }
}
