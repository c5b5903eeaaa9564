import type { Connection } from '../core/connection.ts';
import { MigrationError } from '../core/errors.ts';
import { type History, hashOf, type Migration } from './history.ts';
import { type LedgerEntry, loggedEntry, readLedger, statementsHash } from './ledger.ts';

/** An entry whose file was changed after it was applied. */
export interface EditedEntry {
  readonly kind: 'edited';
  readonly migration: Migration;
  readonly entry: LedgerEntry;
  /** True where only comments, white space or line ends were changed; undefined where nothing tells. */
  readonly isCosmetic: boolean | undefined;
}

/** An entry that is older than one that is applied, and is not applied itself. */
export interface LateEntry {
  readonly kind: 'out_of_order';
  readonly migration: Migration;
  readonly before: Migration;
}

/** Entries that this code does not know. */
export interface UnknownEntries {
  readonly kind: 'newer_database';
  readonly entries: readonly {
    readonly hash: string;
    readonly when: number;
    readonly tag?: string;
    readonly appliedAt?: string;
  }[];
}

export type Problem = EditedEntry | LateEntry | UnknownEntries;

/** What a file has of a history, and what it lacks. */
export interface Plan {
  readonly applied: readonly Migration[];
  readonly pending: readonly Migration[];
  /** Why nothing may be applied. */
  readonly problem?: Problem;
}

/** Compares a file's ledger with the history, by hash and order; the journal's time stamps do not count. */
export function planFor(connection: Connection, history: History): Plan {
  const ledger = readLedger(connection);
  const { migrations } = history;
  const at = ledger.findIndex((entry, i) => entry.hash !== migrations[i]?.hash);
  if (at < 0) return { applied: migrations.slice(0, ledger.length), pending: migrations.slice(ledger.length) };
  const known = new Set(ledger.map((entry) => entry.hash));
  return {
    applied: migrations.filter((migration) => known.has(migration.hash)),
    pending: migrations.filter((migration) => !known.has(migration.hash)),
    problem: problemAt(connection, ledger, migrations, at),
  };
}

/** What is wrong at the first place where ledger and history differ. */
function problemAt(
  connection: Connection,
  ledger: LedgerEntry[],
  migrations: readonly Migration[],
  at: number,
): Problem {
  const byHash = new Map(migrations.map((migration) => [migration.hash, migration]));
  const applied = new Set(ledger.map((entry) => entry.hash));
  for (const entry of ledger.slice(at)) {
    if (byHash.has(entry.hash)) continue;
    const migration = migrations.find(({ when, hash }) => when === entry.when && !applied.has(hash));
    if (migration) return { kind: 'edited', migration, entry, isCosmetic: isCosmetic(connection, migration, entry) };
  }
  const unknown = ledger.filter((entry) => !byHash.has(entry.hash));
  if (unknown.length > 0)
    return { kind: 'newer_database', entries: unknown.map((entry) => describe(connection, entry)) };
  const late = migrations[at] as Migration;
  const before = byHash.get(ledger[at]?.hash ?? '') as Migration;
  return { kind: 'out_of_order', migration: late, before };
}

function describe(connection: Connection, { hash, when }: LedgerEntry): UnknownEntries['entries'][number] {
  const logged = loggedEntry(connection, hash);
  return { hash, when, ...(logged && { tag: logged.tag, appliedAt: logged.at }) };
}

function isCosmetic(connection: Connection, migration: Migration, entry: LedgerEntry): boolean | undefined {
  const lines = migration.sql.replaceAll('\r\n', '\n');
  if ([lines, lines.replaceAll('\n', '\r\n')].some((text) => hashOf(text) === entry.hash)) return true;
  const logged = loggedEntry(connection, entry.hash);
  return logged && logged.statementsHash === statementsHash(migration);
}

/** The refusal for a problem: which entry, what was not touched, the way out. */
export function refusal(problem: Problem, filename: string, snapshotThatFits: string | undefined): MigrationError {
  const untouched = `Nothing of ${filename} was touched.`;
  if (problem.kind === 'out_of_order') {
    return new MigrationError(
      'out_of_order',
      `${problem.migration.tag} is not applied, but ${problem.before.tag}, which comes after it, is: a merge put it before what was applied. ${untouched}`,
      {
        hint: `Generate ${problem.migration.tag} anew, so that it comes last: delete its files and its journal entry, then run bun run generate.`,
      },
    );
  }
  if (problem.kind === 'edited') return editedRefusal(problem, untouched);
  const names = problem.entries.map(
    ({ hash, tag, appliedAt, when }) =>
      `${tag ?? hash.slice(0, 12)} (${appliedAt ? `applied ${appliedAt}` : `generated ${new Date(when).toISOString()}`})`,
  );
  return new MigrationError(
    'newer_database',
    `The database is newer than this code, which does not know ${names.join(', ')}. ${untouched}`,
    {
      hint: snapshotThatFits
        ? `Use the newer version, or restore the snapshot that this one can open: ${snapshotThatFits}`
        : "Use the newer version, or open it read-only with migrations: 'skip'; no snapshot beside it fits this one.",
    },
  );
}

function editedRefusal({ migration, entry, isCosmetic }: EditedEntry, untouched: string): MigrationError {
  const what =
    isCosmetic === undefined
      ? 'was changed after it was applied'
      : isCosmetic
        ? 'was changed after it was applied, in comments, white space or line ends only: its SQL is the same'
        : 'was changed after it was applied, and its SQL differs';
  return new MigrationError(
    'edited',
    `${migration.tag} ${what} (applied ${entry.hash}, now ${migration.hash}). ${untouched}`,
    {
      hint: `Put the file back as it was and make the change in a new migration; or accept it as it is now: dork-db repair-ledger ${migration.tag}`,
    },
  );
}
