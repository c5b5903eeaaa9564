import type { Connection } from '../connection/connection.ts';
import { type History, hashOf, type Migration } from './history.ts';
import { type LedgerEntry, loggedEntry, readLedger, statementsHash } from './ledger.ts';
import { withoutDecoration } from './steps.ts';

/** A migration that was edited after it was applied. */
export interface EditedEntry {
  readonly kind: 'edited';
  readonly migration: Migration;
  readonly entry: LedgerEntry;
  /** True if only comments, white space or line ends were changed; undefined if this is unknown. */
  readonly isCosmetic: boolean | undefined;
}

/** Pending migrations that the history lists before an applied one. */
export interface LateEntries {
  readonly kind: 'out_of_order';
  readonly late: readonly Migration[];
  /** The last applied migration. */
  readonly last: Migration;
}

/** Two applied migrations whose order differs from the history. */
export interface SwappedEntries {
  readonly kind: 'out_of_order';
  readonly swapped: readonly [first: Migration, second: Migration];
}

/** A ledger entry that is not in the history. */
export interface UnknownEntry {
  readonly hash: string;
  readonly when: number;
  readonly tag?: string;
  readonly appliedAt?: string;
}

export interface UnknownEntries {
  readonly kind: 'newer_database';
  readonly entries: readonly UnknownEntry[];
  /** Migrations that the file lacks. If there are any, file and history are from different branches. */
  readonly pending: readonly Migration[];
}

export type Problem = EditedEntry | LateEntries | SwappedEntries | UnknownEntries;

/** The applied and the pending migrations of a file. */
export interface Plan {
  readonly applied: readonly Migration[];
  readonly pending: readonly Migration[];
  /** The reason why nothing may be applied. */
  readonly problem?: Problem;
}

/**
 * Compares a file's ledger with the history by hash and order; the journal's timestamps are ignored. Duplicate ledger
 * entries, as left by concurrent runs of Drizzle's own migrator, count once.
 */
export function planFor(connection: Connection, history: History): Plan {
  const ledger = readLedger(connection);
  const { migrations } = history;
  const seen = new Set<string>();
  let next = 0;
  for (const { hash, when } of ledger) {
    const expected = migrations[next];
    if (hash === expected?.hash) next++;
    // A known hash with the expected timestamp is not a duplicate: an earlier migration has the SQL that this one had.
    else if (!seen.has(hash) || when === expected?.when) return differing(connection, ledger, migrations);
    seen.add(hash);
  }
  return { applied: migrations.slice(0, next), pending: migrations.slice(next) };
}

function differing(connection: Connection, ledger: readonly LedgerEntry[], migrations: readonly Migration[]): Plan {
  const hashes = new Set(ledger.map(({ hash }) => hash));
  const applied = migrations.filter(({ hash }) => hashes.has(hash));
  const pending = migrations.filter(({ hash }) => !hashes.has(hash));
  const edited = editedEntries(connection, ledger, migrations);
  const [first] = edited;
  if (!first) return { applied, pending, problem: problemOf(connection, ledger, migrations, pending) };
  const isEdited = new Set(edited.map(({ migration }) => migration));
  return { applied, pending: pending.filter((migration) => !isEdited.has(migration)), problem: first };
}

function problemOf(
  connection: Connection,
  ledger: readonly LedgerEntry[],
  migrations: readonly Migration[],
  pending: readonly Migration[],
): Problem {
  const places = new Map(migrations.map(({ hash }, place) => [hash, place]));
  const unknown = ledger.filter(({ hash }) => !places.has(hash));
  if (unknown.length > 0) {
    return { kind: 'newer_database', entries: unknown.map((entry) => describe(connection, entry)), pending };
  }
  const order = ledger.map(({ hash }) => places.get(hash) ?? 0);
  const last = Math.max(...order);
  const late = pending.filter(({ hash }) => (places.get(hash) ?? 0) < last);
  if (late.length > 0) return { kind: 'out_of_order', late, last: migrations[last] as Migration };
  const at = order.findIndex((place, i) => place < (order[i - 1] ?? -1));
  return {
    kind: 'out_of_order',
    swapped: [migrations[order[at] ?? 0] as Migration, migrations[order[at - 1] ?? 0] as Migration],
  };
}

/**
 * Returns the ledger entries whose files were edited later. They are recognized by their timestamp, or by their tag in
 * the log. If another migration has the SQL of an edited one, its hash is known, but is more often in the ledger than in
 * the history.
 */
export function editedEntries(
  connection: Connection,
  ledger: readonly LedgerEntry[],
  migrations: readonly Migration[],
): EditedEntry[] {
  const known = countsOf(migrations);
  const applied = countsOf(ledger);
  const candidates = migrations.filter(({ hash }) => (applied.get(hash) ?? 0) < (known.get(hash) ?? 0));
  return ledger.flatMap((entry) => {
    const inHistory = known.get(entry.hash) ?? 0;
    if (candidates.length === 0 || inHistory >= (applied.get(entry.hash) ?? 0)) return [];
    const tag = inHistory === 0 ? loggedEntry(connection, entry.hash)?.tag : undefined;
    const migration = candidates.find((candidate) => candidate.when === entry.when || candidate.tag === tag);
    return migration
      ? [{ kind: 'edited', migration, entry, isCosmetic: isCosmetic(connection, migration, entry) }]
      : [];
  });
}

function countsOf(entries: readonly { readonly hash: string }[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { hash } of entries) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  return counts;
}

function describe(connection: Connection, { hash, when }: LedgerEntry): UnknownEntry {
  const logged = loggedEntry(connection, hash);
  if (!logged) return { hash, when };
  return { hash, when, tag: logged.tag, ...(logged.appliedAt !== null && { appliedAt: logged.appliedAt }) };
}

/**
 * The log has the hash of the applied SQL without comments. Without a log, only a change of line ends can be
 * recognized.
 */
function isCosmetic(connection: Connection, migration: Migration, entry: LedgerEntry): boolean | undefined {
  const logged = loggedEntry(connection, entry.hash);
  if (logged) return logged.statementsHash === statementsHash(migration);
  const lines = migration.sql.replaceAll('\r\n', '\n');
  const before = [lines, lines.replaceAll('\n', '\r\n')].find((text) => hashOf(text) === entry.hash);
  return before === undefined ? undefined : withoutDecoration(before) === withoutDecoration(migration.sql);
}
