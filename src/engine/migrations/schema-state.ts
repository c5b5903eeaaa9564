import type { Connection } from '../connection/connection.ts';
import { MigrationError } from '../errors.ts';
import { messageOf } from '../realm.ts';
import { splitStatements, withoutComments } from '../sql/sql-text.ts';
import { isCurrent, learnSchema } from './current.ts';
import type { History } from './history.ts';
import { OBJECTS } from './names.ts';
import { BREAKPOINT } from './steps.ts';

/** A difference between the live schema and the history's schema. */
export interface Drift {
  /** `missing` or `changed` compared to the history; `extra` exists only in the file. */
  readonly kind: 'missing' | 'changed' | 'extra';
  readonly type: 'table' | 'index' | 'trigger' | 'view';
  readonly name: string;
}

export interface SchemaObject {
  readonly type: Drift['type'];
  readonly name: string;
  readonly sql: string;
}

/** Returns the statements of a schema in the order in which they were run. */
export function schemaStatements(connection: Connection): string[] {
  return connection
    .prepare<{ sql: string }>(`SELECT sql FROM ${OBJECTS} ORDER BY rowid`)
    .all()
    .map(({ sql }) => sql);
}

/** Returns the objects of a schema by type and name. */
export function schemaObjects(connection: Connection): Map<string, SchemaObject> {
  return new Map(
    connection
      .prepare<SchemaObject>(`SELECT type, name, sql FROM ${OBJECTS} ORDER BY name`)
      .all()
      .map((object) => [`${object.type} ${object.name}`, object]),
  );
}

/**
 * Runs a whole history in memory with the same driver. The caller closes the connection.
 *
 * @throws MigrationError of kind `failed` if a statement fails on an empty database.
 */
export function replay(connection: Connection, history: History): Connection {
  const memory = connection.sibling(':memory:');
  try {
    // Off and in a transaction, like in the runner, so that the pragmas of a migration cannot turn them on.
    memory.exec('PRAGMA foreign_keys = OFF');
    memory.runTransaction(() => {
      for (const { tag, sql } of history.migrations) replayOne(memory, tag, sql);
    });
  } catch (error) {
    memory.close();
    throw error;
  }
  return memory;
}

function replayOne(memory: Connection, tag: string, sql: string): void {
  for (const [i, chunk] of sql.split(BREAKPOINT).entries()) {
    try {
      for (const statement of splitStatements(chunk)) memory.exec(statement);
    } catch (cause) {
      const reason = messageOf(cause);
      throw new MigrationError('failed', `Chunk ${i + 1} of ${tag} fails on an empty database. ${reason}`, {
        hint: 'Correct the migration: new files are created by running the whole history.',
        cause,
      });
    }
  }
}

/**
 * Returns the statements of the schema that a history yields.
 *
 * @throws MigrationError of kind `failed` if one of its statements fails on an empty database.
 */
export function schemaOf(connection: Connection, history: History): string[] {
  using memory = replay(connection, history);
  return schemaStatements(memory);
}

/** Returns the differences between two schemas; empty if they are equal. */
export function schemaDrift(live: Connection, wanted: Connection): Drift[] {
  const found = schemaObjects(live);
  const expected = schemaObjects(wanted);
  const drift: Drift[] = [];
  for (const [key, { type, name, sql }] of expected) {
    const object = found.get(key);
    if (!object) drift.push({ kind: 'missing', type, name });
    else if (withoutComments(object.sql) !== withoutComments(sql)) drift.push({ kind: 'changed', type, name });
  }
  for (const [key, { type, name }] of found) {
    if (!expected.has(key)) drift.push({ kind: 'extra', type, name });
  }
  return drift;
}

/**
 * Returns what {@link driftOf} does for a file that has every migration of the history. Replays the history in memory
 * only if the file may not have its schema: that takes longer than all else of an opening or a check.
 */
export function liveDrift(connection: Connection, history: History): Drift[] {
  return isCurrent(connection, history) ? [] : driftOf(connection, history);
}

/** Returns the differences between the live schema and the history's schema; empty if they are equal. */
export function driftOf(connection: Connection, history: History): Drift[] {
  using memory = replay(connection, history);
  learnSchema(history, schemaStatements(memory));
  return schemaDrift(connection, memory);
}

/** Returns the tables and columns that the file lacks, e.g. `notes` or `notes.title`. */
export function missingColumns(connection: Connection, history: History): string[] {
  using memory = replay(connection, history);
  const columns = (of: Connection) =>
    of
      .prepare<{ name: string }>(
        `SELECT t.name || '.' || c.name AS name
         FROM (SELECT name FROM ${OBJECTS} AND type = 'table') t, pragma_table_xinfo(t.name) c`,
      )
      .all()
      .map(({ name }) => name);
  const live = new Set(columns(connection));
  return columns(memory).filter((name) => !live.has(name));
}
