import type { Connection } from '../connection/connection.ts';
import { leadingWords } from '../sql/sql-text.ts';

/** What a schema holds besides tables, and would lose with them. */
export interface DependentObject {
  readonly type: 'trigger' | 'view' | 'index';
  readonly name: string;
  /** The table (or view) that it belongs to; a view's own name. */
  readonly table: string;
}

interface Names {
  readonly tables: ReadonlySet<string>;
  readonly objects: ReadonlyMap<string, DependentObject>;
}

function namesOf(connection: Connection): Names {
  const tables = new Set<string>();
  const objects = new Map<string, DependentObject>();
  for (const { type, name, table } of connection
    .prepare<{ type: string; name: string; table: string }>(
      "SELECT type, name, tbl_name AS 'table' FROM sqlite_schema WHERE sql IS NOT NULL",
    )
    .all()) {
    if (type === 'table') tables.add(name);
    else objects.set(`${type} ${name}`, { type: type as DependentObject['type'], name, table });
  }
  return { tables, objects };
}

function without<T>(all: Iterable<T>, some: { has(value: T): boolean }): T[] {
  return [...all].filter((value) => !some.has(value));
}

/** A table as it goes through a migration. */
interface Followed {
  /** True where the migration made it. */
  readonly isNew: boolean;
  /** Every name that it has had, the first first. */
  readonly names: string[];
  /** True after it was dropped, also where it was made anew since. */
  wasDropped?: boolean;
  /** The name that it has now; undefined while it is gone. */
  name: string | undefined;
}

/**
 * Follows every table through one migration, by what is in the schema before and after each statement that can make,
 * drop or rename one, so that a rename is no loss and a loss does not hide behind another table of the same name.
 */
export class Lineage {
  readonly #connection: Connection;
  /** The one that was dropped last is the last. */
  readonly #followed: Followed[];
  /** What went with a table, by type and name. */
  readonly #goneWithTable = new Map<string, { readonly object: DependentObject; readonly table: Followed }>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#followed = [...namesOf(connection).tables].map((name) => ({ isNew: false, names: [name], name }));
  }

  /** Runs a statement and looks at what it did to the names. */
  watch(sql: string, run: () => void): void {
    const [verb, object] = leadingWords(sql, 2);
    const isCreate = verb === 'CREATE' && (object === 'TABLE' || object === 'VIRTUAL');
    // A table more is noticed at the next statement, unless it may stand for one that is gone.
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
    run();
    const after = namesOf(this.#connection);
    const lost = without(before.objects.keys(), after.objects);
    if (verb === 'DROP' && object !== 'TABLE') {
      // DROP TRIGGER, DROP VIEW and DROP INDEX say what they take away, also where it had been made again.
      for (const key of lost) this.#goneWithTable.delete(key);
      return;
    }
    const gone = without(before.tables, after.tables).map((name) => this.#named(name));
    for (const table of gone) {
      if (!table) continue;
      for (const key of lost) {
        const dependent = before.objects.get(key);
        if (dependent) this.#goneWithTable.set(key, { object: dependent, table });
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
   * A table that the migration made and that comes to a name of a dropped one is that one made anew. A table from before
   * that is renamed to it brings its own rows, not those.
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

  /** A table that was renamed out of the way, and made anew under a name that it had, is dropped at the end. */
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
   * The table that has the content of one from before: itself under its present name, or the one that was made anew in
   * its place; undefined where it is gone.
   */
  successorOf(table: string): string | undefined {
    return this.#followed.find(({ isNew, names }) => !isNew && names[0] === table)?.name;
  }

  /** The tables from before that were dropped and made anew, by their first name, with the name that each has now. */
  rebuilt(): [before: string, after: string][] {
    return this.#followed.flatMap(({ isNew, names: [first], name, wasDropped }) =>
      !isNew && wasDropped && first !== undefined && name !== undefined ? [[first, name]] : [],
    );
  }

  /** Triggers and indexes that went with a table which is still there, and were not made again. */
  lostObjects(): DependentObject[] {
    const { objects } = namesOf(this.#connection);
    return [...this.#goneWithTable]
      .filter(([key, { table }]) => table.name !== undefined && !objects.has(key))
      .map(([, { object }]) => object);
  }
}
