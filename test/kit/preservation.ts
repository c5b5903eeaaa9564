import assert from 'node:assert/strict';
import type { Connection } from '../../src/engine/connection/connection.ts';
import type { Row } from '../../src/engine/driver/adapter.ts';
import type { Migration } from '../../src/engine/migrations/history.ts';
import { REBUILT } from '../../src/engine/migrations/progress.ts';
import { dataTables, quoted } from '../../src/engine/migrations/rows.ts';
import { stepsOf } from '../../src/engine/migrations/steps.ts';
import { actionOf } from '../../src/engine/sql/sql-text.ts';

/** Every row of every table. */
export type Content = ReadonlyMap<string, readonly Row[]>;

export function contentOf(connection: Connection): Content {
  return new Map(
    dataTables(connection).map((table) => [table, connection.prepare<Row>(`SELECT * FROM ${quoted(table)}`).all()]),
  );
}

const MOVES_DATA = new Set(['INSERT', 'REPLACE', 'UPDATE', 'DELETE', 'DROP TABLE']);

/** The tables whose rows a migration means to change; copying into a rebuilt table changes none. */
function tablesMeant(migration: Migration): Set<string> {
  return new Set(
    stepsOf(migration)
      .map(({ sql }) => actionOf(sql))
      .filter(({ verb, table }) => MOVES_DATA.has(verb) && table !== undefined && !REBUILT.test(table))
      .flatMap(({ table }) => (table === undefined ? [] : [table])),
  );
}

/** The tables that a migration rebuilds; their DROP is no loss. */
function tablesRebuilt(migration: Migration): Set<string> {
  return new Set(
    stepsOf(migration)
      .map(({ sql }) => actionOf(sql))
      .flatMap(({ verb, table }) =>
        verb === 'CREATE TABLE' && table && REBUILT.test(table) ? [table.replace(REBUILT, '')] : [],
      ),
  );
}

/** The rows with only the given columns, as sorted texts. */
function restricted(rows: readonly Row[], columns: readonly string[]): string[] {
  const form = (value: unknown) => {
    if (typeof value === 'bigint') return `${value}n`;
    return value instanceof Uint8Array ? `x${Buffer.from(value).toString('hex')}` : value;
  };
  return rows.map((row) => JSON.stringify(columns.map((column) => form(row[column])))).sort();
}

/** Every value that a migration does not mean to change is what it was, in every column that is still there. */
export function assertPreserved(before: Content, after: Content, migration: Migration): void {
  const meant = tablesMeant(migration);
  const rebuilt = tablesRebuilt(migration);
  for (const [table, rows] of before) {
    const now = after.get(table);
    if (!now || (meant.has(table) && !rebuilt.has(table))) continue;
    const kept = Object.keys(rows[0] ?? {}).filter((column) => column in (now[0] ?? {}));
    assert.deepEqual(restricted(now, kept), restricted(rows, kept), `${migration.tag} changes rows of ${table}`);
  }
}
