import type { Schema } from '../../connection/db.ts';
import type { WriterReport } from '../../writer/writer.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { refuseOtherProgram } from '../file-status.ts';

interface Options {
  readonly join?: string;
  readonly takeOver?: boolean;
  readonly leave?: boolean;
}

export const writer: Command = {
  name: 'writer',
  group: 'Copies',
  description: 'show which of several machines may write the database, or take over',
  options: {
    '--join <folder>': 'become one of the machines that share this folder',
    '--take-over': 'make this machine the writer; all others are then refused',
    '--leave': 'be on its own again; this machine may then write its file',
  },
  help: 'Exit code 3: this machine may not write.',
  examples: ['writer', 'writer --join /mnt/shared', 'writer --take-over'],
  run: runWriter,
};

function runWriter(call: Call<Schema, Options>): void {
  const { join, takeOver, leave } = call.options;
  if (leave && (takeOver || join !== undefined)) call.refuse('give --leave alone');
  refuseOtherProgram(call);
  const report = call.kit.writer({ path: call.givenPath, join, takeOver, leave });
  if (!report.isWriter) process.exitCode = EXIT_CODE.look;
  call.print(report, () => describe(report, call.command));
}

function describe(report: WriterReport, command: string): string {
  const { path, shared, isWriter, term, host, since, replica, restoreFrom } = report;
  if (shared === undefined)
    return `${path} is on this machine alone.\n${command} writer --join FOLDER makes it one of several.`;
  const state = isWriter ? `This machine is the writer since ${since}` : notTheWriter(host, since);
  return [
    `${path}`,
    `${state} (term ${term} in ${shared}).`,
    ...(isWriter ? [`Replicate to: ${replica}`] : []),
    ...(restoreFrom === undefined ? [] : [`Restore from: ${restoreFrom}`]),
    ...(isWriter ? [] : [`${command} writer --take-over makes this machine the writer.`]),
  ].join('\n');
}

function notTheWriter(host: string | undefined, since: string | undefined): string {
  return host === undefined
    ? 'This machine may not write: no machine is the writer'
    : `This machine may not write: ${host} is the writer since ${since}`;
}
