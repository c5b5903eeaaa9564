import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';
import type { History } from './history.ts';
import { LEDGER, OBJECTS } from './names.ts';

/** Separates the statements of a schema; it never occurs in SQL. */
const SEPARATOR = '\u001f';

/**
 * Selects the schema and the ledger of a file as two texts. They are not sorted, because sorting takes as long as
 * everything else. Unless the file was vacuumed, both are in the order in which they were written.
 */
const STATE = `SELECT (SELECT group_concat(sql, char(${SEPARATOR.charCodeAt(0)})) FROM ${OBJECTS}),
  (SELECT group_concat(hash) FROM ${LEDGER})`;

interface Wanted {
  readonly schema: string;
  readonly ledger: string;
}

const wantedBy = new WeakMap<History, Wanted>();

function wantedOf(history: History): Wanted {
  let wanted = wantedBy.get(history);
  if (!wanted) {
    wanted = {
      schema: history.schema?.join(SEPARATOR) ?? '',
      ledger: history.migrations.map(({ hash }) => hash).join(','),
    };
    wantedBy.set(history, wanted);
  }
  return wanted;
}

function isSameSet(a: string, b: string): boolean {
  return a.length === b.length && a.split(SEPARATOR).sort().join() === b.split(SEPARATOR).sort().join();
}

/**
 * Returns true if the file has exactly this history and its schema, so that nothing else needs to be checked. Reads one
 * row, however long the history is.
 */
export function isCurrent(connection: Connection, history: History): boolean {
  if (!history.schema) return false;
  const wanted = wantedOf(history);
  const [schema, ledger] = stateOf(connection);
  return (
    ledger === wanted.ledger &&
    (schema === wanted.schema || (typeof schema === 'string' && isSameSet(schema, wanted.schema)))
  );
}

function stateOf(connection: Connection): unknown[] {
  try {
    return connection.prepare(STATE).values()[0] ?? [];
  } catch (error) {
    // The statement cannot be prepared without a ledger.
    if (error instanceof DorkDbError && error.code === 'SQLITE_ERROR') return [];
    throw error;
  }
}
