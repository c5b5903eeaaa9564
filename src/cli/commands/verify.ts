import type { Command } from 'commander';
import type { VerifyReport } from '../../engine/backup/verify.ts';
import { formatBytes } from '../../engine/format.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { formatDuration, formatTable, print, printJson } from '../output.ts';

interface Options extends CommonOptions {
  readonly deep?: boolean;
}

export function addVerify(add: (name: string) => Command): void {
  add('verify')
    .description('read a backup as a whole and say what it holds; changes nothing')
    .argument('<file>', 'the backup')
    .option('--deep', 'also compare every index with its table and follow every foreign key')
    .addHelpText(
      'after',
      '\nExit code 1 where it is not a backup that can be used.\n\nExamples:\n  dork-db verify ~/.dork/backups/dork-daily-20261122.db --deep',
    )
    .action(runVerify);
}

async function runVerify(file: string, { deep, json }: Options): Promise<void> {
  const { verifyBackup } = await loadApi();
  const report = await verifyBackup(file, { deep });
  if (json) printJson(report);
  else print(describe(report));
}

function describe({ path, bytes, sha256, migration, pending, problem, rows, deep, durationMs }: VerifyReport): string {
  return [
    `${path}: ${formatBytes(bytes)}, good${deep ? ' in depth' : ''}; read in ${formatDuration(durationMs)}.`,
    `Newest migration ${migration}${sha256 ? `; SHA-256 ${sha256}` : '; a -wal or -journal belongs to it'}.`,
    ...(pending.length > 0 ? [`A restore will apply ${pending.join(', ')}.`] : []),
    ...(problem ? [`This version cannot open it. ${problem.message}`, problem.hint] : []),
    '',
    formatTable(['table', 'rows'], Object.entries(rows)),
  ].join('\n');
}
