import type { VerifyReport } from '../../backup/verify.ts';
import type { Schema } from '../../connection/db.ts';
import { formatBytes } from '../../format.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { onInterrupt } from '../interrupt.ts';
import { ALL_TABLES, formatDuration, formatRows, withVerdictLast } from '../output.ts';
import { waiting } from '../progress.ts';

interface Options {
  readonly all?: boolean;
  readonly deep?: boolean;
}

export const verify: Command = {
  name: 'verify',
  group: 'Copies',
  description: 'read a whole backup and show its content; changes nothing',
  arguments: { '<file>': 'the backup' },
  options: { ...ALL_TABLES, '--deep': 'also compare every index with its table and follow every foreign key' },
  help: 'Exit code 1 if it is not a usable backup, 3 if it is a good one that this version cannot open.',
  examples: ['verify backups/{name}-daily-20261122.db --deep'],
  run: runVerify,
};

async function runVerify(call: Call<Schema, Options>): Promise<void> {
  const [file = ''] = call.args;
  using _ = onInterrupt(() => `${file} was not changed.`);
  const report = await waiting('reading', call.kit.verifyBackup(file, { deep: call.options.deep }));
  if (report.problem) process.exitCode = EXIT_CODE.look;
  call.print(report, () => withVerdictLast(describe(report, call.options.all)));
}

function describe(
  { path, bytes, sha256, migration, pending, problem, rows, deep, durationMs }: VerifyReport,
  all?: boolean,
): string {
  return [
    `${path}: ${formatBytes(bytes)}, good${deep ? ' in depth' : ''}; read in ${formatDuration(durationMs)}.`,
    `Newest migration ${migration}${sha256 ? `; SHA-256 ${sha256}` : '; a -wal or -journal belongs to it'}.`,
    ...(pending.length > 0 ? [`A restore will apply ${pending.join(', ')}.`] : []),
    ...(problem ? [`This version cannot open it. ${problem.message}`, problem.hint] : []),
    '',
    formatRows(rows, all),
  ].join('\n');
}
