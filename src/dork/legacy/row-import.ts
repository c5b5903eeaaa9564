import type { Statement } from '../../engine/connection/statement.ts';
import type { SqliteValue } from '../../engine/driver/adapter.ts';
import { ConstraintError } from '../../engine/errors.ts';
import { newId } from '../../stores/ids.ts';
import type { ImportContext, Origin } from './import-context.ts';
import { fingerprint, idWithin, isMet, Memory, metParameters, REPLACED, type Recalled } from './memory.ts';
import type { Outcome } from './receipt.ts';
import { RowOwners, type UniqueColumn } from './row-owners.ts';
import type { LEGACY_KINDS } from './schema.ts';

/** A row of the older file. */
export interface OlderRow {
  /** The rowid, as text: JavaScript's numbers end at 2^53. */
  readonly row: string;
  readonly values: Readonly<Record<string, SqliteValue>>;
}

/** Rows between two reports of the progress. */
const REPORT_EVERY = 1000;

/** Reads a table of the copy in its order, row by row since a single one can be many megabytes, and reports how far it is. */
export function* readRows(context: ImportContext, table: string, columns: readonly string[]): Generator<OlderRow> {
  const { copy, tally, progress } = context;
  if (!copy) return;
  const names = columns.map((column) => `"${column}"`).join(', ');
  const total = copy.prepare<{ n: number }>(`SELECT count(*) AS n FROM "${table}" NOT INDEXED`).get()?.n ?? 0;
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
  /** The column that tells several rows of one key apart. */
  readonly within?: string;
  /** True if the older table has one row of a key, in which `within` may change. */
  readonly isAlone?: boolean;
  readonly unique?: UniqueColumn;
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

/** Columns that rows have been imported without, and that never change in a row. */
const NOT_COMPARED = ['kind'];

/** Writes rows one by one, and decides what becomes of each. */
export class RowWriter {
  readonly memory: Memory;
  readonly #isDryRun: boolean;
  readonly #hasSeveralReleases: boolean;
  readonly #target: RowTarget;
  /** Positions of the columns by which a row is found. */
  readonly #keyAt: readonly number[];
  /** Positions of the columns that a fingerprint is made of, in an order that does not depend on the source. */
  readonly #compared: readonly number[];
  readonly #uniqueAt: number;
  /** Most rows of a first import are new: one look instead of up to five. */
  readonly #isKnown: Statement<{ known: number }>;
  readonly #find: Statement<Record<string, SqliteValue>>;
  /** Finds the newest row with the key, whatever tells it apart. */
  readonly #findOther: Statement<Record<string, SqliteValue>> | undefined;
  readonly #insert: Statement;
  readonly #update: Statement;
  readonly #context: ImportContext;
  readonly #owners: RowOwners | undefined;
  /** Rows of a table with a unique column that the older file has. */
  readonly #met = new Set<string>();

  constructor(context: ImportContext, target: RowTarget, origin: Origin) {
    const { connection, isDryRun, planned } = context;
    const { to, key, within, isAlone, columns, needsId, unique } = target;
    const keys = within === undefined ? [key] : [key, within];
    const isRow = keys.map((column) => `${column} = ?`).join(' AND ');
    const all = needsId ? [...columns, 'id'] : columns;
    this.memory = new Memory(context, target.kind, origin);
    this.#context = context;
    this.#isDryRun = isDryRun;
    this.#hasSeveralReleases = context.hasSeveralReleases;
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
    // Without ORDER BY: a sorter for each row would cost more than all else of the search.
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
   * Takes a row that fits: inserts it if dork.db never had it, and brings it up to date if it is as it was imported and
   * the older file has moved on. A row that was changed or deleted here stays so.
   *
   * @param olderId The id that it has in the older file.
   * @param values Of the target's columns, in their order.
   * @param admit Called before the row is inserted. Returns the reason if it may not.
   * @returns The reason if the row is to be set aside.
   */
  take(olderId: string, values: readonly SqliteValue[], admit?: () => string | undefined): Taken | string {
    const { within, unique } = this.#target;
    const key = this.#keyAt.map((i) => values[i] as SqliteValue);
    if (unique) this.#met.add(olderId);
    const isKnown = this.#isDryRun || this.#isKnown.get(...metParameters(olderId), key[0])?.known !== 0;
    if (!isKnown) return admit?.() ?? this.#put(idWithin(olderId, key[1]), values);
    const row = this.#find.get(...key) ?? this.#findOther?.get(key[0]);
    const id = idWithin(olderId, key[1]);
    const idThere = within !== undefined && row ? idWithin(olderId, row[within]) : id;
    const taken = this.memory.recall(idThere) ?? (within === undefined ? undefined : this.#recallOther(olderId, row));
    const there = this.#isDryRun && taken?.isReplaced ? undefined : row;
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
      // An older release must not bring back what it has.
      if (this.#hasSeveralReleases && taken.isFromOlder) this.memory.remember(idThere, state);
      return ALREADY_THERE;
    }
    const isChangedHere = !taken.isPlanned && there && fingerprint(Object.values(there)) !== taken.state;
    if (isChangedHere) return ALREADY_THERE;
    const keyThere = within !== undefined && there ? [key[0], there[within]] : key;
    return this.#write(id, values, UPDATED, () => this.#update.run(...values, ...keyThere));
  }

  /**
   * Inserts a row that is not there.
   *
   * @returns The reason if dork.db does not take it.
   */
  #put(id: string, values: readonly SqliteValue[]): Taken | string {
    const extra = this.#target.needsId ? [newId()] : [];
    return this.#write(id, values, IMPORTED, () => this.#insert.run(...values, ...extra));
  }

  /**
   * Writes a row, and remembers it. A row that has its unique value is removed first, if it came from an older file that
   * knows no better and was not changed here.
   */
  #write(id: string, values: readonly SqliteValue[], done: Taken, write: () => void): Taken | string {
    const { unique, to } = this.#target;
    const owner = this.#ownerOf(id, values);
    if (owner !== undefined && unique && !this.#mayReplace(owner, id)) return unique.reason;
    const writeAll = () => {
      if (owner !== undefined) this.#owners?.remove(owner);
      if (!this.#isDryRun) write();
    };
    const { connection } = this.#context;
    // Both or none: a constraint may refuse the row.
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

  /** True if the row is as an import wrote it, which knew no better than this one, and the older file has it no more. */
  #mayReplace(owner: string, id: string): boolean {
    const taken = this.memory.recall(owner);
    if (!taken || this.#met.has(owner)) return false;
    if (taken.isBetter) {
      // Once the better row is deleted here, this one must not take its place.
      if (!this.memory.recall(id)) this.memory.rememberReplaced(id, owner);
      return false;
    }
    const there = this.#find.get(owner);
    return taken.isPlanned || (there !== undefined && fingerprint(Object.values(there)) === taken.state);
  }

  /** By its id alone a row is remembered that was deleted before the table had several rows of an id. */
  #recallOther(olderId: string, there: unknown): Recalled | undefined {
    const known = this.memory.recall(olderId);
    return known ?? (this.#target.isAlone && !there ? this.memory.recallWithin(olderId) : undefined);
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
