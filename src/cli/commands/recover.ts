import type { Command } from 'commander';
import type { RecoverReport } from '../../engine/backup/recover.ts';
import { shellQuoted } from '../../engine/file/path.ts';
import { formatBytes } from '../../engine/format.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { formatDuration, formatTable, plural, print, printJson } from '../output.ts';
import { recoverProgress } from '../progress.ts';

interface Options extends CommonOptions {
  readonly to?: string;
}

export function addRecover(add: (name: string) => Command): void {
  add('recover')
    .description('save what can be read of a damaged database into a new file; the damaged one is left as it is')
    .option('--to <file>', 'the file to make (default: one in backups beside the database)')
    .addHelpText(
      'after',
      '\nIt asks the sqlite3 shell, where that is installed, and else reads every table around the damage.\n' +
        'A backup is better where there is one: dork-db backups lists them. Exit code 3 where something could not be saved.\n' +
        '\nExamples:\n  dork-db recover\n  dork-db recover --db ./damaged.db --to ./saved.db',
    )
    .action(runRecover);
}

async function runRecover({ db: from, to, json }: Options): Promise<void> {
  const { recover } = await loadApi();
  using progress = recoverProgress();
  using _ = onInterrupt(() => 'Nothing was recovered, and the damaged database was not changed.');
  const report = await recover({ from, to, onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  if (losses(report).length > 0) process.exitCode = EXIT_CODE.look;
  if (json) printJson(report);
  else print(describe(report));
}

function describe(report: RecoverReport): string {
  const { from, to, method, bytes, migration, rows, isRestorable, durationMs } = report;
  const how = method === 'shell' ? 'by the sqlite3 shell' : 'table by table';
  return [
    `${to}: ${formatBytes(bytes)} saved of ${from} ${how}, in ${formatDuration(durationMs)}. ${from} was not changed.`,
    migration ? `Newest migration ${migration}.` : 'Which migrations it has could not be read.',
    '',
    formatTable(['table', 'rows'], Object.entries(rows)),
    '',
    ...losses(report),
    isRestorable
      ? `Put it in place: dork-db restore ${shellQuoted(to)} --db ${shellQuoted(from)}`
      : 'It cannot be put in place as it is.',
  ].join('\n');
}

/** What was not saved, or is not as it should be, a line each. */
function losses(report: RecoverReport): string[] {
  const { unreadable, refused, lostAndFound, complaints, damage, danglingRows, drift } = report;
  return [
    ...Object.entries(unreadable).map(([table, n]) =>
      n === null
        ? `${table}: it is not known how many rows could not be read.`
        : `${table}: ${plural(n, 'row')} could not be read.`,
    ),
    ...Object.entries(refused).map(
      ([table, n]) => `${table}: ${plural(n, 'row')} left out: another has their key, or they lack one.`,
    ),
    ...(lostAndFound > 0 ? [`${plural(lostAndFound, 'row')} of no known table are in lost_and_found.`] : []),
    ...(complaints > 0 ? [`The sqlite3 shell complained ${plural(complaints, 'time')}.`] : []),
    ...damage,
    ...(danglingRows > 0 ? [`${plural(danglingRows, 'row')} refer to rows that are not there.`] : []),
    ...drift.map(({ kind, type, name }) => `Schema: ${kind} ${type} ${name}`),
  ];
}
