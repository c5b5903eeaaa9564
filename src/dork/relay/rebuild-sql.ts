export const DROP = 'DROP TABLE IF EXISTS temp.relay_rebuild';

/**
 * Where a rebuild gathers what it finds: a temporary table of the connection, which nobody else sees and which needs no
 * lock of the file.
 *
 * `was` is the status that the index had when the rebuild began, NULL where it had no such message; the other columns
 * are what the file says, NULL where none was read. `listing` is the last listing in which the file was. `seen` is what
 * the index had when a doubtful message was looked at once more.
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

/** The folders are listed twice; what is not in the last listing is gone. */
export const LAST = 2;

/** Messages that are noted, or compared, at a time. */
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

/** The row of the index that a row of the gathering is about. */
const INDEXED = `
  relay_index AS indexed ON indexed.id = found.id AND indexed.endpoint_hash = found.endpoint_hash`;

/** What the index has and the file says, but for the status. */
const SAME_FACTS = `
  (indexed.subject, indexed.created_at, indexed.expires_at, indexed.sender) IS
    (found.subject, found.created_at, found.expires_at, coalesce(found.sender, indexed.sender))`;

export const SETTLE = `
  DELETE FROM temp.relay_rebuild WHERE (id, endpoint_hash) IN (
    SELECT found.id, found.endpoint_hash FROM temp.relay_rebuild AS found CROSS JOIN ${INDEXED}
    WHERE (found.id, found.endpoint_hash) >= (?, ?) AND (found.id, found.endpoint_hash) < (?, ?)
      AND found.listing = ${LAST} AND found.was = found.status AND indexed.status = found.status AND ${SAME_FACTS})`;

/** A row of the index but for its status, so that a write of others to it is noticed. */
const ROW = `json_array(indexed.subject, indexed.sender, indexed.created_at, indexed.expires_at,
  length(indexed.payload), indexed.metadata)`;

/** How many doubtful messages are looked at between two turns of the event loop. */
const DOUBTFUL_AT_ONCE = 64;

/**
 * Messages whose row would be deleted, or get other facts than it has: their files are looked for once more, since a
 * message that was put back into `new` between two listings is in neither, and what the file said may be old by now.
 */
export const DOUBTFUL = `
  SELECT found.id, found.endpoint_hash AS endpointHash
  FROM temp.relay_rebuild AS found CROSS JOIN ${INDEXED}
  WHERE (found.id, found.endpoint_hash) >= (?, ?) AND (
    (found.listing < ${LAST} AND indexed.status = found.was)
    OR (found.listing = ${LAST} AND found.was IS NOT NULL AND NOT ${SAME_FACTS}))
  ORDER BY found.id, found.endpoint_hash LIMIT ${DOUBTFUL_AT_ONCE}`;

/** Before its file is looked for: what is written to the row from now on is newer than what the file says. */
export const SEE = `
  UPDATE temp.relay_rebuild SET seen = (
    SELECT ${ROW} FROM relay_index AS indexed
    WHERE indexed.id = relay_rebuild.id AND indexed.endpoint_hash = relay_rebuild.endpoint_hash)
  WHERE id = ? AND endpoint_hash = ?`;

/**
 * The messages of the index whose file was read or was missed, and which nobody has written since: where the status is
 * another one than it was, the index is newer than the listing.
 */
const UNTOUCHED = `temp.relay_rebuild AS found CROSS JOIN ${INDEXED} AND indexed.status = found.was`;

/** What was found of the row of the index that an UPDATE is at. */
const FOUND_OF_ROW = `
  temp.relay_rebuild AS found WHERE found.id = relay_index.id AND found.endpoint_hash = relay_index.endpoint_hash`;

export const SWAP = [
  // Messages that the index did not have; by now someone else may have added them. What it had and has no more was
  // deleted meanwhile. One whose file has moved to another endpoint takes along what no envelope has.
  `INSERT INTO relay_index (id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at)
   SELECT new.id, new.subject, coalesce(new.sender, indexed.sender), new.endpoint_hash, new.status, new.expires_at,
     indexed.payload, indexed.metadata, new.created_at
   FROM temp.relay_rebuild AS new
   LEFT JOIN temp.relay_rebuild AS found ON found.id = new.id AND found.listing < ${LAST}
   LEFT JOIN ${INDEXED} AND indexed.status = found.was AND found.seen = ${ROW}
   WHERE new.listing = ${LAST} AND new.was IS NULL ORDER BY new.id, new.endpoint_hash
   ON CONFLICT DO NOTHING`,
  // Messages without a file.
  `DELETE FROM relay_index WHERE rowid IN (SELECT indexed.rowid FROM ${UNTOUCHED} WHERE found.listing < ${LAST} AND found.seen = ${ROW})`,
  // Messages that have moved. Only the status is named, so that only its indexes are written.
  `UPDATE relay_index SET status = (SELECT status FROM ${FOUND_OF_ROW})
   WHERE rowid IN (
     SELECT indexed.rowid FROM ${UNTOUCHED} WHERE found.listing = ${LAST} AND found.status <> found.was)`,
  // Messages of which the index has something else than their files say.
  `UPDATE relay_index SET (subject, sender, created_at, expires_at) = (
     SELECT found.subject, coalesce(found.sender, relay_index.sender), found.created_at, found.expires_at
     FROM ${FOUND_OF_ROW})
   WHERE rowid IN (
     SELECT indexed.rowid FROM temp.relay_rebuild AS found CROSS JOIN ${INDEXED}
     WHERE found.listing = ${LAST} AND found.was IS NOT NULL AND found.seen = ${ROW}
       AND NOT ${SAME_FACTS})`,
];

export const FOUND = `SELECT count(*) AS found FROM temp.relay_rebuild WHERE listing = ${LAST}`;
