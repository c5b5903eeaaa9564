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

/** No text is less. */
const FIRST: RowKey = { id: '', endpointHash: '' };
/** SQLite takes every BLOB for greater than every text. */
const AFTER_ALL = { id: Uint8Array.of(0), endpointHash: '' };

const statement = statementsOf('relay');

/** A statement that is written out, since Drizzle's builders know the tables of the schema alone. */
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

/** The staging of one rebuild; one at a time on a connection. It is dropped at the end of the block. */
export class RebuildStaging implements Disposable {
  readonly #connection: Connection;
  readonly #statements: ReturnType<typeof stagingStatements>;
  #listing = 1;
  /** Messages of which the index has what their files say. */
  #settled = 0;

  constructor(db: StoreDb) {
    this.#connection = db.$client;
    this.#connection.exec(CREATE);
    this.#statements = stagingStatements(db);
  }

  /** Notes some more of what the index has, from the last that was noted on; false when there was none. */
  noteIndexed(): boolean {
    const { lastNoted, noteIndexed } = this.#statements;
    const { id, endpointHash } = lastNoted.get() ?? FIRST;
    return noteIndexed.run(id, endpointHash).changes > 0;
  }

  /** A message whose file was read. */
  stage({ id, endpointHash }: RowKey, status: RelayMessageStatus, facts: EnvelopeFacts): void {
    const { subject, sender, createdAt, expiresAt } = facts;
    this.#statements.stage.run(id, endpointHash, this.#listing, status, subject, sender, createdAt, expiresAt);
  }

  /** From now on only what is confirmed, or staged once more, counts as found. */
  lookAgain(): void {
    this.#listing = LAST;
  }

  /** The file is there, in the folder of this status; false where it was not read yet. */
  confirm({ id, endpointHash }: RowKey, status: RelayMessageStatus): boolean {
    return this.#statements.confirm.run(this.#listing, status, id, endpointHash).changes > 0;
  }

  /** Whatever the index has of this message at this endpoint stays. */
  leaveAlone({ id, endpointHash }: RowKey): void {
    this.#statements.leaveAlone.run(id, endpointHash);
  }

  /**
   * Compares some of what was found with the index, so that the swap, during which nobody else can write, has only to
   * do with what differs: what is right already is right whatever others write from now on.
   *
   * @param from The least key of these. Default: the least of all.
   * @returns The least key of the next; undefined where these were the last.
   */
  settle({ id, endpointHash }: RowKey = FIRST): RowKey | undefined {
    const next = this.#statements.endOfBatch.get(id, endpointHash);
    const end = next ?? AFTER_ALL;
    this.#settled += this.#statements.settle.run(id, endpointHash, end.id, end.endpointHash).changes;
    return next;
  }

  /**
   * Returns some of the rows that a rebuild would delete, or give other facts, by their keys, noted as the index has them
   * now. Empty after the last.
   *
   * @param last The last one that was returned.
   */
  doubtful(last?: RowKey): RowKey[] {
    // The text that follows another one is that with a NUL.
    const from = last ? { id: last.id, endpointHash: `${last.endpointHash}\0` } : FIRST;
    const rows = this.#statements.doubtful.all(from.id, from.endpointHash);
    for (const { id, endpointHash } of rows) this.#statements.see.run(id, endpointHash);
    return rows;
  }

  /**
   * Brings what was found into the index, as one transaction.
   *
   * @returns How many messages were found.
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
      // A closed connection has no temporary tables, and one that reads row by row refuses this: the next rebuild
      // drops it, or closing. Either way the rebuild has ended as it has ended.
    }
  }
}
