import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { ConstraintError } from '../../engine/errors.ts';
import { newId } from '../../stores/ids.ts';
import type { ImportContext, Origin } from './import-context.ts';
import { fingerprint, Memory } from './memory.ts';
import type { Outcome } from './receipt.ts';
import type { LEGACY_KINDS } from './schema.ts';
import type { TableRule } from './table-rule.ts';

/** A row of the older file. */
export interface OlderRow {
  /** The rowid, as text: JavaScript's numbers end at 2^53. */
  readonly row: string;
  readonly values: Readonly<Record<string, SqliteValue>>;
  /** The reason for which it is set aside, whatever it holds. */
  readonly aside: string | undefined;
}

/** Rows between two reports of the progress. */
const REPORT_EVERY = 1000;

/** Reads a table of the copy in its order, row by row since a single one can be many megabytes, and reports how far it is. */
export function* readRows(
  context: ImportContext,
  table: string,
  columns: readonly string[],
  asideIf: TableRule['asideIf'] = [],
): Generator<OlderRow> {
  const { copy, tally, progress } = context;
  if (!copy) return;
  const names = columns.map((column) => `"${column}"`).join(', ');
  const total = copy.prepare<{ n: number }>(`SELECT count(*) AS n FROM "${table}" NOT INDEXED`).get()?.n ?? 0;
  const all = copy.prepare<Record<string, SqliteValue>>(
    `SELECT CAST(s.rowid AS TEXT) AS dork_row, ${asideOf(asideIf)} AS dork_aside, ${names}
     FROM "${table}" AS s NOT INDEXED ORDER BY s.rowid`,
  );
  let rows = 0;
  tally.begin(table);
  for (const { dork_row, dork_aside, ...values } of all.iterate()) {
    if (rows++ % REPORT_EVERY === 0) progress(table, rows - 1, total);
    const row = String(dork_row);
    yield { row, values, aside: dork_aside === null ? undefined : String(dork_aside) };
  }
  progress(table, rows, total);
}

function asideOf(conditions: NonNullable<TableRule['asideIf']>): string {
  if (conditions.length === 0) return 'NULL';
  return `CASE ${conditions.map(([condition, reason]) => `WHEN ${condition} THEN '${reason}'`).join(' ')} END`;
}

/** Adds a row that does not fit to the receipt. */
export function setAside({ tally }: ImportContext, table: string, row: string, id: unknown, reason: string): void {
  tally.setAside(table, reason);
  tally.list({ table, row, id: typeof id === 'string' ? id : null, reason });
}

/** Where rows go. */
export interface RowTarget {
  readonly kind: (typeof LEGACY_KINDS)[number];
  /** The new table. */
  readonly to: string;
  /** The column by which a row is found. */
  readonly key: string;
  /** The columns that come from the older file. */
  readonly columns: readonly string[];
  /** True if the new column `id` is a ULID that the older row does not have. */
  readonly needsId?: boolean;
}

/** What became of a row. */
export interface Taken {
  readonly outcome: Exclude<Outcome, 'setAside'>;
  /** True if the row was inserted or updated. */
  readonly isWritten: boolean;
}

const IMPORTED: Taken = { outcome: 'imported', isWritten: true };
const UPDATED: Taken = { outcome: 'updated', isWritten: true };
const ALREADY_THERE: Taken = { outcome: 'alreadyThere', isWritten: false };
const DELETED_SINCE: Taken = { outcome: 'deletedSince', isWritten: false };

/** Writes rows one by one, and decides what becomes of each. */
export class RowWriter {
  readonly memory: Memory;
  readonly #isDryRun: boolean;
  readonly #target: RowTarget;
  readonly #keyAt: number;
  /** Positions of the columns that a fingerprint is made of, in an order that does not depend on the source. */
  readonly #compared: readonly number[];
  readonly #find: Statement<Record<string, SqliteValue>>;
  readonly #insert: Statement;
  readonly #update: Statement;

  constructor(context: ImportContext, target: RowTarget, origin: Origin) {
    const { connection } = context;
    const { to, key, columns, needsId } = target;
    const all = needsId ? [...columns, 'id'] : columns;
    this.memory = new Memory(context, target.kind, origin);
    this.#isDryRun = context.isDryRun;
    this.#target = target;
    this.#keyAt = columns.indexOf(key);
    const compared = columns.filter((column) => column === key || column !== 'id').sort();
    this.#compared = compared.map((column) => columns.indexOf(column));
    this.#find = connection.prepare(`SELECT ${compared.join(', ')} FROM main.${to} WHERE ${key} = ?`);
    this.#insert = connection.prepare(
      `INSERT INTO main.${to} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`,
    );
    this.#update = connection.prepare(
      `UPDATE main.${to} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE ${key} = ?`,
    );
  }

  /**
   * Takes a row that fits: inserts it if dork.db never had it, and brings it up to date if it is as it was imported and
   * the older file has moved on. A row that was changed or deleted here stays so.
   *
   * @param id The id that it has in the older file.
   * @param values Of the target's columns, in their order.
   * @param admit Called before the row is inserted. Returns the reason if it may not.
   * @returns The reason if the row is to be set aside.
   */
  take(id: string, values: readonly SqliteValue[], admit?: () => string | undefined): Taken | string {
    const key = values[this.#keyAt] as SqliteValue;
    const taken = this.memory.recall(id);
    const there = this.#find.get(key);
    if (!there && !taken?.isPlanned) {
      if (taken) return DELETED_SINCE;
      return admit?.() ?? this.put(id, values);
    }
    if (!taken) {
      this.memory.keepAsItIs(id);
      return ALREADY_THERE;
    }
    const state = this.#stateOf(values);
    if (taken.isBetter || taken.state === state) return ALREADY_THERE;
    const isChangedHere = !taken.isPlanned && there && fingerprint(Object.values(there)) !== taken.state;
    if (isChangedHere) return ALREADY_THERE;
    const reason = this.#isDryRun ? undefined : refusalOf(() => this.#update.run(...values, key));
    if (reason) return reason;
    this.memory.remember(id, state);
    return UPDATED;
  }

  /**
   * Inserts a row that is not there.
   *
   * @returns The reason if dork.db does not take it.
   */
  put(id: string, values: readonly SqliteValue[]): Taken | string {
    const extra = this.#target.needsId ? [newId()] : [];
    const reason = this.#isDryRun ? undefined : refusalOf(() => this.#insert.run(...values, ...extra));
    if (reason) return reason;
    this.memory.remember(id, this.#stateOf(values));
    return IMPORTED;
  }

  #stateOf(values: readonly SqliteValue[]): string {
    return fingerprint(this.#compared.map((i) => values[i] ?? null));
  }
}

/** Returns the reason if a constraint of the new table refuses the row; the rest of the transaction stands. */
function refusalOf(write: () => void): string | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    if (error instanceof ConstraintError) return `dork.db refuses it (${error.kind})`;
    throw error;
  }
}
