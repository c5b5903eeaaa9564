import { type Command, Option } from 'commander';
import { formatBytes } from '../../engine/format.ts';
import { type CheckpointMode, type CheckpointReport, checkpoint } from '../../engine/maintenance/checkpoint.ts';
import type { CommonOptions } from '../context.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { openExisting } from '../open-existing.ts';
import { formatCount, print, printJson } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions {
  readonly mode: CheckpointMode;
  readonly wait: number;
}

export function addCheckpoint(add: (name: string) => Command): void {
  add('checkpoint')
    .description('move what the -wal holds into the file, and give its space back')
    .addOption(
      new Option('--mode <mode>', 'how far it goes')
        .choices(['passive', 'full', 'restart', 'truncate'])
        .default('truncate'),
    )
    .option('--wait <ms>', 'how long to wait for readers and writers', wholeNumber, 0)
    .addHelpText(
      'after',
      '\nExit code 3: a reader or a writer was in the way; what could be moved is moved.\n\nExamples:\n  dork-db checkpoint\n  dork-db checkpoint --wait 5000 --json',
    )
    .action(runCheckpoint);
}

async function runCheckpoint(options: Options): Promise<void> {
  using db = await openExisting(options);
  const report = checkpoint(db, { mode: options.mode, waitMs: options.wait });
  if (report.busy) process.exitCode = EXIT_CODE.look;
  if (options.json) printJson(report);
  else print(describe(report));
}

function describe({ filename, busy, log, checkpointed, walBytesBefore, walBytesAfter }: CheckpointReport): string {
  const sizes = `-wal ${formatBytes(walBytesBefore)} before, ${formatBytes(walBytesAfter)} now`;
  if (!busy) return `${filename}: everything is in the file; ${sizes}.`;
  return `${filename}: busy. ${formatCount(checkpointed)} of ${formatCount(log)} pages of the -wal are in the file; ${sizes}.\ndork-db doctor says which process is in the way.`;
}
