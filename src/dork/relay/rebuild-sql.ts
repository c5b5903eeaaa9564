export const DROP = 'DROP TABLE IF EXISTS temp.relay_rebuild';

/**
 * Creates the staging table: a temporary table of the connection, which no other connection sees and which needs no lock
 * of the file.
 *
 * `was` is the status in the index when the rebuild began, NULL if the index did not have the message. The next columns
 * hold the file's facts, NULL if no file was read. `listing` is the last listing that had the file. `seen` is the row of
 * the index when a doubtful message was checked again.
 */
export const CREATE = `
  ${DROP};
  CREATE TABLE temp.relay_rebuild (
    id TEXT NOT NULL,
    endpoint_hash TEXT NOT NULL,
    was TEXT,
    listing INTEGER NOT NULL DEFAULT 0,
    status TEXT,
    subject TEXT,
    sender TEXT,
    created_at TEXT,
    expires_at TEXT,
    seen TEXT,
    PRIMARY KEY (id, endpoint_hash)
  ) WITHOUT ROWID`;

/** The number of the last listing: the folders are listed twice. A message that is not in the last listing was removed. */
export const LAST = 2;

/** Messages that are noted or compared at a time. */
const AT_ONCE = 2000;

export const NOTE_INDEXED = `
  INSERT INTO temp.relay_rebuild (id, endpoint_hash, was)
  SELECT id, endpoint_hash, status FROM relay_index WHERE (id, endpoint_hash) >= (?, ?)
  ORDER BY id, endpoint_hash LIMIT ${AT_ONCE}
  ON CONFLICT DO NOTHING`;

export const LAST_NOTED = `
  SELECT id, endpoint_hash AS endpointHash FROM temp.relay_rebuild WHERE id < x''
  ORDER BY id DESC, endpoint_hash DESC LIMIT 1`;

export const STAGE = `
  INSERT INTO temp.relay_rebuild (id, endpoint_hash, listing, status, subject, sender, created_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id, endpoint_hash) DO UPDATE SET
    listing = excluded.listing, status = excluded.status, subject = excluded.subject, sender = excluded.sender,
    created_at = excluded.created_at, expires_at = excluded.expires_at`;

export const CONFIRM = `
  UPDATE temp.relay_rebuild SET listing = ?, status = ?
  WHERE id = ? AND endpoint_hash = ? AND subject IS NOT NULL`;

export const LEAVE_ALONE = 'DELETE FROM temp.relay_rebuild WHERE id = ? AND endpoint_hash = ?';

export const END_OF_BATCH = `
  SELECT id, endpoint_hash AS endpointHash FROM temp.relay_rebuild WHERE (id, endpoint_hash) >= (?, ?)
  ORDER BY id, endpoint_hash LIMIT 1 OFFSET ${AT_ONCE}`;

/** Joins a row of the staging table with its row of the index. */
const INDEXED = `
  relay_index AS indexed ON indexed.id = found.id AND indexed.endpoint_hash = found.endpoint_hash`;

/** True if the index and the file have the same facts, apart from the status. */
const SAME_FACTS = `
  (indexed.subject, indexed.created_at, indexed.expires_at, indexed.sender) IS
    (found.subject, found.created_at, found.expires_at, coalesce(found.sender, indexed.sender))`;

export const SETTLE = `
  DELETE FROM temp.relay_rebuild WHERE (id, endpoint_hash) IN (
    SELECT found.id, found.endpoint_hash FROM temp.relay_rebuild AS found CROSS JOIN ${INDEXED}
    WHERE (found.id, found.endpoint_hash) >= (?, ?) AND (found.id, found.endpoint_hash) < (?, ?)
      AND found.listing = ${LAST} AND found.was = found.status AND indexed.status = found.status AND ${SAME_FACTS})`;

/** A row of the index without its status, to detect a write by others. */
const ROW = `json_array(indexed.subject, indexed.sender, indexed.created_at, indexed.expires_at,
  length(indexed.payload), indexed.metadata)`;

