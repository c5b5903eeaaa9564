import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { ConstraintError } from '../../engine/errors.ts';
import { newId } from '../../stores/ids.ts';
import type { ImportContext, Origin } from './import-context.ts';
import { fingerprint, idWithin, isMet, Memory, metParameters, REPLACED, type Recalled, SEPARATOR } from './memory.ts';
import type { Outcome } from './receipt.ts';
import { RowOwners, type UniqueColumn } from './row-owners.ts';
import type { LEGACY_KINDS } from './schema.ts';

/** A row of the older file. */
export interface OlderRow {
  /** The rowid, as text: JavaScript's numbers are exact only up to 2^53. */
  readonly row: string;
  readonly values: Readonly<Record<string, SqliteValue>>;
}

/** Rows between two reports of the progress. */
const REPORT_EVERY = 1000;

/** Reads a table of the copy in its order, and reports the progress. One row at a time: a row can be many megabytes. */
export function* readRows(context: ImportContext, table: string, columns: readonly string[]): Generator<OlderRow> {
  const { copy, totals, tally, progress } = context;
  if (!copy) return;
  const names = columns.map((column) => `"${column}"`).join(', ');
  const total = totals.get(table) ?? 0;
  const all = copy.prepare<Record<string, SqliteValue>>(
    `SELECT CAST(rowid AS TEXT) AS dork_row, ${names} FROM "${table}" NOT INDEXED ORDER BY rowid`,
  );
  let rows = 0;
  tally.begin(table);
  for (const { dork_row, ...values } of all.iterate()) {
    if (rows++ % REPORT_EVERY === 0) progress(table, rows - 1, total);
    const row = String(dork_row);
    yield { row, values };
  }
  progress(table, rows, total);
}

/** Adds an invalid row to the receipt. */
export function setAside({ tally }: ImportContext, table: string, row: string, id: unknown, reason: string): void {
  tally.setAside(table, reason);
  tally.list({ table, row, id: typeof id === 'string' ? id : null, reason });
}

/** The table that rows are imported into. */
export interface RowTarget {
  readonly kind: (typeof LEGACY_KINDS)[number];
  /** The new table. */
  readonly to: string;
  /** The column by which a row is found. */
  readonly key: string;
  /** The column that distinguishes several rows with the same key. */
  readonly within?: string;
  /** True if the older table has one row per key, whose `within` may change. */
  readonly isAlone?: boolean;
  readonly unique?: UniqueColumn;
  /** The reason to set a row aside if an earlier row of the file has the same key. Default: the key is unique in the file. */
  readonly sameKey?: string;
  /** The columns that come from the older file. */
  readonly columns: readonly string[];
  /** True if the new column `id` is a ULID that the older row does not have. */
  readonly needsId?: boolean;
}

/** The result for a row. */
export interface Taken {
  readonly outcome: Exclude<Outcome, 'setAside'>;
  /** True if the row was inserted or updated. */
  readonly isWritten: boolean;
}

const IMPORTED: Taken = { outcome: 'imported', isWritten: true };
const UPDATED: Taken = { outcome: 'updated', isWritten: true };
const ALREADY_THERE: Taken = { outcome: 'alreadyThere', isWritten: false };
const DELETED_SINCE: Taken = { outcome: 'deletedSince', isWritten: false };

/** Drivers return this character for every invalid one, so that different keys may be read as the same text. */
const REPLACEMENT = '\ufffd';
const SAME_TEXT = 'its key has invalid characters, and is otherwise that of an earlier row';

/** Columns that earlier imports did not have, and that never change in a row. */
const NOT_COMPARED = ['kind'];

/** Writes rows one by one, and decides whether each is inserted, updated, kept or set aside. */
export class RowWriter {
  readonly memory: Memory;
  readonly #target: RowTarget;
  /** Positions of the columns by which a row is found. */
  readonly #keyAt: readonly number[];
  /** Positions of the columns of a fingerprint, in an order that does not depend on the source. */
  readonly #compared: readonly number[];
  readonly #uniqueAt: number;
  /** Finds out in one query whether a row is new, like most rows of a first import. Else up to five queries follow. */
  readonly #isKnown: Statement<{ known: number }>;
  readonly #find: Statement<Record<string, SqliteValue>>;
  /** Finds the newest row with the key, whatever its `within` is. */
  readonly #findOther: Statement<Record<string, SqliteValue>> | undefined;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #context: ImportContext;
  readonly #owners: RowOwners | undefined;
  /** Rows of a table with a unique column that the older file has. */
  readonly #met = new Set<string>();
  /** The keys of the rows that were taken, for keys that the file may repeat. */
  readonly #taken = new Set<string>();

