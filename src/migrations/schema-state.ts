import type { Connection } from '../core/connection.ts';
import { withoutComments } from '../core/sql-text.ts';
import type { History } from './history.ts';
import { stepsOf } from './history.ts';

/** One difference between the live schema and what the history yields. */
export interface Drift {
  /** `missing` and `changed` against the history; `extra` is in the file only. */
  readonly kind: 'missing' | 'changed' | 'extra';
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
}

interface SchemaObject {
  readonly type: Drift['type'];
  readonly name: string;
  readonly sql: string;
}

/** Names that begin with an underscore are bookkeeping: the ledger, its log, Litestream's tables. */
const OBJECTS = `SELECT type, name, sql FROM sqlite_schema
  WHERE sql IS NOT NULL AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_*' ORDER BY name`;

/** The text of every object of the schema, in one row: equal texts are equal schemas. */
export function schemaText(connection: Connection): string {
  const row = connection
    .prepare<{ text: string | null }>(`SELECT group_concat(sql, char(10)) AS text FROM (${OBJECTS})`)
    .get();
  return row?.text ?? '';
}

function objects(connection: Connection): Map<string, SchemaObject> {
  return new Map(
    connection
      .prepare<SchemaObject>(OBJECTS)
      .all()
      .map((object) => [`${object.type} ${object.name}`, object]),
  );
}

/** Runs a whole history in memory, through the same driver. The caller closes it. */
export function replay(connection: Connection, history: History): Connection {
  const memory = connection.sibling(':memory:');
  for (const migration of history.migrations) {
    for (const step of stepsOf(migration)) memory.exec(step.sql);
  }
  return memory;
}

/** How the live schema differs from what the history yields; empty where it does not. */
export function driftOf(connection: Connection, history: History): Drift[] {
  if (history.schemaText !== undefined && schemaText(connection) === history.schemaText) return [];
  using memory = replay(connection, history);
  const live = objects(connection);
  const wanted = objects(memory);
  const drift: Drift[] = [];
  for (const [key, { type, name, sql }] of wanted) {
    const found = live.get(key);
    if (!found) drift.push({ kind: 'missing', type, name });
    else if (withoutComments(found.sql) !== withoutComments(sql)) drift.push({ kind: 'changed', type, name });
  }
  for (const [key, { type, name }] of live) {
    if (!wanted.has(key)) drift.push({ kind: 'extra', type, name });
  }
  return drift;
}

/** Tables and columns that the history yields and the file lacks, as `agents` or `agents.namespace`. */
export function missingColumns(connection: Connection, history: History): string[] {
  using memory = replay(connection, history);
  const columns = (of: Connection) =>
    of
      .prepare<{ name: string }>(
        "SELECT t.name || '.' || c.name AS name FROM sqlite_schema t, pragma_table_xinfo(t.name) c WHERE t.type = 'table' AND t.name NOT GLOB '_*' AND t.name NOT GLOB 'sqlite_*'",
      )
      .all()
      .map(({ name }) => name);
  const live = new Set(columns(connection));
  return columns(memory).filter((name) => !live.has(name));
}
