import { hostname, userInfo } from 'node:os';
import type { Connection } from '../connection/connection.ts';
import { InvalidInputError } from '../errors.ts';
import { flushCommits } from '../file/flush.ts';
import { howTo } from '../host.ts';
import { textArgument } from '../input.ts';
import { now } from '../time.ts';
import type { History } from './history.ts';
import { hasTable, readLedger, recordRepaired } from './ledger.ts';
import { LEDGER } from './names.ts';
import { editedEntries } from './plan.ts';
import { type Drift, driftOf } from './schema-state.ts';

/** What `repairLedger()` takes. */
export interface RepairLedgerOptions {
  /** Why the edit is right, for whoever reads the log. */
  readonly reason?: string;
  /** Who accepts it. Default: the user and the machine that run this, as `ada@laptop`. */
  readonly by?: string;
}

/** What was written into the ledger and into its log. */
export interface LedgerRepair {
  readonly filename: string;
  readonly tag: string;
  /** The hash that the ledger had. */
  readonly previousHash: string;
  /** The hash of the file as it is now, which the ledger has from now on. */
  readonly hash: string;
  /** True where only comments, white space or line ends were changed; undefined where nothing tells. */
  readonly isCosmetic?: boolean;
  /** When, as an instant. */
  readonly at: string;
  /** Who accepted it. */
  readonly by: string;
  readonly reason?: string;
  /** How the schema differs from what the history yields now: the SQL of an edited migration is not run again. */
  readonly drift: readonly Drift[];
}

/**
 * Accepts an applied migration that was edited as it is now: its new hash goes into the ledger; who, when, why and the
 * old hash into the log, in the same transaction. No SQL of the migration is run.
 *
 * @throws InvalidInputError where the migration is not one that is applied and was edited since.
 * @throws DatabaseBusyError where another process kept the write lock.
 */
export function repair(
  connection: Connection,
  history: History,
  name: string,
  options: RepairLedgerOptions = {},
): LedgerRepair {
  const tag = textArgument(name, 'tag');
  const by = options.by === undefined ? user() : textArgument(options.by, 'options.by');
  const reason = options.reason === undefined ? undefined : textArgument(options.reason, 'options.reason');
  const repaired = connection.transaction(() => {
    const ledger = readLedger(connection);
    const found = editedEntries(connection, ledger, history.migrations).find(({ migration }) => migration.tag === tag);
    if (!found) throw notEdited(connection, history, tag);
    const { migration, entry, isCosmetic } = found;
    const at = now();
    recordRepaired(connection, entry, migration, { at, by, reason: reason ?? null });
    return {
      filename: connection.filename,
      tag,
      previousHash: entry.hash,
      hash: migration.hash,
      ...(isCosmetic !== undefined && { isCosmetic }),
      at,
      by,
      ...(reason !== undefined && { reason }),
      drift: driftOf(connection, { migrations: history.migrations.slice(0, ledger.length) }),
    };
  }, 'immediate');
  flushCommits(connection.filename, 'was repaired');
  return repaired;
}

/** So much of a name is shown. */
const SHOWN = 200;

function notEdited(connection: Connection, { migrations }: History, tag: string): InvalidInputError {
  const migration = migrations.find((candidate) => candidate.tag === tag);
  if (!migration) {
    return new InvalidInputError('tag', `is ${JSON.stringify(tag.slice(0, SHOWN))}, which the history does not have`, {
      hint: 'Give the name of the entry in meta/_journal.json, without .sql.',
    });
  }
  const isApplied = hasTable(connection, LEDGER) && readLedger(connection).some(({ hash }) => hash === migration.hash);
  return new InvalidInputError(
    'tag',
    isApplied
      ? `is ${tag}, which is applied as it stands: there is nothing to accept`
      : `is ${tag}, which is not applied`,
    {
      hint: isApplied
        ? 'Nothing needs to be done.'
        : `Run ${howTo(connection.host, 'migrate', 'runMigrations(path)')}, which applies it.`,
    },
  );
}

function user(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A container's user may have no name.
    return `uid ${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}
