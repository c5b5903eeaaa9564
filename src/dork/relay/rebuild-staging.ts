import { sql } from 'drizzle-orm/sql';
import type { Connection } from '../../engine/connection/connection.ts';
import type { StoreDb } from '../../engine/connection/db.ts';
import { type StoreStatement, statementsOf } from '../../stores/statements.ts';
import type { EnvelopeFacts } from './maildir.ts';
import type { RelayMessageStatus } from './message.ts';
import {
  CONFIRM,
  CREATE,
  DOUBTFUL,
  DROP,
  END_OF_BATCH,
  FOUND,
  LAST,
  LAST_NOTED,
  LEAVE_ALONE,
  NOTE_INDEXED,
  SEE,
  SETTLE,
  STAGE,
  SWAP,
} from './rebuild-sql.ts';
import { RECOUNT, REMOVE_EMPTY_COUNTS } from './recount.ts';

/** The key of a row: a message at an endpoint. */
export interface RowKey {
  readonly id: string;
  readonly endpointHash: string;
}

/** The least key: no text is less. */
const FIRST: RowKey = { id: '', endpointHash: '' };
/** Greater than every key: in SQLite, every BLOB is greater than every text. */
const AFTER_ALL = { id: Uint8Array.of(0), endpointHash: '' };

const statement = statementsOf('relay');

/** Prepares a statement from SQL text: Drizzle's builders know only the tables of the schema. */
function written<T>(db: StoreDb, text: string, ...names: string[]): StoreStatement<T> {
  return statement<T>(
    db,
    () => ({ toSQL: () => ({ sql: text, params: names.map((name) => sql.placeholder(name)) }) }),
    ...names,
  );
}

function stagingStatements(db: StoreDb) {
  return {
    noteIndexed: written(db, NOTE_INDEXED, 'id', 'endpointHash'),
    lastNoted: written<RowKey>(db, LAST_NOTED),
    stage: written(db, STAGE, 'id', 'endpointHash', 'listing', 'status', 'subject', 'sender', 'createdAt', 'expiresAt'),
    confirm: written(db, CONFIRM, 'listing', 'status', 'id', 'endpointHash'),
    leaveAlone: written(db, LEAVE_ALONE, 'id', 'endpointHash'),
    endOfBatch: written<RowKey>(db, END_OF_BATCH, 'id', 'endpointHash'),
    settle: written(db, SETTLE, 'id', 'endpointHash', 'endId', 'endEndpointHash'),
    doubtful: written<RowKey>(db, DOUBTFUL, 'id', 'endpointHash'),
    see: written(db, SEE, 'id', 'endpointHash'),
    swap: [...SWAP, ...RECOUNT, REMOVE_EMPTY_COUNTS].map((text) => written(db, text)),
    found: written<{ found: number }>(db, FOUND),
  };
}

/** The staging table of one rebuild; a connection has one at a time. It is dropped on disposal. */
export class RebuildStaging implements Disposable {
  readonly #connection: Connection;
  readonly #statements: ReturnType<typeof stagingStatements>;
  #listing = 1;
  /** Number of messages whose row already matches their file. */
  #settled = 0;

  constructor(db: StoreDb) {
    this.#connection = db.$client;
    this.#connection.exec(CREATE);
    this.#statements = stagingStatements(db);
  }

  /** Notes the next rows of the index. Returns false if there were no more. */
  noteIndexed(): boolean {
    const { lastNoted, noteIndexed } = this.#statements;
    const { id, endpointHash } = lastNoted.get() ?? FIRST;
    return noteIndexed.run(id, endpointHash).changes > 0;
  }

  /** Adds a message whose file was read. */
  stage({ id, endpointHash }: RowKey, status: RelayMessageStatus, facts: EnvelopeFacts): void {
    const { subject, sender, createdAt, expiresAt } = facts;
    this.#statements.stage.run(id, endpointHash, this.#listing, status, subject, sender, createdAt, expiresAt);
  }

  /** Begins the second listing: only messages that are then confirmed or staged again count as found. */
  lookAgain(): void {
    this.#listing = LAST;
  }

  /** Confirms that a file is in the folder of this status. Returns false if the file was not read yet. */
  confirm({ id, endpointHash }: RowKey, status: RelayMessageStatus): boolean {
    return this.#statements.confirm.run(this.#listing, status, id, endpointHash).changes > 0;
  }

  /** Leaves the row of this message at this endpoint unchanged. */
  leaveAlone({ id, endpointHash }: RowKey): void {
    this.#statements.leaveAlone.run(id, endpointHash);
  }

  /**
   * Removes some of the rows that already match the index, so that the swap, during which nobody else can write, handles
   * only the differences. Later writes by others to the removed rows are kept.
   *
   * @param from The first key of these rows. Default: the first of all.
   * @returns The first key of the next rows; undefined after the last.
   */
  settle({ id, endpointHash }: RowKey = FIRST): RowKey | undefined {
    const next = this.#statements.endOfBatch.get(id, endpointHash);
    const end = next ?? AFTER_ALL;
    this.#settled += this.#statements.settle.run(id, endpointHash, end.id, end.endpointHash).changes;
    return next;
  }

  /**
   * Returns the keys of the next rows that the rebuild would delete or give other facts, and notes the rows as they are in
   * the index now. Returns an empty array after the last.
   *
   * @param last The last key of the previous call.
   */
  doubtful(last?: RowKey): RowKey[] {
    // A text followed by NUL is the next greater text.
    const from = last ? { id: last.id, endpointHash: `${last.endpointHash}\0` } : FIRST;
    const rows = this.#statements.doubtful.all(from.id, from.endpointHash);
    for (const { id, endpointHash } of rows) this.#statements.see.run(id, endpointHash);
    return rows;
  }

  /**
   * Writes the differences to the index in one transaction.
   *
   * @returns The number of messages found.
   */
  swap(): number {
    return this.#connection.runTransaction(() => {
      for (const statement of this.#statements.swap) statement.run();
      return this.#settled + (this.#statements.found.get()?.found ?? 0);
    });
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.exec(DROP);
    } catch {
      // A closed connection has no temporary tables, and a connection that is iterating over rows refuses this: the next
      // rebuild or closing drops the table. The result of this rebuild stays the same.
    }
  }
}
