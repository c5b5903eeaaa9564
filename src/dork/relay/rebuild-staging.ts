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
  RECOUNT,
  SEE,
  SETTLE,
  STAGE,
  SWAP,
} from './rebuild-sql.ts';

/** SQLite takes every BLOB for greater than every text. */
const AFTER_ALL = Uint8Array.of(0);

const statement = statementsOf('relay');

/** A statement that is written out, since Drizzle's builders know the tables of the schema alone. */
function written<T>(db: StoreDb, text: string, ...names: string[]): StoreStatement<T> {
  return statement<T>(
    db,
    () => ({ toSQL: () => ({ sql: text, params: names.map((name) => sql.placeholder(name)) }) }),
    ...names,
  );
}

/** A message whose row a rebuild would delete, or give other facts. */
export interface Doubtful {
  readonly id: string;
  readonly endpointHash: string;
}

function stagingStatements(db: StoreDb) {
  return {
    noteIndexed: written(db, NOTE_INDEXED, 'from'),
    lastNoted: written<{ id: string | null }>(db, LAST_NOTED),
    stage: written(db, STAGE, 'id', 'listing', 'status', 'subject', 'sender', 'endpointHash', 'createdAt', 'expiresAt'),
    confirm: written(db, CONFIRM, 'listing', 'status', 'id'),
    leaveAlone: written(db, LEAVE_ALONE, 'id'),
    endOfBatch: written<{ id: string }>(db, END_OF_BATCH, 'from'),
    settle: written(db, SETTLE, 'from', 'to'),
    doubtful: written<Doubtful>(db, DOUBTFUL, 'from'),
    see: written(db, SEE, 'id'),
    swap: [...SWAP, ...RECOUNT].map((text) => written(db, text)),
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
    return noteIndexed.run(lastNoted.get()?.id ?? '').changes > 0;
  }

  /** A message whose file was read. */
  stage(id: string, endpointHash: string, status: RelayMessageStatus, facts: EnvelopeFacts): void {
    const { subject, sender, createdAt, expiresAt } = facts;
    this.#statements.stage.run(id, this.#listing, status, subject, sender, endpointHash, createdAt, expiresAt);
  }

  /** From now on only what is confirmed, or staged once more, counts as found. */
  lookAgain(): void {
    this.#listing = LAST;
  }

  /** The file is there, in the folder of this status; false where it was not read yet. */
  confirm(id: string, status: RelayMessageStatus): boolean {
    return this.#statements.confirm.run(this.#listing, status, id).changes > 0;
  }

  /** Whatever the index has of this message stays. */
  leaveAlone(id: string): void {
    this.#statements.leaveAlone.run(id);
  }

  /**
   * Compares some of what was found with the index, so that the swap, during which nobody else can write, has only to
   * do with what differs: what is right already is right whatever others write from now on.
   *
   * @param from The least id of these.
   * @returns The least id of the next; undefined where these were the last.
   */
  settle(from: string): string | undefined {
    const to = this.#statements.endOfBatch.get(from)?.id;
    this.#settled += this.#statements.settle.run(from, to ?? AFTER_ALL).changes;
    return to;
  }

  /** Some of the doubtful messages, by id from this one on; noted as the index has them now. Empty after the last. */
  doubtful(from: string): Doubtful[] {
    const messages = this.#statements.doubtful.all(from);
    for (const { id } of messages) this.#statements.see.run(id);
    return messages;
  }

  /**
   * Brings what was found into the index, as one transaction.
   *
   * @returns How many messages were found.
   */
  swap(): number {
    return this.#connection.transaction(() => {
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
