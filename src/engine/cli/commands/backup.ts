import type { BackupReport } from '../../backup/backup.ts';
import { isWritable } from '../../connection/closed-file.ts';
import type { Schema } from '../../connection/db.ts';
import { formatBytes } from '../../format.ts';
import { mayWrite } from '../../writer/state.ts';
import type { Call, Command } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import { ALL_TABLES, formatDuration, formatRows, withVerdictLast } from '../output.ts';
import { backupProgress } from '../progress.ts';

interface Options {
  readonly all?: boolean;
  readonly to?: string;
  readonly dir?: string;
  readonly label?: string;
  readonly daily?: boolean;
  readonly deep?: boolean;
}

export const backup: Command = {
  name: 'backup',
  group: 'Copies',
  description: 'copy the database into a new file and read it back; others may write meanwhile',
  options: {
    ...ALL_TABLES,
    '--to <file>': 'the file to create',
    '--dir <folder>': 'the folder of the new file (default: backups next to the database)',
    '--label <text>': 'its purpose; becomes a part of the name',
    '--daily': 'make the backup of this UTC day, unless there is one',
    '--deep': 'also compare every index with its table and follow every foreign key',
  },
  examples: [
    'backup --label "before the upgrade"',
    'backup --to /mnt/usb/{name}.db',
    'backup --daily && {command} backups --prune',
  ],
  run: runBackup,
};

async function runBackup(call: Call<Schema, Options>): Promise<void> {
  const { kit } = call;
  const { to, dir, label, daily, deep, all } = call.options;
  if (to !== undefined && dir !== undefined) call.refuse('give --to or --dir, not both');
  if (to !== undefined && label !== undefined) call.refuse('a file given with --to has a name already');
  if (daily && (to !== undefined || label !== undefined)) call.refuse('--daily goes with --dir only');
  // A copy elsewhere needs no right to write the file.
  const isElsewhere = to !== undefined || dir !== undefined;
  const filename = call.existingFile();
  using db = call.open({ readonly: !mayWrite(filename) || (isElsewhere && !isWritable(filename)) });
  using progress = backupProgress();
  using _ = onInterrupt(() => `No backup was made, and ${db.$client.filename} was not changed.`);
  const { onProgress } = progress;
  if (!daily) {
    const report = await kit.backup(db, { to, dir, label, deep, onProgress });
    progress[Symbol.dispose]();
    return call.print(report, () => withVerdictLast(describe(report, all)));
  }
  const report = await kit.backupDaily(db, dir, { deep, onProgress });
  progress[Symbol.dispose]();
  call.print(report, () =>
    report.isNew ? describe(report.backup, all) : `${report.path} is the backup of this day already. Nothing was done.`,
  );
}

function describe({ path, bytes, durationMs, sha256, migration, rows, deep }: BackupReport, all?: boolean): string {
  return [
    `${path}: ${formatBytes(bytes)} in ${formatDuration(durationMs)}, read back and ${deep ? 'checked in depth' : 'checked'}.`,
    `Newest migration ${migration}; SHA-256 ${sha256}.`,
    '',
    formatRows(rows, all),
  ].join('\n');
}
