import { basename, dirname } from 'node:path';
import { type BackupEntry, backupsIn } from '../../backup/list.ts';
import type { PruneBackupsReport } from '../../backup/prune.ts';
import type { Schema } from '../../connection/db.ts';
import { backupFolder } from '../../file/copy-name.ts';
import { realFile } from '../../file/file.ts';
import { isThere } from '../../file/fs.ts';
import { formatBytes } from '../../format.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { otherProgram } from '../file-status.ts';
import { formatAge, formatTable, plural, printError } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options {
  readonly dir?: string;
  readonly all?: boolean;
  readonly prune?: boolean;
  readonly dryRun?: boolean;
  readonly preMigration?: number;
  readonly daily?: number;
  readonly weekly?: number;
}

const count = (description: string) => ({ description, parse: wholeNumber });

export const backups: Command = {
  name: 'backups',
  group: 'Copies',
  description: 'list the backups, newest first; with --prune delete old ones',
  options: {
    '--dir <folder>': 'the folder with the backups (default: backups next to the database)',
    '--all': 'the backups of every database in the folder; default: only of this one',
    '--prune': 'delete old daily backups and copies from before migrations; at least one usable backup is kept',
    '--dry-run': 'with --prune: list what would be deleted; deletes nothing',
    '--daily <count>': count('with --prune: keep the backups of this many days (default: 7)'),
    '--weekly <count>': count('and the newest of this many weeks (default: 4)'),
    '--pre-migration <count>': count('and this many copies from before migrations (default: 10)'),
  },
  help:
    'Backups made by hand, with a label or without, are never deleted.\n' +
    'Exit code 3 if a file in the folder is not a usable backup, or the database belongs to another program.',
  examples: ['backups', 'backups --prune --dry-run', 'backups --dir /mnt/usb --json'],
  run: runBackups,
};

async function runBackups(call: Call<Schema, Options>): Promise<void> {
  await listOrPrune(call);
  // Its backups are there all the same, and may be wanted back.
  const other = otherProgram(call);
  if (!other) return;
  process.exitCode = EXIT_CODE.look;
  printError(other, false);
}

async function listOrPrune(call: Call<Schema, Options>): Promise<void> {
  const { kit, options, filename: database } = call;
  const folder = options.dir ?? folderOf(database);
  const only = options.all ? {} : { database };
  if (options.prune) {
    const { preMigration, daily, weekly, dryRun } = options;
    const report = await kit.pruneBackups(folder, { preMigration, daily, weekly }, { dryRun, ...only });
    return call.print(report, () => describePrune(report));
  }
  const found = kit.listBackups(folder, only);
  if (found.some(({ verified, isAhead }) => !verified || isAhead)) process.exitCode = EXIT_CODE.look;
  call.print(found, () => {
    const others = options.all ? 0 : backupsIn(folder).length - found.length;
    const list =
      found.length === 0
        ? `There are no backups of ${database} in ${folder}. ${call.command} backup makes one.`
        : describe(found, call.command);
    return others > 0
      ? `${list}\n${plural(others, 'backup')} of other databases in that folder: --all lists them too.`
      : list;
  });
}

function folderOf(filename: string): string {
  return backupFolder(isThere(filename) ? realFile(filename) : filename);
}

function describe(backups: readonly BackupEntry[], command: string): string {
  const [folder = ''] = backups.map(({ path }) => dirname(path));
  const head = ['age', 'size', 'label', 'usable', 'file'];
  const rows = backups.map(({ ageMs, isAhead, bytes, kind, label, verified, path }) => [
    isAhead ? 'future' : formatAge(ageMs),
    formatBytes(bytes),
    label ?? (kind === 'backup' ? '-' : kind),
    verified ? 'looks so' : 'NO',
    basename(path),
  ]);
  const problems = backups.flatMap(({ problem }) => (problem ? [problem] : []));
  const ahead = backups.filter(({ isAhead }) => isAhead);
  const notRead = `Only headers, tables and ledgers were looked at. ${command} verify FILE reads every page.`;
  return [
    `In ${folder}:`,
    '',
    formatTable(head, rows),
    '',
    notRead,
    ...problems,
    ...(ahead.length > 0 ? [dated(ahead.length)] : []),
  ].join('\n');
}

function dated(count: number): string {
  const were = count === 1 ? 'is' : 'are';
  return `${plural(count, 'backup')} ${were} dated in the future: the clock was wrong then, or is wrong now. --prune leaves them alone.`;
}

function describePrune({ wreckage, deleted, kept, spared, dryRun }: PruneBackupsReport): string {
  const gone = [...wreckage, ...deleted];
  const done = dryRun ? 'would be deleted' : 'deleted';
  return [
    `${plural(gone.length, 'file')} ${done}, ${plural(kept.length, 'backup')} kept.`,
    ...gone.map((path) => `  ${path}`),
    ...(spared.length > 0 ? ['Kept although old, since no other is known to be good:'] : []),
    ...spared.map((path) => `  ${path}`),
  ].join('\n');
}
