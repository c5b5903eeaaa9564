import { sql } from 'drizzle-orm/sql';
import type { Connection } from '../core/connection.ts';
import type { StoreDb } from '../core/db.ts';
import { type StoreStatement, statementsOf } from '../core/statements.ts';
import type { EnvelopeFacts } from './maildir.ts';
import type { RelayMessageStatus } from './message.ts';

/**
 * Where a rebuild gathers what it finds: a temporary table of the connection, which nobody else sees and which needs no
 * lock of the file.
 *
 * `was` is the status that the index had when the rebuild began, NULL where it had no such message; the other columns
 * are what the file says, NULL where none was read. `listing` is the last listing in which the file was.
 */
const CREATE = `
  DROP TABLE IF EXISTS temp.relay_rebuild;
  CREATE TABLE temp.relay_rebuild (
    id TEXT PRIMARY KEY NOT NULL,
    was TEXT,
    listing INTEGER NOT NULL DEFAULT 0,
    status TEXT,
    subject TEXT,
    sender TEXT,
    endpoint_hash TEXT,
    created_at TEXT,
    expires_at TEXT
  ) WITHOUT ROWID`;

/** The folders are listed twice; what is not in the last listing is gone. */
const LAST = 2;

/** Messages that are noted at a time. */
const NOTED_AT_ONCE = 2000;

const NOTE_INDEXED = `
  INSERT INTO temp.relay_rebuild (id, was)
  SELECT id, status FROM relay_index WHERE id >= ? ORDER BY id LIMIT ${NOTED_AT_ONCE}
  ON CONFLICT (id) DO NOTHING`;

const LAST_NOTED = 'SELECT max(id) AS id FROM temp.relay_rebuild';

const STAGE = `
  INSERT INTO temp.relay_rebuild (id, listing, status, subject, sender, endpoint_hash, created_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET
    listing = excluded.listing, status = excluded.status, subject = excluded.subject, sender = excluded.sender,
    endpoint_hash = excluded.endpoint_hash, created_at = excluded.created_at, expires_at = excluded.expires_at`;

const CONFIRM = `
  UPDATE temp.relay_rebuild SET listing = ?, status = ? WHERE id = ? AND endpoint_hash IS NOT NULL`;

const LEAVE_ALONE = 'DELETE FROM temp.relay_rebuild WHERE id = ?';

/**
 * The messages of the index whose file was read or was missed, and which nobody has written since: where the status is
 * another one than it was, the index is newer than the listing.
 */
const UNTOUCHED = `
  temp.relay_rebuild AS found CROSS JOIN relay_index AS indexed ON indexed.id = found.id AND indexed.status = found.was`;

const SWAP = [
  // Messages without a file.
  `DELETE FROM relay_index WHERE rowid IN (SELECT indexed.rowid FROM ${UNTOUCHED} WHERE found.listing < ${LAST})`,
  // Messages that have moved. Only the status is named, so that only its indexes are written.
  `UPDATE relay_index SET status = (SELECT status FROM temp.relay_rebuild AS found WHERE found.id = relay_index.id)
   WHERE rowid IN (
     SELECT indexed.rowid FROM ${UNTOUCHED} WHERE found.listing = ${LAST} AND found.status <> found.was)`,
  // Messages of which the index has something else than their files say.
  `UPDATE relay_index SET (subject, sender, endpoint_hash, created_at, expires_at) = (
     SELECT found.subject, coalesce(found.sender, relay_index.sender), found.endpoint_hash, found.created_at,
       found.expires_at
     FROM temp.relay_rebuild AS found WHERE found.id = relay_index.id)
   WHERE rowid IN (
     SELECT indexed.rowid FROM temp.relay_rebuild AS found CROSS JOIN relay_index AS indexed ON indexed.id = found.id
     WHERE found.listing = ${LAST} AND found.was IS NOT NULL
       AND (indexed.subject, indexed.endpoint_hash, indexed.created_at, indexed.expires_at, indexed.sender)
         IS NOT (found.subject, found.endpoint_hash, found.created_at, found.expires_at,
           coalesce(found.sender, indexed.sender)))`,
  // Messages that the index did not have; by now someone else may have added them. What it had and has no more was
  // deleted meanwhile.
  `INSERT INTO relay_index (id, subject, sender, endpoint_hash, status, expires_at, created_at)
   SELECT id, subject, sender, endpoint_hash, status, expires_at, created_at
   FROM temp.relay_rebuild WHERE listing = ${LAST} AND was IS NULL ORDER BY id
   ON CONFLICT (id) DO NOTHING`,
];

/**
 * The counters are right already, unless something wrote to the index without its triggers. Sorting what a scan gives
 * takes half the time of looking up row after row in the order of the subjects.
 */
const RECOUNT = [
  'DELETE FROM relay_counts',
  `INSERT INTO relay_counts (subject, pending, delivered, failed)
   SELECT subject, count(*) FILTER (WHERE status = 'pending'), count(*) FILTER (WHERE status = 'delivered'),
     count(*) FILTER (WHERE status = 'failed')
   FROM relay_index NOT INDEXED GROUP BY subject`,
];

const FOUND = `SELECT count(*) AS found FROM temp.relay_rebuild WHERE listing = ${LAST}`;

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
    noteIndexed: written(db, NOTE_INDEXED, 'from'),
    lastNoted: written<{ id: string | null }>(db, LAST_NOTED),
    stage: written(db, STAGE, 'id', 'listing', 'status', 'subject', 'sender', 'endpointHash', 'createdAt', 'expiresAt'),
    confirm: written(db, CONFIRM, 'listing', 'status', 'id'),
    leaveAlone: written(db, LEAVE_ALONE, 'id'),
    swap: [...SWAP, ...RECOUNT].map((text) => written(db, text)),
    found: written<{ found: number }>(db, FOUND),
  };
}

/** The staging of one rebuild; one at a time on a connection. It is dropped at the end of the block. */
export class RebuildStaging implements Disposable {
  readonly #connection: Connection;
  readonly #statements: ReturnType<typeof stagingStatements>;
  #listing = 1;

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
   * Brings what was found into the index, as one transaction.
   *
   * @returns How many messages were found.
   */
  swap(): number {
    return this.#connection.transaction(() => {
      for (const statement of this.#statements.swap) statement.run();
      return this.#statements.found.get()?.found ?? 0;
    });
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.exec('DROP TABLE IF EXISTS temp.relay_rebuild');
    } catch {
      // A closed connection has no temporary tables, and one that reads row by row refuses this: the next rebuild
      // drops it, or closing. Either way the rebuild has ended as it has ended.
    }
  }
}
