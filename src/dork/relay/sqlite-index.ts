import type { StoreDb } from '../../engine/connection/db.ts';
import { InvalidInputError } from '../../engine/errors.ts';
import { textArgument } from '../../engine/input.ts';
import { instant } from '../../engine/time.ts';
import type { MaildirStore } from './maildir.ts';
import {
  messageOf,
  type QueryMessagesOptions,
  type RelayIndexMetrics,
  type RelayMessage,
  type RelayMessageInput,
  type RelayMessagePage,
  type RelayMessageStatus,
  statusArgument,
  storedMessage,
} from './message.ts';
import { MessagePages } from './message-pages.ts';
import { messageStatements } from './message-statements.ts';
import { type RebuildOptions, rebuildIndex } from './rebuild.ts';
import { MESSAGE_STATUSES } from './schema.ts';

/**
 * The options of the index of earlier DorkOS versions, which opened a file of its own.
 *
 * @deprecated `new SqliteIndex(db)` takes a database and no options.
 */
export interface SqliteIndexOptions {
  /** The path of that file. */
  dbPath?: string;
}

/**
 * The index over the Maildir files of the relay: derived from them, and rebuildable.
 *
 * Every call but {@link rebuild} is synchronous. An id that is not there gives null or false.
 *
 * @throws InvalidInputError from every method for an argument that cannot be; nothing is written.
 * @throws DatabaseBusyError where another connection kept the lock, ClosedError after `closeDb()`.
 *
 * @example
 * ```ts
 * const index = new SqliteIndex(db);
 * index.insertMessage({ id: newId(), subject: 'relay.agent.a', endpointHash: 'hash', createdAt: new Date().toISOString() });
 * const { messages, nextCursor } = index.queryMessages({ endpointHash: 'hash', status: 'pending' });
 * ```
 */
export class SqliteIndex {
  readonly #db: StoreDb;
  readonly #messages: ReturnType<typeof messageStatements>;
  readonly #pages: MessagePages;

  constructor(db: StoreDb) {
    this.#db = db;
    this.#messages = messageStatements(db);
    this.#pages = new MessagePages(db);
  }

  /**
   * Indexes a message at an endpoint, or brings what the index has of it there up to date: a field that is absent does
   * not erase what is there. Doing it twice is harmless. The same id at another endpoint is another row.
   *
   * @throws InvalidInputError that names the field.
   */
  insertMessage(message: RelayMessageInput): void {
    const { present, values } = storedMessage(message);
    this.#messages.upserts.for(present).runWith(values);
  }

