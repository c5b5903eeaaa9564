import { createInterface } from 'node:readline/promises';
import type { RestoredTable } from '../../backup/compare.ts';
import type { RestoreOptions, RestoreReport } from '../../backup/restore.ts';
import type { Schema } from '../../connection/db.ts';
import { backupFolder } from '../../file/copy-name.ts';
import { statAt } from '../../file/file.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { endBy, onInterrupt } from '../interrupt.ts';
import { formatDuration, formatTable, plural, print } from '../output.ts';
import { restoreProgress } from '../progress.ts';
import { fitted } from '../wrap.ts';

interface Options {
  readonly all?: boolean;
  readonly dryRun?: boolean;
  readonly deep?: boolean;
  readonly yes?: boolean;
}

export const restore: Command = {
  name: 'restore',
  group: 'Copies',
  description: 'bring back a backup; the previous files are kept in backups/replaced-…',
  arguments: { '[file]': 'the backup; without it, an interrupted restore is finished' },
  options: {
    '--all': 'list tables without a difference too',
    '--dry-run': 'show what would come back and what would be lost; changes nothing',
    '--deep': 'also compare every index of the backup with its table and follow every foreign key',
    '--yes': 'do not ask; needed if there is no terminal to ask on',
  },
  names: { from: 'FILE', to: '--db' },
  help: 'Nobody may have the database open meanwhile. To undo it, restore the file in backups/replaced-….',
  examples: [
    'backups',
    'restore backups/{name}-daily-20261122.db --dry-run',
    'restore ./copy.db --db ./{name}.db --yes --json',
  ],
  run: runRestore,
};

async function runRestore(call: Call<Schema, Options>): Promise<void> {
  const { kit, givenPath: to, filename: target } = call;
  const { all, deep, dryRun, yes } = call.options;
  const [file] = call.args;
  const before = inodeOf(target);
  using _ = onInterrupt(() =>
    inodeOf(target) === before
      ? `Nothing was restored, and ${target} was not changed.`
      : `${target} was restored; the previous files are in ${backupFolder(target)}.`,
  );
  if (file !== undefined && !dryRun && !yes) {
    if (!process.stdin.isTTY || !process.stderr.isTTY)
      call.refuse('there is no terminal to ask on: pass --yes to restore, or --dry-run to see what it would do');
    const plan = await planOf(kit, { from: file, to, deep });
    if (!(await agrees(describe(plan, all), target))) {
      process.exitCode = EXIT_CODE.failed;
      return print('Nothing was changed.');
    }
  }
  using progress = restoreProgress();
  const report = await kit.restore({ from: file, to, deep, dryRun, onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  call.print(report, () => describe(report, all));
}

async function planOf(kit: Call['kit'], options: RestoreOptions): Promise<RestoreReport> {
  using progress = restoreProgress();
  return await kit.restore({ ...options, dryRun: true, onProgress: progress.onProgress });
}

/** Another file has another inode; undefined if there is none. */
function inodeOf(path: string): number | undefined {
  return statAt(path)?.ino;
}

/** Goes to stderr, so that stdout holds the result alone. The end of the input is a no. */
async function agrees(plan: string, target: string): Promise<boolean> {
  process.stderr.write(`${fitted(plan, process.stderr)}\n\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // A terminal that is read key by key sends no signal.
  terminal.on('SIGINT', () => {
    terminal.close();
    endBy('SIGINT', `Nothing was restored, and ${target} was not changed.`);
  });
  const ended = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  try {
    const answer = terminal.question('Do it? (yes/no) ').catch(() => '');
    return /^y(es)?$/i.test((await Promise.race([answer, ended])).trim());
  } finally {
    terminal.close();
  }
}

function describe(report: RestoreReport, all?: boolean): string {
  const { to, backup, migrated, replaced, replacedProblem, finished, putBack, dryRun, durationMs } = report;
  const title = dryRun
    ? `${to} would be what ${backup?.path} holds; nothing was changed.`
    : backup
      ? `${to} is what ${backup.path} holds, in ${formatDuration(durationMs)}.`
      : putBack
        ? `${to} is what it was before the interrupted restore.`
        : `${to} is what the interrupted restore was to make it.`;
  return [
    title,
    ...(finished && backup ? ['An interrupted restore was finished first.'] : []),
    ...(migrated.length > 0 ? [`${dryRun ? 'To be applied' : 'Applied'} on the way: ${migrated.join(', ')}.`] : []),
    ...(replaced ? [`The previous files are in ${replaced}`] : []),
    ...(replacedProblem ? [`It could not be compared. ${replacedProblem}`] : []),
    ...tableOf(report, all),
    ...lossOf(report),
  ].join('\n');
}

/** Lists the tables that differ; the others are counted in one line unless all are asked for. `--json` has more. */
function tableOf({ tables, dryRun }: RestoreReport, all = false): string[] {
  const head = ['table', dryRun ? 'after' : 'now', 'before', 'not back', 'other values'];
  const entries = Object.entries(tables);
  const differs = ({ rows, replaced }: RestoredTable) =>
    replaced ? rows !== replaced.rows || replaced.lost + replaced.changed > 0 : rows > 0;
  const shown = entries.filter(([, table]) => all || differs(table));
  const same = entries.length - shown.length;
  const rows = shown.map(([table, { rows: n, replaced }]) => [
    table,
    n,
    ...(replaced ? [replaced.rows, replaced.lost, replaced.changed] : ['-', '-', '-']),
  ]);
  return [
    ...(shown.length > 0 ? ['', formatTable(head, rows)] : []),
    ...(same > 0 ? ['', `${plural(same, 'table')} without a difference (--all lists them).`] : []),
  ];
}

function lossOf({ tables, dryRun }: RestoreReport): string[] {
  const compared = Object.values(tables).flatMap(({ replaced }) => (replaced ? [replaced] : []));
  if (compared.length === 0) return [];
  const lost = compared.reduce((sum, replaced) => sum + replaced.lost, 0);
  const changed = compared.reduce((sum, replaced) => sum + replaced.changed, 0);
  if (lost + changed === 0) return ['', 'Nothing of the previous content is lost.'];
  const verb = dryRun ? 'would not come back' : 'did not come back';
  return ['', `${plural(lost, 'row')} ${verb}, ${plural(changed, 'row')} with other values.`];
}
