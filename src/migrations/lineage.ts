import type { Connection } from '../core/connection.ts';
import { leadingWords } from '../core/sql-text.ts';

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

/**
 * Follows every table through one migration, by what is in the schema before and after each statement that can drop or
 * rename one, so that a rename is no loss and a loss does not hide behind another table of the same name.
 */
export class Lineage {
  readonly #connection: Connection;
  readonly #before: Names;
  /** The name that a table has now, by the one it had at first; undefined for one that was dropped. */
  readonly #nameNow: Map<string, string | undefined>;
  /** What DROP TRIGGER, DROP VIEW and DROP INDEX took away, by name. */
  readonly #droppedByName = new Set<string>();

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#before = namesOf(connection);
    this.#nameNow = new Map([...this.#before.tables].map((name) => [name, name]));
  }

  /** Runs a statement and looks at what it did to the names. */
  watch(sql: string, run: () => void): void {
    const [verb, object] = leadingWords(sql, 2);
    if (verb !== 'DROP' && !(verb === 'ALTER' && object === 'TABLE')) return run();
    const before = namesOf(this.#connection);
    run();
    const after = namesOf(this.#connection);
    const gone = without(before.tables, after.tables)[0];
    if (gone !== undefined) {
      const successor = verb === 'ALTER' ? without(after.tables, before.tables)[0] : undefined;
      for (const [name, now] of this.#nameNow) if (now === gone) this.#nameNow.set(name, successor);
    }
    if (object === 'TABLE') return;
    for (const key of without(before.objects.keys(), after.objects)) this.#droppedByName.add(key);
  }

  /**
   * The table that has the content of one from before: itself under its present name, or the one that was made anew in
   * its place; undefined where it is gone.
   */
  successorOf(table: string): string | undefined {
    const now = this.#nameNow.get(table);
    if (now !== undefined) return now;
    // Another table from before that was renamed to this name brought its own rows, not these.
    return [...this.#nameNow.values()].includes(table) ? undefined : table;
  }

  /** Triggers, views and indexes that went with a table which is still there, and that no DROP of their own named. */
  lostObjects(): DependentObject[] {
    const after = namesOf(this.#connection);
    return [...this.#before.objects].flatMap(([key, object]) => {
      if (after.objects.has(key) || this.#droppedByName.has(key)) return [];
      const table = this.successorOf(object.table);
      return table !== undefined && after.tables.has(table) ? [object] : [];
    });
  }
}
