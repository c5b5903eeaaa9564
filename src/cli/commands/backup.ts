import type { Command } from 'commander';
import { type BackupReport, backup } from '../../engine/backup/backup.ts';
import { backupDaily } from '../../engine/backup/daily.ts';
import { formatBytes } from '../../engine/format.ts';
import type { CommonOptions } from '../context.ts';
import { onInterrupt } from '../interrupt.ts';
import { openExisting } from '../open-existing.ts';
import { formatDuration, formatTable, print, printJson } from '../output.ts';
import { backupProgress } from '../progress.ts';

interface Options extends CommonOptions {
  readonly to?: string;
  readonly dir?: string;
  readonly label?: string;
  readonly daily?: boolean;
  readonly deep?: boolean;
}

export function addBackup(add: (name: string) => Command): void {
  add('backup')
    .description('copy the database, as it is at this moment, into a new file and read it back; others may write')
    .option('--to <file>', 'the file to make')
    .option('--dir <folder>', 'the folder to make a file in (default: backups beside the database)')
    .option('--label <text>', 'what it is for; becomes a part of the name')
    .option('--daily', 'make the backup of this UTC day, unless there is one')
    .option('--deep', 'also compare every index with its table and follow every foreign key')
    .addHelpText(
      'after',
      '\nExamples:\n  dork-db backup --label "before the upgrade"\n  dork-db backup --to /mnt/usb/dork.db\n  dork-db backup --daily && dork-db backups --prune',
    )
    .action(runBackup);
}

async function runBackup(options: Options, command: Command): Promise<void> {
  const { to, dir, label, daily, deep } = options;
  if (to !== undefined && dir !== undefined) command.error('error: give --to or --dir, not both');
  if (to !== undefined && label !== undefined) command.error('error: a file given with --to has a name already');
  if (daily && (to !== undefined || label !== undefined)) command.error('error: --daily goes with --dir only');
  using db = await openExisting(options);
  using progress = backupProgress();
  using _ = onInterrupt(() => `No backup was made, and ${db.$client.filename} was not changed.`);
  if (!daily) {
    const report = await backup(db, { to, dir, label, deep, onProgress: progress.onProgress });
    progress[Symbol.dispose]();
    return options.json ? printJson(report) : print(describe(report));
  }
  const report = await backupDaily(db, dir, { deep, onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  if (options.json) printJson(report);
  else if (report.isNew) print(describe(report.backup));
  else print(`${report.path} is the backup of this day already. Nothing was done.`);
}

function describe({ path, bytes, durationMs, sha256, migration, rows, deep }: BackupReport): string {
  return [
    `${path}: ${formatBytes(bytes)} in ${formatDuration(durationMs)}, read back and ${deep ? 'checked in depth' : 'checked'}.`,
    `Newest migration ${migration}; SHA-256 ${sha256}.`,
    '',
    formatTable(['table', 'rows'], Object.entries(rows)),
  ].join('\n');
}
