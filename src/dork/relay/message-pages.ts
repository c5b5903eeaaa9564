import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm/sql';
import type { StoreDb } from '../../engine/connection/db.ts';
import { type StoreStatement, statementsOf } from '../../stores/statements.ts';
import {
  messageOf,
  type QueryMessagesOptions,
  queryMessagesOptions,
  type RelayMessagePage,
  type RelayMessageStatus,
} from './message.ts';
import { type Cursor, cursorAfter, cursorOf } from './message-cursor.ts';
import { messageColumns } from './message-statements.ts';
import { type RelayIndexRow, relayIndex } from './schema.ts';

const statement = statementsOf('relay');
const arg = sql.placeholder;

/** Each filter is a bit of the key of its statement. The status takes two bits. */
const SUBJECT = 1;
const ENDPOINT = 2;
const SENDER = 4;
const CURSOR = 8;
const STATUS = { pending: 16, delivered: 32, failed: 48 } as const satisfies Record<RelayMessageStatus, number>;
/** Set if the cursor is between two rows of one message. */
const WITHIN = 64;

const COLUMNS = [
  [SUBJECT, 'subject'],
  [ENDPOINT, 'endpointHash'],
  [SENDER, 'sender'],
] as const;

/** A unary plus keeps SQLite from using an index of the column. https://sqlite.org/queryplanner-ng.html#howtofix */
const LEFT_ALONE = '+';
const CHOSEN = '';

/** Pages of one endpoint never end within a message. A cursor from other filters must not change the index that is used. */
const isWithin = (hasEndpoint: number) =>
  sql`(${sql.raw(hasEndpoint ? LEFT_ALONE : CHOSEN)}${relayIndex.id}, ${relayIndex.endpointHash}) <
    (${arg('cursor')}, ${arg('cursorEndpoint')})`;

/** Reads pages of messages by id, descending. The statement of each set of filters is built at its first use. */
export class MessagePages {
  readonly #db: StoreDb;
  readonly #byFilters: StoreStatement<RelayIndexRow>[] = [];

  constructor(db: StoreDb) {
    this.#db = db;
  }

  /** @throws InvalidInputError that names the invalid option. */
  query(options: QueryMessagesOptions): RelayMessagePage {
    const { limit, ...given } = queryMessagesOptions(options);
    const { subject, status, sender, endpointHash } = given;
    const cursor: Cursor | undefined = given.cursor ? cursorOf(given.cursor) : undefined;
    const args: unknown[] = [];
    let filters = 0;
    if (subject) {
      filters |= SUBJECT;
      args.push(subject);
    }
    if (endpointHash) {
      filters |= ENDPOINT;
      args.push(endpointHash);
    }
    if (sender) {
      filters |= SENDER;
      args.push(sender);
    }
    if (status) filters |= STATUS[status];
    if (cursor) {
      filters |= CURSOR;
      args.push(cursor.id);
      if (cursor.endpointHash !== undefined) {
        filters |= WITHIN;
        args.push(cursor.endpointHash);
      }
    }
    // One more row than requested shows whether another page follows.
    args.push(Math.min(limit + 1, Number.MAX_SAFE_INTEGER));
    const rows = this.#statement(filters, status || undefined).all(...args);
    if (rows.length <= limit) return { messages: rows.map(messageOf) };
    const next = rows.pop();
    const last = rows.at(-1);
    return last ? { messages: rows.map(messageOf), nextCursor: cursorAfter(last, next) } : { messages: [] };
  }

  #statement(filters: number, status: RelayMessageStatus | undefined): StoreStatement<RelayIndexRow> {
    const known = this.#byFilters[filters];
    if (known) return known;
    const made = this.#prepare(filters, status);
    this.#byFilters[filters] = made;
    return made;
  }

  #prepare(filters: number, status: RelayMessageStatus | undefined): StoreStatement<RelayIndexRow> {
    const names: string[] = [];
    const conditions: SQL[] = [];
    // Few messages are pending or failed at a time, so their status selects the fewest rows. Most are delivered, so any
    // other filter selects fewer. The pending messages of an endpoint have their own index.
    const isByStatus = status === 'pending' || status === 'failed';
    for (const [bit, column] of COLUMNS) {
      if (!(filters & bit)) continue;
      names.push(column);
      const leads = !isByStatus || (status === 'pending' && bit === ENDPOINT);
      conditions.push(sql`${sql.raw(leads ? CHOSEN : LEFT_ALONE)}${eq(relayIndex[column], arg(column))}`);
    }
    if (status) {
      const leads = isByStatus || names.length === 0;
      // The status is part of the text. For a bound status, SQLite would compile the statement again at each binding, to
      // compare it with the condition of the partial index. The partial index serves only a filter by endpoint. Without
      // one, its existence makes SQLite (with statistics) scan the primary key instead of the index of the status.
      const word = `${filters & ENDPOINT ? CHOSEN : LEFT_ALONE}'${status}'`;
      conditions.push(sql`${sql.raw(leads ? CHOSEN : LEFT_ALONE)}${relayIndex.status} = ${sql.raw(word)}`);
    }
    if (filters & CURSOR) {
      names.push('cursor');
      conditions.push(filters & WITHIN ? isWithin(filters & ENDPOINT) : lt(relayIndex.id, arg('cursor')));
      if (filters & WITHIN) names.push('cursorEndpoint');
    }
    // In SQLite, every BLOB is greater than every text.
    if (conditions.length === 0) conditions.push(sql`${relayIndex.id} < x''`);
    return statement<RelayIndexRow>(
      this.#db,
      () =>
        this.#db
          .select(messageColumns())
          .from(relayIndex)
          .where(and(...conditions))
          // An id has one row per endpoint.
          .orderBy(desc(relayIndex.id), ...(filters & ENDPOINT ? [] : [desc(relayIndex.endpointHash)]))
          .limit(arg('limit')),
      ...names,
      'limit',
    );
  }
}
