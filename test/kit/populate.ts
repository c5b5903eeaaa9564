import type { Connection } from '../../src/engine/connection/connection.ts';
import type { SqliteValue } from '../../src/engine/driver/adapter.ts';
import { ConstraintError } from '../../src/engine/errors.ts';
import { dataTables, quoted } from '../../src/engine/migrations/rows.ts';
import { checksOf, literalsOf, mentions, passes } from './checks.ts';
import { Random } from './random.ts';
import { candidates, varied } from './values.ts';

export interface PopulateOptions {
  /** Rows to try for in each table. Default 25. */
  readonly rows?: number;
  /** Default 1. */
  readonly seed?: number;
}

interface Column {
  readonly name: string;
  readonly type: string;
  readonly mayBeNull: boolean;
  readonly parent?: { readonly table: string; readonly column: string };
  /** What the column's own CHECKs let through; undefined where it has none. */
  readonly allowed?: readonly SqliteValue[];
}

interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
}

const TRIES = 60;

/**
 * Fills every table of a database with rows that its own schema allows: types, NOT NULL, CHECKs, unique and foreign
 * keys are read from it, so that a table which the next migration makes is filled too.
 *
 * @throws Error where a table takes no row at all: then teach `values.ts` what its CHECK wants.
 */
export function populate(connection: Connection, { rows = 25, seed = 1 }: PopulateOptions = {}): void {
  const random = new Random(seed);
  connection.runTransaction(() => {
    for (const table of inOrder(dataTables(connection).map((name) => describe(connection, name)))) {
      let inserted = 0;
      for (let row = 0; row < rows; row++) if (insertRow(connection, table, row, random)) inserted++;
      if (inserted === 0) throw new Error(`The kit found no row that ${table.name} takes.`);
    }
  });
}

/** Parents first. */
function inOrder(tables: readonly Table[]): Table[] {
  const ordered: Table[] = [];
  const left = new Map(tables.map((table) => [table.name, table]));
  while (left.size > 0) {
    const isReady = ({ name, columns }: Table) =>
      columns.every(({ parent }) => !parent || parent.table === name || !left.has(parent.table));
    const next = [...left.values()].find(isReady) ?? ([...left.values()][0] as Table);
    left.delete(next.name);
    ordered.push(next);
  }
  return ordered;
}

function describe(connection: Connection, table: string): Table {
  const sql = connection
    .prepare<{ sql: string }>("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?")
    .get(table)?.sql;
  const checks = checksOf(sql ?? '');
  const keys = connection
    .prepare<{ from: string; table: string; to: string | null }>(
      'SELECT "from", "table", "to" FROM pragma_foreign_key_list(?)',
    )
    .all(table);
  const columns = connection
    .prepare<{ name: string; type: string; notnull: number; pk: number }>(
      'SELECT name, type, "notnull", pk FROM pragma_table_xinfo(?) WHERE hidden = 0',
    )
    .all(table)
    .map(({ name, type, notnull, pk }): Column => {
      const key = keys.find(({ from }) => from.toLowerCase() === name.toLowerCase());
      const own = checks.filter((check) => mentions(check, name));
      const values = [...own.flatMap(literalsOf), ...candidates(type, name)];
      return {
        name,
        type,
        mayBeNull: notnull === 0 && pk === 0,
        ...(key && { parent: { table: key.table, column: key.to ?? primaryKeyOf(connection, key.table) } }),
        ...(own.length > 0 && {
          allowed: values.filter((value) => own.every((check) => passes(connection, table, name, check, value))),
        }),
      };
    });
  return { name: table, columns };
}

function primaryKeyOf(connection: Connection, table: string): string {
  return (
    connection.prepare<{ name: string }>('SELECT name FROM pragma_table_info(?) WHERE pk = 1').get(table)?.name ??
    'rowid'
  );
}

function insertRow(connection: Connection, { name, columns }: Table, row: number, random: Random): boolean {
  const names = columns.map((column) => quoted(column.name)).join(', ');
  const insert = connection.prepare(
    `INSERT INTO ${quoted(name)} (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      insert.run(...columns.map((column) => valueFor(connection, column, row, random)));
      return true;
    } catch (error) {
      if (!(error instanceof ConstraintError)) throw error;
    }
  }
  return false;
}

function valueFor(connection: Connection, column: Column, row: number, random: Random): SqliteValue {
  const { name, type, mayBeNull, parent, allowed } = column;
  if (mayBeNull && random.chance(0.25)) return null;
  if (parent) {
    const keys = connection
      .prepare<{ value: SqliteValue }>(`SELECT ${quoted(parent.column)} AS value FROM ${quoted(parent.table)}`)
      .all();
    return keys.length > 0 ? random.pick(keys).value : null;
  }
  if (allowed) return allowed.length > 0 ? random.pick(allowed) : null;
  return varied(random.pick(candidates(type, name)), name, row, random);
}