  constructor(context: ImportContext, target: RowTarget, origin: Origin) {
    const { connection, isDryRun, planned } = context;
    const { to, key, within, isAlone, columns, needsId, unique } = target;
    const keys = within === undefined ? [key] : [key, within];
    const isRow = keys.map((column) => `${column} = ?`).join(' AND ');
    const all = needsId ? [...columns, 'id'] : columns;
    this.memory = new Memory(context, target.kind, origin);
    this.#context = context;
    this.#target = target;
    this.#keyAt = keys.map((column) => columns.indexOf(column));
    const compared = columns
      .filter((column) => (column === key || column !== 'id') && !NOT_COMPARED.includes(column))
      .sort();
    this.#compared = compared.map((column) => columns.indexOf(column));
    this.#uniqueAt = unique ? columns.indexOf(unique.name) : -1;
    const select = `SELECT ${compared.join(', ')} FROM main.${to} WHERE`;
    this.#isKnown = connection.prepare(
      `SELECT ${isMet(target.kind)} OR EXISTS (SELECT 1 FROM main.${to} WHERE ${key} = ?) AS known`,
    );
    this.#find = connection.prepare(`${select} ${isRow}`);
    // Without ORDER BY: sorting would cost more than the rest of the search.
    this.#findOther = isAlone
      ? connection.prepare(`${select} rowid = (SELECT max(rowid) FROM main.${to} WHERE ${key} = ?)`)
      : undefined;
    this.#insert = connection.prepare(
      `INSERT INTO main.${to} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`,
    );
    this.#update = connection.prepare(
      `UPDATE main.${to} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE ${isRow}`,
    );
    this.#owners = unique && new RowOwners(connection, to, key, unique.name, isDryRun ? planned.of(to) : undefined);
  }

  /**
   * Takes a valid row: inserts it if dork.db never had it, and updates it if it changed in the older file but not in
   * dork.db. A row that was changed or deleted in dork.db stays so.
   *
   * @param olderId The row's id in the older file.
   * @param values The values of the target's columns, in their order.
   * @param admit Called before the row is inserted. Returns a reason to refuse it.
   * @returns The result, or the reason to set the row aside.
   */
  take(olderId: string, values: readonly SqliteValue[], admit?: () => string | undefined): Taken | string {
    const keyAt = this.#target.isAlone ? this.#keyAt.slice(0, 1) : this.#keyAt;
    const key = keyAt.map((i) => values[i]).join(SEPARATOR);
    const sameKey = this.#target.sameKey ?? (key.includes(REPLACEMENT) ? SAME_TEXT : undefined);
    if (sameKey === undefined) return this.#take(olderId, values, admit);
    if (this.#taken.has(key)) return sameKey;
    const taken = this.#take(olderId, values, admit);
    if (typeof taken !== 'string') this.#taken.add(key);
    return taken;
  }

  #take(olderId: string, values: readonly SqliteValue[], admit?: () => string | undefined): Taken | string {
    const { within, unique } = this.#target;
    const key = this.#keyAt.map((i) => values[i] as SqliteValue);
    if (unique) this.#met.add(olderId);
    const isKnown = this.#context.isDryRun || this.#isKnown.get(...metParameters(olderId), key[0])?.known !== 0;
    if (!isKnown) return admit?.() ?? this.#put(idWithin(olderId, key[1]), values);
    const row = this.#find.get(...key) ?? this.#findOther?.get(key[0]);
    const id = idWithin(olderId, key[1]);
    const idThere = within !== undefined && row ? idWithin(olderId, row[within]) : id;
    const taken = this.memory.recall(idThere) ?? (within === undefined ? undefined : this.#recallOther(olderId, row));
    const there = this.#context.isDryRun && taken?.isReplaced ? undefined : row;
    if (!there && !taken?.isPlanned) {
      if (taken && !(taken.isReplaced && !taken.isBetter)) return this.#reasonOf(id, values) ?? DELETED_SINCE;
      return admit?.() ?? this.#put(id, values);
    }
    if (!taken) {
      this.memory.keepAsItIs(idThere);
      return ALREADY_THERE;
    }
    const state = this.#stateOf(values);
    if (taken.isBetter) return ALREADY_THERE;
    if (taken.state === state) {
      // Recorded so that an older release does not replace the row by its own.
      if (this.#context.hasSeveralReleases && taken.isFromOlder) this.memory.remember(idThere, state);
      return ALREADY_THERE;
    }
    const isChangedHere = !taken.isPlanned && there && fingerprint(Object.values(there)) !== taken.state;
    if (isChangedHere) return ALREADY_THERE;
    const keyThere = within !== undefined && there ? [key[0], there[within]] : key;
    return this.#write(id, values, UPDATED, () => this.#update.run(...values, ...keyThere));
  }

  /**
   * Inserts a new row.
   *
   * @returns The result, or the reason if dork.db refuses the row.
   */
  #put(id: string, values: readonly SqliteValue[]): Taken | string {
    const extra = this.#target.needsId ? [newId()] : [];
    return this.#write(id, values, IMPORTED, () => this.#insert.run(...values, ...extra));
  }

  /**
   * Writes a row, and remembers it. Another row with the same unique value is removed first, if it was imported from a
   * source that is not better, and was not changed in dork.db.
   */
  #write(id: string, values: readonly SqliteValue[], done: Taken, write: () => void): Taken | string {
    const { unique, to } = this.#target;
    const owner = this.#ownerOf(id, values);
    if (owner !== undefined && unique && !this.#mayReplace(owner, id)) return unique.reason;
    const writeAll = () => {
      if (owner !== undefined) this.#owners?.remove(owner);
      if (!this.#context.isDryRun) write();
    };
    const { connection } = this.#context;
    // Both writes or neither: a constraint may refuse the row.
    const reason = refusalOf(owner === undefined ? writeAll : () => connection.runTransaction(writeAll));
    if (reason) return reason;
    if (owner !== undefined && unique) {
      this.memory.remember(owner, REPLACED);
      this.#context.tally.adjust(to, `${unique.name}_taken_over`);
    }
    this.memory.remember(id, this.#stateOf(values));
    this.#owners?.written(id, values[this.#uniqueAt] ?? null);
    return done;
  }

  /** Returns the key of another row that has the unique value of this one. */
  #ownerOf(id: string, values: readonly SqliteValue[]): string | undefined {
    return this.#owners?.otherThan(id, values[this.#uniqueAt] ?? null);
  }

  #reasonOf(id: string, values: readonly SqliteValue[]): string | undefined {
    return this.#ownerOf(id, values) === undefined ? undefined : this.#target.unique?.reason;
  }

  /** Returns true for an unchanged row of an import from a source that is not better, which the older file no longer has. */
  #mayReplace(owner: string, id: string): boolean {
    const taken = this.memory.recall(owner);
    if (!taken || this.#met.has(owner)) return false;
    if (taken.isBetter) {
      // Recorded so that this row does not replace the better one after that was deleted in dork.db.
      if (!this.memory.recall(id)) this.memory.rememberReplaced(id, owner);
      return false;
    }
    const there = this.#find.get(owner);
    return taken.isPlanned || (there !== undefined && fingerprint(Object.values(there)) === taken.state);
  }

  /**
   * Returns the facts about a row that is not remembered under its full key. A row that was deleted before the table had
   * several rows per id is remembered only by its id.
   */
  #recallOther(olderId: string, there: unknown): Recalled | undefined {
    const known = this.memory.recall(olderId);
    return known ?? (this.#target.isAlone && !there ? this.memory.recallWithin(olderId) : undefined);
  }

  #stateOf(values: readonly SqliteValue[]): string {
    return fingerprint(this.#compared.map((i) => values[i] ?? null));
  }
}

/** Returns the reason if a constraint of the new table refuses the row. The transaction's other writes are kept. */
function refusalOf(write: () => void): string | undefined {
  try {
    write();
    return undefined;
  } catch (error) {
    if (error instanceof ConstraintError) return `a constraint of dork.db refuses the row (${error.kind})`;
    throw error;
  }
}
