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
 * The options of the index of earlier DorkOS versions, which had its own file.
 *
 * @deprecated `new SqliteIndex(db)` takes a database and no options.
 */
export interface SqliteIndexOptions {
  /** The path of the file. */
  dbPath?: string;
}

/**
 * The index of the relay's Maildir files. It is derived from the files and can be rebuilt from them.
 *
 * Every method except {@link rebuild} is synchronous. For an unknown id, methods return null or false.
 *
 * @throws InvalidInputError from every method for an invalid argument; nothing is written.
 * @throws DatabaseBusyError if another connection keeps the lock. ClosedError after `closeDb()`.
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
   * Indexes a message at an endpoint, or updates its row: an absent field keeps its value. Repeating the call changes
   * nothing. The same id at another endpoint is another row.
   *
   * @throws InvalidInputError that names the field.
   */
  insertMessage(message: RelayMessageInput): void {
    const { present, values } = storedMessage(message);
    this.#messages.upserts.for(present).runWith(values);
  }

  /**
   * Indexes many messages in one transaction: all of them, or none if one is invalid.
   *
   * @returns The number of messages.
   * @throws InvalidInputError that names the field.
   */
  insertMessages(messages: Iterable<RelayMessageInput>): number {
    if (typeof messages?.[Symbol.iterator] !== 'function')
      throw new InvalidInputError('messages', 'must be an iterable of messages');
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
   * Sets the status of a message. Returns false if there is no such message.
   *
   * @param endpointHash Default: every endpoint that has the message.
   * @throws InvalidInputError for a status other than pending, delivered and failed.
   */
  updateStatus(id: string, status: RelayMessageStatus, endpointHash?: string): boolean {
    const word = statusArgument(status, 'status');
    const key = textArgument(id, 'id');
    if (endpointHash === undefined) return this.#messages.setStatus.run(word, key).changes > 0;
    const endpoint = textArgument(endpointHash, 'endpointHash');
    return this.#messages.setStatusAtEndpoint.run(word, key, endpoint).changes > 0;
  }

  /**
   * Returns a message, or null.
   *
   * @param endpointHash Default: the endpoint with the newest row (by `createdAt`, then the greatest `endpointHash`).
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
   * Returns the messages of a subject, newest first: by `createdAt`, then id, then `endpointHash`, all descending.
   */
  getBySubject(subject: string): RelayMessage[] {
    return newestFirst(this.#messages.bySubject.all(textArgument(subject, 'subject')).map(messageOf));
  }

  /** Returns the messages of an endpoint, newest first: by `createdAt`, then id, both descending. */
  getByEndpoint(endpointHash: string): RelayMessage[] {
    return newestFirst(this.#messages.byEndpoint.all(textArgument(endpointHash, 'endpointHash')).map(messageOf));
  }

  /**
   * Returns the number of messages that a sender has sent after an instant. A message counts once per endpoint.
   *
   * @param sinceIso ISO 8601 with a time zone.
   */
  countSenderInWindow(sender: string, sinceIso: string): number {
    return this.#messages.ofSenderSince.get(textArgument(sender, 'sender'), instant(sinceIso, 'sinceIso'))?.total ?? 0;
  }

  /** Returns the number of pending messages at an endpoint. */
  countNewByEndpoint(endpointHash: string): number {
    return this.#messages.pendingOfEndpoint.get(textArgument(endpointHash, 'endpointHash'))?.total ?? 0;
  }

  /**
   * Returns a page of the messages that match every filter, by id descending, then by `endpointHash` descending.
   *
   * @throws InvalidInputError for a limit other than a non-negative integer, or an unknown status.
   */
  queryMessages(options: QueryMessagesOptions = {}): RelayMessagePage {
    return this.#pages.query(options);
  }

  /**
   * Deletes the messages whose `expiresAt` is before an instant. Messages without `expiresAt` are kept.
   *
   * @param nowMs Unix milliseconds. Default: now.
   * @returns The number of deleted rows.
   */
  deleteExpired(nowMs: number = Date.now()): number {
    const now = instant(nowMs, 'nowMs');
    // Usually nothing has expired. This check needs no write lock.
    if (!this.#messages.anyExpired.get(now)) return 0;
    return this.#db.$client.runTransaction(() => {
      const { changes } = this.#messages.deleteExpired.run(now);
      this.#messages.deleteEmptyCounts.run();
      return changes;
    });
  }

  /**
   * Returns the numbers of messages by status and by subject. They are read from counters, not from the messages. A
   * message counts once per endpoint.
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

  /** Returns true in WAL mode, in which readers and a writer do not block each other. https://sqlite.org/wal.html */
  isWalMode(): boolean {
    return this.#db.$client.pragma('journal_mode', { simple: true }) === 'wal';
  }

  /**
   * Rebuilds the index from the Maildir files. Messages in `new/` are pending, in `cur/` delivered, in `failed/` failed.
   * The id of a message is the name of its file. A message at several endpoints has one row per endpoint.
   *
   * The files are read a few at a time. The index can be read and written meanwhile. Then one transaction deletes rows
   * without a file, adds missing rows and corrects the others. If the rebuild fails, the index is unchanged. Rows that
   * others wrote during the rebuild are kept. `payload` and `metadata`, which no envelope has, are kept too, even if a file
   * has moved to another endpoint.
   *
   * A rebuild needs about 200 bytes of memory per file. Its transaction takes the write lock for about one second per
   * 100,000 files that the index did not have. Two rebuilds on one connection run one after the other.
   *
   * @param endpointHashes Every endpoint with its subject. Messages of other endpoints are deleted from the index.
   * @returns The number of files.
   * @throws DatabaseBusyError if another connection keeps the write lock at the end.
   */
  rebuild(
    maildirStore: MaildirStore,
    endpointHashes: ReadonlyMap<string, string>,
    options: RebuildOptions = {},
  ): Promise<number> {
    return rebuildIndex(this.#db, maildirStore, endpointHashes, options);
  }

  /** Does nothing: whoever opened the database closes it. */
  close(): void {}
}

/** Sorts messages newest first. Ids that begin with the time (e.g. ULIDs) are already in this order. */
function newestFirst(byIdDescending: RelayMessage[]): RelayMessage[] {
  const isSorted = byIdDescending.every(
    ({ createdAt }, i) => i === 0 || createdAt <= (byIdDescending[i - 1] as RelayMessage).createdAt,
  );
  if (isSorted) return byIdDescending;
  return byIdDescending.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : 0));
}
