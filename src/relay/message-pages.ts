import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../core/db.ts';
import { checked } from '../core/input.ts';
import { type StoreStatement, statementsOf } from '../core/statements.ts';
import { messageOf, type QueryMessagesOptions, queryMessagesOptions, type RelayMessagePage } from './message.ts';
import { MESSAGE } from './message-statements.ts';
import { type RelayIndexRow, relayIndex } from './schema.ts';

const statement = statementsOf('relay');
const arg = sql.placeholder;

/** Filters are bits of the number by which their statement is kept. */
const SUBJECT = 1;
const ENDPOINT = 2;
const SENDER = 4;
/** A status that few messages have at a time. */
const WAITING_OR_FAILED = 8;
const DELIVERED = 16;

/** SQLite takes every BLOB for greater than every text, so that this is before the first page. */
const BEFORE_ALL = Uint8Array.of(0);

/** Pages of messages by id descending: a statement for each set of filters, built when one first asks for it. */
export class MessagePages {
  readonly #db: StoreDb;
  readonly #byFilters: StoreStatement<RelayIndexRow>[] = [];

  constructor(db: StoreDb) {
    this.#db = db;
  }

  /** @throws InvalidInputError that names the option that does not fit. */
  query(options: QueryMessagesOptions): RelayMessagePage {
    const { subject, status, sender, endpointHash, cursor, limit } = checked(queryMessagesOptions, options, 'options');
    const args: unknown[] = [];
    let filters = 0;
    if (subject !== undefined) {
      filters |= SUBJECT;
      args.push(subject);
    }
    if (endpointHash !== undefined) {
      filters |= ENDPOINT;
      args.push(endpointHash);
    }
    if (sender !== undefined) {
      filters |= SENDER;
      args.push(sender);
    }
    if (status !== undefined) {
      filters |= status === 'delivered' ? DELIVERED : WAITING_OR_FAILED;
      args.push(status);
    }
    // One more than asked for tells whether there are more.
    args.push(cursor ?? BEFORE_ALL, Math.min(limit + 1, Number.MAX_SAFE_INTEGER));
    const rows = (this.#byFilters[filters] ??= this.#prepare(filters)).all(...args);
    if (rows.length <= limit) return { messages: rows.map(messageOf) };
    rows.length = limit;
    const last = rows[limit - 1];
    return last ? { messages: rows.map(messageOf), nextCursor: last.id } : { messages: [] };
  }

  #prepare(filters: number): StoreStatement<RelayIndexRow> {
    const names: string[] = [];
    const conditions: SQL[] = [];
    const filter = (bit: number, column: (typeof COLUMNS)[number], isLeft = false) => {
      if (!(filters & bit)) return;
      names.push(column);
      const equals = eq(relayIndex[column], arg(column));
      // A unary plus takes a column out of SQLite's choice of an index. https://sqlite.org/queryplanner-ng.html#howtofix
      conditions.push(isLeft ? sql`+${equals}` : equals);
    };
    // Few messages wait or have failed at a time, of whatever else; most were delivered, so that any other filter
    // leaves fewer.
    const isByStatus = (filters & WAITING_OR_FAILED) !== 0;
    filter(SUBJECT, 'subject', isByStatus);
    filter(ENDPOINT, 'endpointHash', isByStatus);
    filter(SENDER, 'sender', isByStatus);
    filter(WAITING_OR_FAILED, 'status');
    filter(DELIVERED, 'status', filters !== DELIVERED);
    return statement<RelayIndexRow>(
      this.#db,
      () =>
        this.#db
          .select(MESSAGE)
          .from(relayIndex)
          .where(and(...conditions, lt(relayIndex.id, arg('cursor'))))
          .orderBy(desc(relayIndex.id))
          .limit(arg('limit')),
      ...names,
      'cursor',
      'limit',
    );
  }
}

const COLUMNS = ['subject', 'endpointHash', 'sender', 'status'] as const;
