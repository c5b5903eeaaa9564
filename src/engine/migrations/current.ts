import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';
import type { History } from './history.ts';
import { LEDGER, OBJECTS } from './names.ts';

/** Stands between two statements of a schema; SQL has no use for it. */
const SEPARATOR = '\u001f';

/**
 * The schema and the ledger of a file as two texts. Neither is sorted, since sorting takes as long as all the rest: a
 * file that was not vacuumed gives both in the order in which they were written.
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
 * True where the file has this history and its schema, and nothing else need be looked at: one row is read, however
 * long the history is.
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
    // Without a ledger the statement cannot be prepared.
    if (error instanceof DorkDbError && error.code === 'SQLITE_ERROR') return [];
    throw error;
  }
}
