import type { Connection } from '../connection/connection.ts';
import { wordsOf } from '../sql/sql-text.ts';
import type { Lineage } from './lineage.ts';

/** The last id of each AUTOINCREMENT table, as text because it may exceed 2^53. */
export type Sequences = ReadonlyMap<string, string>;

/** https://sqlite.org/autoinc.html */
export function readSequences(connection: Connection): Sequences {
  const exists = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").get();
  if (!exists) return new Map();
  const rows = connection
    .prepare<{ name: string; seq: string }>(
      'SELECT name, CAST(max(seq) AS TEXT) AS seq FROM sqlite_sequence GROUP BY name',
    )
    .all();
  return new Map(rows.map(({ name, seq }) => [name, seq]));
}

/**
 * Restores the last ids of rebuilt tables. SQLite forgets a table's last id when the table is dropped, so a rebuilt
 * table would reuse the ids of deleted rows.
 */
export function carrySequences(connection: Connection, before: Sequences, lineage: Lineage): void {
  for (const [old, table] of lineage.rebuilt()) {
    const seq = before.get(old);
    if (seq === undefined || !isAutoincrement(connection, table)) continue;
    const { n } = connection
      .prepare<{ n: number }>('SELECT count(*) AS n FROM sqlite_sequence WHERE name = ? AND seq >= CAST(? AS INTEGER)')
      .get(table, seq) ?? { n: 0 };
    if (n > 0) continue;
    connection.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table);
    connection.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, CAST(? AS INTEGER))').run(table, seq);
  }
}

function isAutoincrement(connection: Connection, table: string): boolean {
  const found = connection
    .prepare<{ sql: string }>("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?")
    .get(table);
  return found !== undefined && wordsOf(found.sql).has('autoincrement');
}
