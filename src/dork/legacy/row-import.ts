import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { ATTACHED, type ImportContext } from './import-context.ts';
import type { Outcome } from './receipt.ts';
import type { LEGACY_KINDS } from './schema.ts';
import { WOULD_BE } from './table-sql.ts';

type Kind = (typeof LEGACY_KINDS)[number];

/** A row of the older file, read alone, since a single one can be many megabytes. */
export interface OlderRow {
  /** The rowid, as text: JavaScript's numbers end at 2^53. */
  readonly row: string;
  readonly values: Readonly<Record<string, SqliteValue>>;
}

/** Rows between two tellings of the progress. */
const TELL_EVERY = 1000;

/** Reads a table row by row in its order, and tells how far it is. */
export function* readRows(context: ImportContext, table: string, columns: readonly string[]): Generator<OlderRow> {
  const { connection, tally, progress } = context;
  const names = columns.map((column) => `"${column}"`).join(', ');
  const total = connection
    .prepare<{ n: number }>(`SELECT count(*) AS n FROM ${ATTACHED}."${table}" NOT INDEXED`)
    .get()?.n;
  const next = connection.prepare<Record<string, SqliteValue>>(
    `SELECT CAST(rowid AS TEXT) AS dork_row, ${names} FROM ${ATTACHED}."${table}" NOT INDEXED
     WHERE rowid >= CAST(? AS INTEGER) ORDER BY rowid LIMIT 1`,
  );
  let rows = 0;
  tally.begin(table);
  for (let from = -(2n ** 63n); from < 2n ** 63n; rows++) {
    if (rows % TELL_EVERY === 0) progress(table, rows, total ?? 0);
    const found = next.get(String(from));
    if (!found) break;
    const { dork_row: row, ...values } = found;
    yield { row: String(row), values };
    from = BigInt(String(row)) + 1n;
  }
  progress(table, rows, total ?? 0);
}

/** Tells the receipt of a row that does not fit. */
export function setAside({ tally }: ImportContext, table: string, row: string, id: unknown, reason: string): void {
  tally.setAside(table, reason);
  tally.list({ table, row, id: typeof id === 'string' ? id : null, reason });
}

/** What earlier imports took, and what this one takes: `legacy_rows`, and for a dry run its stand-in in memory. */
export class Memory {
  readonly #isDryRun: boolean;
  readonly #kind: Kind;
  readonly #find: Statement<{ state: string }>;
  readonly #put: Statement;
  readonly #wouldBe: Statement;
  readonly #had: Statement;

  constructor({ connection, isDryRun }: Pick<ImportContext, 'connection' | 'isDryRun'>, kind: Kind) {
    this.#isDryRun = isDryRun;
    this.#kind = kind;
    this.#find = connection.prepare('SELECT state FROM main.legacy_rows WHERE kind = ? AND id = ?');
    this.#put = connection.prepare(
      'INSERT INTO main.legacy_rows (kind, id, state) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET state = excluded.state',
    );
    this.#had = connection.prepare(`SELECT 1 FROM ${WOULD_BE} WHERE kind = ? AND id = ?`);
    this.#wouldBe = connection.prepare(`INSERT OR IGNORE INTO ${WOULD_BE} (kind, id) VALUES (?, ?)`);
  }

  /** The state in which an earlier import took the row; undefined where none did. */
  stateOf(id: string): string | undefined {
    return this.#find.get(this.#kind, id)?.state;
  }

  /** True for a row that a dry run has put before. */
  wouldHave(id: string): boolean {
    return this.#had.get(this.#kind, id) !== undefined;
  }

  remember(id: string, state: string): void {
    if (this.#isDryRun) this.#wouldBe.run(this.#kind, id);
    else this.#put.run(this.#kind, id, state);
  }
}

/** How rows are written that JavaScript has to look at one by one. */
export interface RowTarget {
  readonly kind: Kind;
  /** The new table. */
  readonly to: string;
  /** The column by which a row is found. */
  readonly key: string;
  /** The columns that come from the older file. */
  readonly columns: readonly string[];
}

/** Writes rows one by one, and tells what became of each. */
export class RowWriter {
  readonly memory: Memory;
  readonly #isDryRun: boolean;
  readonly #target: RowTarget;
  readonly #find: Statement<Record<string, SqliteValue>>;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #extra: () => readonly SqliteValue[];

  /** @param extra Columns that the older file does not have, and their values for a new row. */
  constructor(
    context: ImportContext,
    target: RowTarget,
    extra: { columns: readonly string[]; values: () => readonly SqliteValue[] } = { columns: [], values: () => [] },
  ) {
    const { connection } = context;
    const { to, key, columns } = target;
    const all = [...columns, ...extra.columns];
    this.memory = new Memory(context, target.kind);
    this.#isDryRun = context.isDryRun;
    this.#target = target;
    this.#extra = extra.values;
    this.#find = connection.prepare(`SELECT ${columns.join(', ')} FROM main.${to} WHERE ${key} = ?`);
    this.#insert = connection.prepare(
      `INSERT INTO main.${to} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`,
    );
    this.#update = connection.prepare(
      `UPDATE main.${to} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE ${key} = ?`,
    );
  }

  /**
   * Takes a row that fits.
   *
   * @param id The id that it has in the older file.
   * @param values Of the target's columns, in their order.
   */
  take(id: string, values: readonly SqliteValue[]): Outcome {
    const { key, columns } = this.#target;
    const keyValue = values[columns.indexOf(key)] as SqliteValue;
    const there = this.#find.get(keyValue);
    const takenAs = this.memory.stateOf(id);
    if (!there) return takenAs === undefined ? this.put(id, values) : 'deletedSince';
    const state = fingerprint(values);
    const isChangedHere = fingerprint(columns.map((column) => there[column] ?? null)) !== takenAs;
    if (takenAs === undefined || takenAs === state || isChangedHere) return 'alreadyThere';
    if (!this.#isDryRun) this.#update.run(...values, keyValue);
    this.memory.remember(id, state);
    return 'updated';
  }

  /** Inserts a row that is known not to be there. */
  put(id: string, values: readonly SqliteValue[]): 'imported' {
    if (!this.#isDryRun) this.#insert.run(...values, ...this.#extra());
    this.memory.remember(id, fingerprint(values));
    return 'imported';
  }
}

/** Differs where one of the values differs. */
function fingerprint(values: readonly SqliteValue[]): string {
  // Loaded here: an import costs Bun 8 ms at each start.
  const { createHash } = process.getBuiltinModule('node:crypto');
  return createHash('sha256').update(JSON.stringify(values)).digest('base64url');
}
