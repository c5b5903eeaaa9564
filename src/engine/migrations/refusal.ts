import type { Connection } from '../connection/connection.ts';
import { MigrationError } from '../errors.ts';
import { shellQuoted } from '../file/path.ts';
import { type Host, howTo } from '../host.ts';
import type { History } from './history.ts';
import type { EditedEntry, Problem, UnknownEntries, UnknownEntry } from './plan.ts';
import { fittingSnapshot } from './snapshot.ts';

/**
 * Returns the error for a problem of this file. If the file is newer, it names the newest snapshot that this history
 * can open.
 */
export function refusalOf(
  problem: Problem,
  connection: Connection,
  history: History,
  filename = connection.filename,
): MigrationError {
  const fitting = problem.kind === 'newer_database' ? fittingSnapshot(connection, history) : undefined;
  return refusal(problem, filename, fitting, connection.host);
}

/**
 * Returns the error for a problem: the entry, what was not changed, and what to do.
 *
 * @param snapshotThatFits For a newer file, the newest snapshot that this history can open.
 */
export function refusal(
  problem: Problem,
  filename: string,
  snapshotThatFits: string | undefined,
  host: Host | undefined,
): MigrationError {
  const untouched = `${filename} was not changed.`;
  switch (problem.kind) {
    case 'edited':
      return editedRefusal(problem, filename, untouched, host);
    case 'newer_database':
      return newerRefusal(problem, filename, untouched, snapshotThatFits, host);
    case 'out_of_order': {
      if ('swapped' in problem) {
        const [first, second] = problem.swapped;
        return new MigrationError(
          'out_of_order',
          `${first.tag} was applied after ${second.tag}, but comes before it in the history. ${untouched}`,
          { hint: 'List the entries of meta/_journal.json in the order in which they were applied.' },
        );
      }
      const tags = problem.late.map(({ tag }) => tag).join(', ');
      const [is, it] = problem.late.length === 1 ? ['is', 'it'] : ['are', 'them'];
      return new MigrationError(
        'out_of_order',
        `${tags} ${is} not applied, but the later ${problem.last.tag} is: a merge inserted ${it} before an applied migration. ${untouched}`,
        {
          hint: `Move ${it} to the end: delete the files and the journal entry of ${tags}, then run bun run generate NAME.`,
        },
      );
    }
  }
}

function editedRefusal(
  { migration, entry, isCosmetic }: EditedEntry,
  filename: string,
  untouched: string,
  host: Host | undefined,
): MigrationError {
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
      hint: `Restore the file and make the change in a new migration, or accept the edited file: ${howTo(host, `repair-ledger ${migration.tag} --db ${shellQuoted(filename)}`, `repairLedger(db, '${migration.tag}')`)}`,
    },
  );
}

/** Without a log, an entry is only known by the journal's timestamp, stored by Drizzle's own migrator. */
function nameOf({ hash, tag, appliedAt, when }: UnknownEntry): string {
  const generated = new Date(when);
  const time = Number.isNaN(generated.getTime()) ? '' : ` (generated ${generated.toISOString()})`;
  return `${tag ?? hash.slice(0, 12)}${appliedAt ? ` (applied ${appliedAt})` : time}`;
}

/** Lists up to three entries; of more, only the first and the last, because a file may be years ahead. */
function namesOf(entries: readonly UnknownEntry[]): string {
  const [first, last] = [entries[0], entries.at(-1)];
  if (entries.length <= 3 || !first || !last) return entries.map(nameOf).join(', ');
  return `${entries.length} migrations, from ${nameOf(first)} to ${nameOf(last)}`;
}

function newerRefusal(
  { entries, pending }: UnknownEntries,
  filename: string,
  untouched: string,
  snapshotThatFits: string | undefined,
  host: Host | undefined,
): MigrationError {
  const also =
    pending.length > 0
      ? ` It lacks ${pending.map(({ tag }) => tag).join(', ')}: the two come from different branches.`
      : '';
  return new MigrationError(
    'newer_database',
    `The database is newer than this code, which does not know ${namesOf(entries)}.${also} ${untouched}`,
    {
      hint: snapshotThatFits
        ? `Use the newer version, or restore the snapshot that this one can open: ${howTo(host, `restore ${shellQuoted(snapshotThatFits)} --db ${shellQuoted(filename)}`, `restore({ from: ${shellQuoted(snapshotThatFits)} })`)}`
        : `Use the newer version, or only read: ${howTo(host, `export --db ${shellQuoted(filename)}`, "open it read-only with migrations: 'skip'")}. No backup of it fits this version.`,
    },
  );
}
