import type { Connection } from '../connection/connection.ts';
import { DorkDbError } from '../errors.ts';
import { MEMORY } from '../file/path.ts';
import { type History, hashOf } from './history.ts';
import { IS_NOT_OF_SCHEMA, LEDGER, logOf } from './names.ts';

/** Each ends a name and a statement in the text of a schema; they never occur in SQL. */
const NAME_END = '\u001e';
const STATEMENT_END = '\u001f';

/**
 * Selects the schema and the ledger of a file as two texts. SQLite takes twice as long if it selects or sorts the objects
 * itself. Unless the file was vacuumed, both are in the order in which they were written.
 */
const STATE = `group_concat(name || '${NAME_END}' || sql, '${STATEMENT_END}') AS schema,
  (SELECT group_concat(hash) FROM ${LEDGER}) AS ledger`;

/** The state of a file. */
interface State {
  /** The names and statements of its objects. */
  readonly schema: string;
  readonly ledger: string | null;
  /** See {@link recordSchema}. */
  readonly recorded?: string | null;
}

interface Wanted {
  readonly ledger: string;
  readonly schema: readonly string[] | undefined;
  /** The text of the schema of the last file that was current: most files of a process have the same. */
  text?: string;
}

const wantedBy = new WeakMap<History, Wanted>();

function wantedOf(history: History): Wanted {
  let wanted = wantedBy.get(history);
  if (!wanted) {
    wanted = { schema: history.schema, ledger: history.migrations.map(({ hash }) => hash).join(',') };
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
  if (wanted.schema === undefined) wantedBy.set(history, { ...wanted, schema });
}

function isSameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && (isSameList(a, b) || isSameList(a.toSorted(), b.toSorted()));
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.every((statement, i) => statement === b[i]);
}

/**
 * Returns true if the file has exactly this history and its schema, so that nothing else needs to be checked. Reads one
 * row, however long the history is.
 */
export function isCurrent(connection: Connection, history: History): boolean {
  const wanted = wantedOf(history);
  const state = stateOf(connection, wanted.schema === undefined);
  if (!state || state.ledger !== wanted.ledger) return false;
  const isSame = state.schema === wanted.text || hasWanted(state, wanted);
  if (isSame) wanted.text = state.schema;
  return isSame;
}

function hasWanted({ schema, recorded }: State, wanted: Wanted): boolean {
  if (wanted.schema !== undefined) return isSameSet(statementsIn(schema), wanted.schema);
  return typeof recorded === 'string' && recorded === schemaHash(wanted.ledger, schema);
}

/** Returns undefined for a file without a ledger; with `withRecord`, also without a column {@link recordSchema} adds. */
function stateOf(connection: Connection, withRecord: boolean): State | undefined {
  const recorded = withRecord
    ? `, (SELECT schema_hash FROM ${logOf(connection)} ORDER BY rowid DESC LIMIT 1) AS recorded`
    : '';
  try {
    return connection.prepare<State>(`SELECT ${STATE}${recorded} FROM sqlite_schema`).get();
  } catch (error) {
    // The table or the column does not exist.
    if (error instanceof DorkDbError && error.code === 'SQLITE_ERROR') return undefined;
    throw error;
  }
}

function statementsIn(schema: string): string[] {
  const statements: string[] = [];
  for (const object of schema.split(STATEMENT_END)) {
    const end = object.indexOf(NAME_END);
    if (!IS_NOT_OF_SCHEMA.test(object.slice(0, end))) statements.push(object.slice(end + 1));
  }
  return statements;
}

function schemaHash(ledger: string, schema: string): string {
  return hashOf(`${ledger}\n${statementsIn(schema).sort().join(STATEMENT_END)}`);
}

/**
 * Records in the log that the schema of a file is the one that its history yields, so that an opening with a history from
 * a folder need not replay it. The caller has compared the schema, in the transaction that is running.
 */
export function recordSchema(connection: Connection, history: History): void {
  if (history.schema || connection.filename === MEMORY) return;
  const log = logOf(connection);
  const { schema, ledger } = stateOf(connection, false) ?? {};
  if (schema === undefined || typeof ledger !== 'string') return;
  const hasColumn = connection.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = 'schema_hash'").get(log);
  if (!hasColumn) connection.exec(`ALTER TABLE ${log} ADD COLUMN schema_hash text`);
  connection
    .prepare(`UPDATE ${log} SET schema_hash = ? WHERE rowid = (SELECT max(rowid) FROM ${log})`)
    .run(schemaHash(ledger, schema));
}