  /**
   * Indexes many messages in one transaction: all of them, or none where one does not fit.
   *
   * @returns How many those were.
   * @throws InvalidInputError that names the field.
   */
  insertMessages(messages: Iterable<RelayMessageInput>): number {
    if (typeof messages?.[Symbol.iterator] !== 'function')
      throw new InvalidInputError('messages', 'is not an iterable of messages');
    return this.#db.$client.runTransaction(() => {
      let inserted = 0;
      for (const message of messages) {
        this.insertMessage(message);
        inserted++;
      }
      return inserted;
    });
  }

  /**
   * Sets the status of a message; returns false if there is none.
   *
   * @param endpointHash Default: every endpoint that has the message.
   * @throws InvalidInputError for a status that is not pending, delivered or failed.
   */
  updateStatus(id: string, status: RelayMessageStatus, endpointHash?: string): boolean {
    const word = statusArgument(status, 'status');
    const key = textArgument(id, 'id');
    if (endpointHash === undefined) return this.#messages.setStatus.run(word, key).changes > 0;
    const endpoint = textArgument(endpointHash, 'endpointHash');
    return this.#messages.setStatusAtEndpoint.run(word, key, endpoint).changes > 0;
  }

  /**
   * Returns a message.
   *
   * @param endpointHash Default: of several endpoints, the one with the newest row (by `createdAt`, then by
   * `endpointHash`, the greatest).
   */
  getMessage(id: string, endpointHash?: string): RelayMessage | null {
    const key = textArgument(id, 'id');
    if (endpointHash !== undefined) {
      const row = this.#messages.atEndpoint.get(key, textArgument(endpointHash, 'endpointHash'));
      return row ? messageOf(row) : null;
    }
    const rows = this.#messages.byId.all(key);
    const [first] = rows;
    if (!first) return null;
    const newest = rows.reduce((best, row) => (row.createdAt < best.createdAt ? best : row), first);
    return messageOf(newest);
  }

  /**
   * Returns the messages of a subject, newest first: by `createdAt`, those of one millisecond by id, those of one id by
   * `endpointHash`, all descending.
   */
  getBySubject(subject: string): RelayMessage[] {
    return newestFirst(this.#messages.bySubject.all(textArgument(subject, 'subject')).map(messageOf));
  }

  /** The messages of an endpoint, newest first: by `createdAt`, those of one millisecond by id, both descending. */
  getByEndpoint(endpointHash: string): RelayMessage[] {
    return newestFirst(this.#messages.byEndpoint.all(textArgument(endpointHash, 'endpointHash')).map(messageOf));
  }

  /**
   * Returns how many messages a sender has sent after an instant. A message counts once for each endpoint that it reached.
   *
   * @param sinceIso ISO 8601 with a time zone.
   */
  countSenderInWindow(sender: string, sinceIso: string): number {
    return this.#messages.ofSenderSince.get(textArgument(sender, 'sender'), instant(sinceIso, 'sinceIso'))?.total ?? 0;
  }

  /** How many messages wait at an endpoint. */
  countNewByEndpoint(endpointHash: string): number {
    return this.#messages.pendingOfEndpoint.get(textArgument(endpointHash, 'endpointHash'))?.total ?? 0;
  }

  /**
   * Returns a page of the messages that every filter fits, by id descending, those of one id by `endpointHash` descending.
   *
   * @throws InvalidInputError for a limit that is not a whole number from 0, or an unknown status.
   */
  queryMessages(options: QueryMessagesOptions = {}): RelayMessagePage {
    return this.#pages.query(options);
  }

  /**
   * Deletes the messages whose `expiresAt` is before an instant; one without never expires.
   *
   * @param nowMs Unix milliseconds. Default: now.
   * @returns How many those were.
   */
  deleteExpired(nowMs: number = Date.now()): number {
    const now = instant(nowMs, 'nowMs');
    // Nothing has expired most of the time: that is seen without the write lock.
    if (!this.#messages.anyExpired.get(now)) return 0;
    return this.#db.$client.runTransaction(() => {
      const { changes } = this.#messages.deleteExpired.run(now);
      this.#messages.deleteEmptyCounts.run();
      return changes;
    });
  }

  /**
   * Returns how many messages there are, by status and by subject; read from counters, not from the messages. A message
   * counts once for each endpoint that it reached.
   */
  getMetrics(): RelayIndexMetrics {
    const total = { pending: 0, delivered: 0, failed: 0 };
    const bySubject = this.#messages.counts.all().map(({ subject, count, pending, delivered, failed }) => {
      total.pending += pending;
      total.delivered += delivered;
      total.failed += failed;
      return { subject, count };
    });
    const byStatus: RelayIndexMetrics['byStatus'] = {};
    for (const status of MESSAGE_STATUSES) if (total[status] > 0) byStatus[status] = total[status];
    return { totalMessages: total.pending + total.delivered + total.failed, byStatus, bySubject };
  }

  /** True where readers and a writer do not wait for each other. https://sqlite.org/wal.html */
  isWalMode(): boolean {
    return this.#db.$client.pragma('journal_mode', { simple: true }) === 'wal';
  }

  /**
   * Makes the index anew from the Maildir files: `new/` is pending, `cur/` delivered, `failed/` failed; the id of a
   * message is the name of its file. One that lies at several endpoints has a row of each.
   *
   * The files are read a few at a time, and the index can be read and written meanwhile. When all were read, one
   * transaction deletes what has no file, adds what was missing and corrects the rest; a failure before its end leaves
   * the index as it was. What someone else has written to the index since the beginning stays as it was written.
   * `payload` and `metadata`, which no envelope has, stay too, and go along where a file has moved to another endpoint.
   *
   * Until the end some 200 bytes a file are kept in memory; the transaction takes the write lock for about a second for
   * each 100,000 files that the index did not have. Two rebuilds on one connection run one after the other.
   *
   * @param endpointHashes Every endpoint with its subject; messages of others are deleted from the index.
   * @returns How many files there are.
   * @throws DatabaseBusyError where another connection kept the write lock at the end.
   */
  rebuild(
    maildirStore: MaildirStore,
    endpointHashes: ReadonlyMap<string, string>,
    options: RebuildOptions = {},
  ): Promise<number> {
    return rebuildIndex(this.#db, maildirStore, endpointHashes, options);
  }

  /** Does nothing: the database is closed by whoever opened it. */
  close(): void {}
}

/** Ids that begin with the time, as ULIDs do, are in this order already; others are put into it. */
function newestFirst(byIdDescending: RelayMessage[]): RelayMessage[] {
  const isSorted = byIdDescending.every(
    ({ createdAt }, i) => i === 0 || createdAt <= (byIdDescending[i - 1] as RelayMessage).createdAt,
  );
  if (isSorted) return byIdDescending;
  return byIdDescending.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
}
