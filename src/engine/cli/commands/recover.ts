import type { RecoverReport } from '../../backup/recover.ts';
import type { Schema } from '../../connection/db.ts';
import { shellQuoted } from '../../file/path.ts';
import { formatBytes } from '../../format.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { ALL_TABLES, formatDuration, formatRows, plural } from '../output.ts';
import { recoverProgress } from '../progress.ts';

interface Options {
  readonly all?: boolean;
  readonly to?: string;
}

export const recover: Command = {
  name: 'recover',
  group: 'Copies',
  description: 'save the readable part of a damaged database into a new file; the damaged one is not changed',
  options: { ...ALL_TABLES, '--to <file>': 'the file to create (default: one in backups next to the database)' },
  names: { from: '--db' },
  help:
    'Uses the sqlite3 shell if it is installed, and else reads every table around the damage.\n' +
    'If there is a backup, it is better: {command} backups lists them. Exit code 3 if something could not be saved.',
  examples: ['recover', 'recover --db ./damaged.db --to ./saved.db'],
  run: runRecover,
};

async function runRecover(call: Call<Schema, Options>): Promise<void> {
  using progress = recoverProgress();
  using _ = onInterrupt(() => 'Nothing was recovered, and the damaged database was not changed.');
  const { onProgress } = progress;
  const report = await call.kit.recover({ from: call.givenPath, to: call.options.to, onProgress });
  progress[Symbol.dispose]();
  if (losses(report).length > 0) process.exitCode = EXIT_CODE.look;
  call.print(report, () => describe(report, call));
}

function describe(report: RecoverReport, { command, options: { all } }: Call<Schema, Options>): string {
  const { from, to, method, bytes, migration, rows, durationMs } = report;
  const how = method === 'shell' ? 'by the sqlite3 shell' : 'table by table';
  return [
    `${to}: ${formatBytes(bytes)} saved of ${from} ${how}, in ${formatDuration(durationMs)}. ${from} was not changed.`,
    ...(migration ? [`Newest migration ${migration}.`] : []),
    '',
    formatRows(rows, all),
    '',
    ...losses(report),
    whatNext(report, command),
  ].join('\n');
}

function whatNext({ from, to, foreign, damage, migration, isRestorable }: RecoverReport, command: string): string {
  if (foreign) return `${to} ${foreign.what}. ${foreign.hint}`;
  if (damage.length > 0) return 'It cannot be restored before this damage is repaired.';
  if (migration === undefined) return 'It cannot be restored: its list of migrations could not be read.';
  if (!isRestorable)
    return 'This version cannot restore it, because it has other migrations. The version that wrote the database can.';
  return `To use it: ${command} restore ${shellQuoted(to)} --db ${shellQuoted(from)}`;
}

/** Returns a line for each loss and each finding. */
function losses(report: RecoverReport): string[] {
  const { unreadable, refused, lostAndFound, complaints, damage, danglingRows, drift } = report;
  return [
    ...Object.entries(unreadable).map(([table, n]) =>
      n === null
        ? `${table}: an unknown number of rows could not be read.`
        : `${table}: ${plural(n, 'row')} could not be read.`,
    ),
    ...Object.entries(refused).map(
      ([table, n]) =>
        `${table}: ${plural(n, 'row')} left out, because another row has the same key, or the key is missing.`,
    ),
    ...(lostAndFound > 0 ? [`${plural(lostAndFound, 'row')} of no known table are in lost_and_found.`] : []),
    ...(complaints > 0 ? [`The sqlite3 shell reported ${plural(complaints, 'error')}.`] : []),
    ...damage,
    ...(danglingRows > 0 ? [`${plural(danglingRows, 'row')} refer to missing rows.`] : []),
    ...drift.map(({ kind, type, name }) => `Schema: ${kind} ${type} ${name}`),
  ];
}
