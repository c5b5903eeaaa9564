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

/** Options for `repairLedger()`. */
export interface RepairLedgerOptions {
  /** Why the edit is correct, for readers of the log. */
  readonly reason?: string;
  /** Who accepts the edit. Default: the current user and machine, e.g. `ada@laptop`. */
  readonly by?: string;
}

/** The data written to the ledger and its log. */
export interface LedgerRepair {
  readonly filename: string;
  readonly tag: string;
  /** The previous hash in the ledger. */
  readonly previousHash: string;
  /** The hash of the current file, now in the ledger. */
  readonly hash: string;
  /** True if only comments, white space or line ends were changed; undefined if this is unknown. */
  readonly isCosmetic?: boolean;
  /** The time of the repair, in ISO 8601. */
  readonly at: string;
  /** Who accepted it. */
  readonly by: string;
  readonly reason?: string;
  /** How the schema differs from the history, because the SQL of an edited migration is not run again. */
  readonly drift: readonly Drift[];
}

/**
 * Accepts the current file of an applied migration that was edited. Writes its new hash into the ledger and, in the
 * same transaction, the old hash, who, when and why into the log. The migration's SQL is not run.
 *
 * @throws InvalidInputError if the migration is not applied, or was not edited since.
 * @throws DatabaseBusyError if another process held the write lock until the timeout.
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
  const repaired = connection.runTransaction(() => {
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

/** Maximum number of characters of a name in an error. */
const SHOWN = 200;

function notEdited(connection: Connection, { migrations }: History, tag: string): InvalidInputError {
  const migration = migrations.find((candidate) => candidate.tag === tag);
  if (!migration) {
    return new InvalidInputError('tag', `is ${JSON.stringify(tag.slice(0, SHOWN))}, which is not in the history`, {
      hint: 'Pass the name of the entry in meta/_journal.json, without .sql.',
    });
  }
  const isApplied = hasTable(connection, LEDGER) && readLedger(connection).some(({ hash }) => hash === migration.hash);
  return new InvalidInputError(
    'tag',
    isApplied ? `is ${tag}, which was not edited since it was applied` : `is ${tag}, which is not applied`,
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
