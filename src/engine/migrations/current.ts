import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';
import { MEMORY } from '../file/path.ts';
import { type History, hashOf } from './history.ts';
import { LEDGER, logOf, OBJECTS } from './names.ts';

/** Separates the statements of a schema; it never occurs in SQL. */
const SEPARATOR = '\u001f';

/**
 * Selects the schema and the ledger of a file as two texts. They are not sorted, because sorting takes as long as
 * everything else. Unless the file was vacuumed, both are in the order in which they were written.
 */
const STATE = `(SELECT group_concat(sql, char(${SEPARATOR.charCodeAt(0)})) FROM ${OBJECTS}) AS schema,
  (SELECT group_concat(hash) FROM ${LEDGER}) AS ledger`;

/** The state of a file. */
interface State {
  readonly schema: string | null;
  readonly ledger: string | null;
  /** See {@link recordSchema}. */
  readonly recorded?: string | null;
}

interface Wanted {
  readonly ledger: string;
  readonly schema: string | undefined;
}

const wantedBy = new WeakMap<History, Wanted>();

function wantedOf(history: History): Wanted {
  let wanted = wantedBy.get(history);
  if (!wanted) {
    wanted = {
      schema: history.schema?.join(SEPARATOR),
      ledger: history.migrations.map(({ hash }) => hash).join(','),
    };
    wantedBy.set(history, wanted);
  }
  return wanted;
}

/** Returns true if this process knows the schema that a history yields. */
export function hasSchema(history: History): boolean {
  return wantedOf(history).schema !== undefined;
}

/** Keeps the schema that a replay of a history yielded, for later openings in this process. */
export function learnSchema(history: History, schema: readonly string[]): void {
  const wanted = wantedOf(history);
  if (wanted.schema === undefined) wantedBy.set(history, { ...wanted, schema: schema.join(SEPARATOR) });
}

function isSameSet(a: string, b: string): boolean {
  return a.length === b.length && sorted(a) === sorted(b);
}

function sorted(schema: string): string {
  return schema.split(SEPARATOR).sort().join(SEPARATOR);
}

/**
 * Returns true if the file has exactly this history and its schema, so that nothing else needs to be checked. Reads one
 * row, however long the history is.
 */
export function isCurrent(connection: Connection, history: History): boolean {
  const wanted = wantedOf(history);
  const { schema, ledger, recorded } = stateOf(connection, wanted.schema === undefined) ?? {};
  if (ledger !== wanted.ledger || typeof schema !== 'string') return false;
  if (wanted.schema !== undefined) return schema === wanted.schema || isSameSet(schema, wanted.schema);
  return typeof recorded === 'string' && recorded === schemaHash(wanted.ledger, schema);
}

/** Returns undefined for a file without a ledger; with `withRecord`, also without a column {@link recordSchema} adds. */
function stateOf(connection: Connection, withRecord: boolean): State | undefined {
  const recorded = withRecord
    ? `, (SELECT schema_hash FROM ${logOf(connection)} ORDER BY rowid DESC LIMIT 1) AS recorded`
    : '';
  try {
    return connection.prepare<State>(`SELECT ${STATE}${recorded}`).get();
  } catch (error) {
    // The table or the column does not exist.
    if (error instanceof DorkDbError && error.code === 'SQLITE_ERROR') return undefined;
    throw error;
  }
}

function schemaHash(ledger: string, schema: string): string {
  return hashOf(`${ledger}\n${sorted(schema)}`);
}

/**
 * Records in the log that the schema of a file is the one that its history yields, so that an opening with a history from
 * a folder need not replay it. The caller has compared the schema, in the transaction that is running.
 */
export function recordSchema(connection: Connection, history: History): void {
  if (history.schema || connection.filename === MEMORY) return;
  const log = logOf(connection);
  const { schema, ledger } = stateOf(connection, false) ?? {};
  if (typeof schema !== 'string' || typeof ledger !== 'string') return;
  const hasColumn = connection.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = 'schema_hash'").get(log);
  if (!hasColumn) connection.exec(`ALTER TABLE ${log} ADD COLUMN schema_hash text`);
  connection
    .prepare(`UPDATE ${log} SET schema_hash = ? WHERE rowid = (SELECT max(rowid) FROM ${log})`)
    .run(schemaHash(ledger, schema));
}
