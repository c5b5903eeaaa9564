import type { Schema } from '../../connection/db.ts';
import { formatBytes } from '../../format.ts';
import type { CheckpointMode, CheckpointReport } from '../../maintenance/checkpoint.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { formatCount } from '../output.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options {
  readonly mode: CheckpointMode;
  readonly wait: number;
}

export const checkpoint: Command = {
  name: 'checkpoint',
  group: 'Space',
  description: 'move the content of the -wal into the file, and free its space',
  options: {
    '--mode <mode>': {
      description: 'how far it goes',
      choices: ['passive', 'full', 'restart', 'truncate'],
      default: 'truncate',
    },
    '--wait <ms>': { description: 'how long to wait for readers and writers', parse: wholeNumber, default: 0 },
  },
  help: 'Exit code 3: a reader or a writer was in the way, and only a part was moved.',
  examples: ['checkpoint', 'checkpoint --wait 5000 --json'],
  run: runCheckpoint,
};

function runCheckpoint(call: Call<Schema, Options>): void {
  const { mode, wait } = call.options;
  using db = call.open();
  const report = call.kit.checkpoint(db, { mode, waitMs: wait });
  if (report.busy) process.exitCode = EXIT_CODE.look;
  call.print(report, () => describe(report, call.command));
}

function describe(report: CheckpointReport, command: string): string {
  const { filename, busy, log, checkpointed, walBytesBefore, walBytesAfter } = report;
  const sizes = `-wal ${formatBytes(walBytesBefore)} before, ${formatBytes(walBytesAfter)} now`;
  if (!busy) return `${filename}: everything is in the file; ${sizes}.`;
  return `${filename}: busy. ${formatCount(checkpointed)} of ${formatCount(log)} pages of the -wal are in the file; ${sizes}.\n${command} doctor names the process that is in the way.`;
}
