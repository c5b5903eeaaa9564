import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';
import { wordsOf } from '../sql/sql-text.ts';
import type { History, Migration } from './history.ts';
import { type DependentObject, Lineage } from './lineage.ts';
import type { Loss } from './losses.ts';
import { reindexMovedRows } from './reindex.ts';
import { countRowsOf, dataTables, type RowCounts } from './rows.ts';
import { carrySequences, readSequences, type Sequences } from './sequences.ts';
import type { MigrationStep } from './steps.ts';
import { lostFeatures, type TableFeature, tableFeatures } from './table-features.ts';
import { type Touched, touchedBy } from './touched.ts';
import { type ColumnValues, forgottenColumns, valuesOf } from './values.ts';

/** The state of the affected tables before a migration. */
interface Before {
  readonly touched: Touched;
  readonly rows: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<string, readonly ColumnValues[]>;
  readonly sequences: Sequences;
  readonly features: readonly TableFeature[];
  readonly lineage: Lineage | undefined;
}

/**
 * Compares the content of a database before and after each migration. Reads only the tables that the migration may
 * change.
 */
export class LossGuard {
  readonly #connection: Connection;
  readonly #history: History;
  /** The tables whose current number of rows is known. */
  #known: Map<string, number>;
  /** Values of the tables that were rebuilt, and that no migration has named since. */
  readonly #values = new Map<string, readonly ColumnValues[]>();
  readonly losses: Loss[] = [];

  /** @param rows The number of rows of every table at the beginning. */
  constructor(connection: Connection, history: History, rows: RowCounts) {
    this.#connection = connection;
    this.#history = history;
    this.#known = new Map(Object.entries(rows));
  }

  /** Records the state of the tables that a migration may change. */
  before(steps: readonly MigrationStep[]): Before {
    const touched = touchedBy(this.#connection, steps);
    const { words, replaced } = touched;
    const follows = replaced.size > 0;
    const rows = new Map<string, number>();
    const values = new Map<string, readonly ColumnValues[]>();
    const tables = words ? dataTables(this.#connection).filter((table) => words.has(table.toLowerCase())) : [];
    for (const table of tables) {
      rows.set(table, this.#known.get(table) ?? countRowsOf(this.#connection, table));
      if (follows && replaced.has(table.toLowerCase()))
        values.set(table, this.#values.get(table) ?? valuesOf(this.#connection, table));
    }
    if (this.#values.size > 0) this.#forget(words ?? new Set(steps.flatMap(({ sql }) => [...wordsOf(sql)])));
    return {
      touched,
      rows,
      values,
      sequences: follows ? readSequences(this.#connection) : new Map(),
      features: follows ? tableFeatures(this.#connection) : [],
      lineage: follows ? new Lineage(this.#connection) : undefined,
    };
  }

  /**
   * Records what the migration lost without declaring it: rows, the values of a column, and triggers, views, indexes and
   * features of a rebuilt table. An index that is only in this file is created again.
   *
   * @param dangling Returns how many rows of a table (by its name before) were dangling and no longer are.
   */
  after(before: Before, migration: Migration, allowed: ReadonlySet<string>, dangling: (table: string) => number): void {
    const { tag } = migration;
    const { rows, values, lineage, sequences, touched } = before;
    const now = touched.words || lineage ? new Set(dataTables(this.#connection)) : new Set<string>();
    const successorOf = (table: string) => {
      const name = lineage ? lineage.successorOf(table) : table;
      return name !== undefined && now.has(name) ? name : undefined;
    };
    const mayLose = (...names: (string | undefined)[]) =>
      names.some((name) => name !== undefined && allowed.has(name.toLowerCase()));
    if (lineage) this.#follow(successorOf);
    for (const [table, had] of rows) {
      const name = successorOf(table);
      const left = name === undefined ? 0 : countRowsOf(this.#connection, name);
      if (name !== undefined) this.#known.set(name, left);
      const gone = dangling(table);
      if (left >= had - gone || mayLose(table, name)) continue;
      this.losses.push({ kind: 'rows', tag, table, had, left });
    }
    if (!lineage) return;
    carrySequences(this.#connection, sequences, lineage);
    reindexMovedRows(this.#connection, lineage);
    for (const [table, name] of lineage.rebuilt()) {
      const old = values.get(table);
      // If rows are gone, intended or not, their values are gone too.
      if (!old || mayLose(table, name) || (this.#known.get(name) ?? 0) < (rows.get(table) ?? 0)) continue;
      const copied = valuesOf(this.#connection, name);
      this.#values.set(name, copied);
      for (const { name: column, before: had, after: left } of forgottenColumns(this.#connection, old, copied))
        this.losses.push({ kind: 'values', tag, table, column, had, left });
    }
    for (const lost of lostFeatures(before.features, tableFeatures(this.#connection), lineage.rebuilt()))
      if (!mayLose(lost.name)) this.losses.push({ kind: 'feature', tag, ...lost });
    for (const object of lineage.lostObjects()) {
      if (mayLose(object.name)) continue;
      if (object.type === 'index' && (migration.droppedIndexes?.includes(object.name) || this.#putBack(object)))
        continue;
      this.losses.push({ kind: 'object', tag, object });
    }
  }

  /** Creates an index again that no migration names. Returns false for any other index, or if the new table does not fit. */
  #putBack({ name, sql }: DependentObject): boolean {
    const word = name.toLowerCase();
    if (this.#history.migrations.some((migration) => wordsOf(migration.sql).has(word))) return false;
    try {
      this.#connection.exec(sql);
      return true;
    } catch (error) {
      if (error instanceof DorkDbError && /^SQLITE_(ERROR|CONSTRAINT)/.test(error.code)) return false;
      throw error;
    }
  }

  #forget(words: ReadonlySet<string>): void {
    for (const table of this.#values.keys()) if (words.has(table.toLowerCase())) this.#values.delete(table);
  }

  #follow(successorOf: (table: string) => string | undefined): void {
    const known = new Map<string, number>();
    for (const [table, rows] of this.#known) {
      const name = successorOf(table);
      if (name !== undefined) known.set(name, rows);
    }
    this.#known = known;
  }
}
