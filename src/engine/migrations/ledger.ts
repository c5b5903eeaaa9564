import type { Connection } from '../connection/connection.ts';
import { DatabaseOpenError } from '../errors.ts';
import { now } from '../time.ts';
import { hashOf, type Migration } from './history.ts';
import { LEDGER, logOf } from './names.ts';
import { withoutDecoration } from './steps.ts';

/** A row of Drizzle's ledger. */
export interface LedgerEntry {
  readonly rowid: number;
  readonly hash: string;
  /** The journal's `when`. */
  readonly when: number;
}

export function hasTable(connection: Connection, name: string): boolean {
  return connection.prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?").get(name) !== undefined;
}

/**
 * Returns the entries in the order in which they were applied; empty if there is no ledger.
 *
 * @throws DatabaseOpenError if an entry has no hash, which only damage can cause.
 */
export function readLedger(connection: Connection): LedgerEntry[] {
  if (!hasTable(connection, LEDGER)) return [];
  return connection
    .prepare<{ rowid: number; hash: unknown; created_at: number }>(
      `SELECT rowid, hash, created_at FROM ${LEDGER} ORDER BY rowid`,
    )
    .all()
    .map(({ rowid, hash, created_at }) => {
      if (typeof hash !== 'string') throw damagedLedger(connection.filename);
      return { rowid, hash, when: Number(created_at) };
    });
}

function damagedLedger(filename: string): DatabaseOpenError {
  return new DatabaseOpenError(
    'DAMAGED_LEDGER',
    `${filename} is damaged: an entry of its ledger of migrations has no hash. Nothing was repaired or deleted.`,
    { hint: 'Keep the file and the files next to it unchanged, and restore the newest backup.' },
  );
}

/** Creates the ledger and the log if they do not exist. */
export function createLedger(connection: Connection): void {
  // Drizzle's own SQL, so that the schema equals that of a file migrated by Drizzle.
  connection.exec(`CREATE TABLE IF NOT EXISTS ${LEDGER} (
				id SERIAL PRIMARY KEY,
				hash text NOT NULL,
				created_at numeric
			)`);
  connection.exec(`CREATE TABLE IF NOT EXISTS ${logOf(connection)} (
    at text NOT NULL,
    event text NOT NULL CHECK (event IN ('applied', 'repaired')),
    tag text NOT NULL,
    hash text NOT NULL,
    statements_hash text NOT NULL,
    previous_hash text,
    by text,
    reason text,
    duration_ms integer
  )`);
}

const hashes = new WeakMap<Migration, { readonly sql: string; readonly hash: string }>();

/** Returns the hash of a migration's SQL, regardless of comments and formatting. */
export function statementsHash(migration: Migration): string {
  const { sql } = migration;
  const known = hashes.get(migration);
  if (known?.sql === sql) return known.hash;
  const hash = hashOf(withoutDecoration(sql));
  hashes.set(migration, { sql, hash });
  return hash;
}

/** Records an applied migration in Drizzle's ledger, in Drizzle's format, and in the log. */
export function recordApplied(connection: Connection, migration: Migration, durationMs: number): void {
  connection.prepare(`INSERT INTO ${LEDGER} (hash, created_at) VALUES (?, ?)`).run(migration.hash, migration.when);
  connection
    .prepare(
      `INSERT INTO ${logOf(connection)} (at, event, tag, hash, statements_hash, duration_ms) VALUES (?, 'applied', ?, ?, ?, ?)`,
    )
    .run(now(), migration.tag, migration.hash, statementsHash(migration), durationMs);
}

/** Who accepted an edited entry, when and why. */
export interface Repair {
  readonly at: string;
  /** The user and the machine, e.g. `ada@laptop`. */
  readonly by: string;
  readonly reason: string | null;
}

/** Writes the hash of an edited migration into its ledger entry, and the old hash with the repair into the log. */
export function recordRepaired(connection: Connection, entry: LedgerEntry, migration: Migration, repair: Repair): void {
  createLedger(connection);
  connection
    .prepare(`UPDATE ${LEDGER} SET hash = ?, created_at = ? WHERE rowid = ?`)
    .run(migration.hash, migration.when, entry.rowid);
  connection
    .prepare(
      `INSERT INTO ${logOf(connection)} (at, event, tag, hash, statements_hash, previous_hash, by, reason)
       VALUES (?, 'repaired', ?, ?, ?, ?, ?, ?)`,
    )
    .run(repair.at, migration.tag, migration.hash, statementsHash(migration), entry.hash, repair.by, repair.reason);
}

/** The log's data about a ledger entry. */
export interface LoggedEntry {
  readonly tag: string;
  readonly statementsHash: string;
  /** When it was applied, under its current or an earlier hash; null if another tool applied it. */
  readonly appliedAt: string | null;
}

/** Returns the log's data about the entry with this hash; undefined if another tool applied it. */
export function loggedEntry(connection: Connection, hash: string): LoggedEntry | undefined {
  if (!hasTable(connection, logOf(connection))) return undefined;
  return connection
    .prepare<LoggedEntry>(
      `WITH RECURSIVE earlier(hash) AS (
         SELECT ?
         UNION SELECT previous_hash FROM ${logOf(connection)} JOIN earlier USING (hash) WHERE event = 'repaired'
       )
       SELECT tag, statements_hash AS statementsHash,
         (SELECT max(at) FROM ${logOf(connection)} JOIN earlier USING (hash) WHERE event = 'applied') AS appliedAt
       FROM ${logOf(connection)} WHERE hash = ? ORDER BY rowid DESC LIMIT 1`,
    )
    .get(hash, hash);
}