/** Doubtful messages that are checked between two turns of the event loop. */
const DOUBTFUL_AT_ONCE = 64;

/**
 * Selects messages whose row would be deleted or get other facts. Their files are read again: a message that was moved
 * back into `new` between two listings is in neither listing, and the facts that were read may be outdated.
 */
export const DOUBTFUL = `
  SELECT found.id, found.endpoint_hash AS endpointHash
  FROM temp.relay_rebuild AS found CROSS JOIN ${INDEXED}
  WHERE (found.id, found.endpoint_hash) >= (?, ?) AND (
    (found.listing < ${LAST} AND indexed.status = found.was)
    OR (found.listing = ${LAST} AND found.was IS NOT NULL AND NOT ${SAME_FACTS}))
  ORDER BY found.id, found.endpoint_hash LIMIT ${DOUBTFUL_AT_ONCE}`;

/** Notes the row before its file is read again: any later write to the row is newer than the file's facts. */
export const SEE = `
  UPDATE temp.relay_rebuild SET seen = (
    SELECT ${ROW} FROM relay_index AS indexed
    WHERE indexed.id = relay_rebuild.id AND indexed.endpoint_hash = relay_rebuild.endpoint_hash)
  WHERE id = ? AND endpoint_hash = ?`;

/**
 * The messages of the index that others have not written since the rebuild began. If the status differs from `was`, the
 * index is newer than the listing.
 */
const UNTOUCHED = `temp.relay_rebuild AS found CROSS JOIN ${INDEXED} AND indexed.status = found.was`;

/** The row of the staging table for the row that an UPDATE changes. */
const FOUND_OF_ROW = `
  temp.relay_rebuild AS found WHERE found.id = relay_index.id AND found.endpoint_hash = relay_index.endpoint_hash`;

export const SWAP = [
  // Adds the messages that the index did not have, unless others have added them meanwhile. A message that the index no
  // longer has was deleted meanwhile. If a file moved to another endpoint, the new row gets the old row's payload and
  // metadata, which no envelope has.
  `INSERT INTO relay_index (id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at)
   SELECT new.id, new.subject, coalesce(new.sender, indexed.sender), new.endpoint_hash, new.status, new.expires_at,
     indexed.payload, indexed.metadata, new.created_at
   FROM temp.relay_rebuild AS new
   LEFT JOIN temp.relay_rebuild AS found ON found.id = new.id AND found.listing < ${LAST}
   LEFT JOIN ${INDEXED} AND indexed.status = found.was AND found.seen = ${ROW}
   WHERE new.listing = ${LAST} AND new.was IS NULL ORDER BY new.id, new.endpoint_hash
   ON CONFLICT DO NOTHING`,
  // Deletes the messages without a file.
  `DELETE FROM relay_index WHERE rowid IN (SELECT indexed.rowid FROM ${UNTOUCHED} WHERE found.listing < ${LAST} AND found.seen = ${ROW})`,
  // Sets the status of messages that have moved. Only the status is named, so that only its indexes are written.
  `UPDATE relay_index SET status = (SELECT status FROM ${FOUND_OF_ROW})
   WHERE rowid IN (
     SELECT indexed.rowid FROM ${UNTOUCHED} WHERE found.listing = ${LAST} AND found.status <> found.was)`,
  // Corrects the messages whose facts differ from their file.
  `UPDATE relay_index SET (subject, sender, created_at, expires_at) = (
     SELECT found.subject, coalesce(found.sender, relay_index.sender), found.created_at, found.expires_at
     FROM ${FOUND_OF_ROW})
   WHERE rowid IN (
     SELECT indexed.rowid FROM temp.relay_rebuild AS found CROSS JOIN ${INDEXED}
     WHERE found.listing = ${LAST} AND found.was IS NOT NULL AND found.seen = ${ROW}
       AND NOT ${SAME_FACTS})`,
];

export const FOUND = `SELECT count(*) AS found FROM temp.relay_rebuild WHERE listing = ${LAST}`;
