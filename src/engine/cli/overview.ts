import { DatabaseBusyError } from '../errors.ts';
import { backupFolder } from '../file/copy-name.ts';
import { realFile } from '../file/file.ts';
import { isThere } from '../file/fs.ts';
import { bytesOf } from '../file/wal.ts';
import { formatBytes } from '../format.ts';
import type { Call, Command } from './command.ts';
import { EXIT_CODE } from './exit-codes.ts';
import { fileStatus } from './file-status.ts';
import { groupsOf } from './groups.ts';
import { withHolders } from './in-words.ts';
import { formatAge, messageAndHint, plural } from './output.ts';

/**
 * Returns what a command line prints without a command: the state of its file, and the commands by group. Sets the exit
 * code of `status`.
 */
export function overview(call: Call, commands: readonly Command[]): string {
  const groups = groupsOf(commands);
  const width = Math.max(...groups.map(({ name }) => name.length)) + 2;
  return [
    ...stateOf(call),
    '',
    ...groups.map(({ name, commands: each }) => name.padEnd(width) + each.map((one) => one.name).join(' ')),
    '',
    `${call.command} COMMAND --help explains one; ${call.command} --help lists them all.`,
  ].join('\n');
}

function stateOf(call: Call): string[] {
  try {
    return describe(call);
  } catch (error) {
    process.exitCode = EXIT_CODE.failed;
    return messageAndHint(error instanceof DatabaseBusyError ? withHolders(error, () => call.filename) : error);
  }
}

function describe(call: Call): string[] {
  const { kit, command, filename } = call;
  const { rows, pending, problem } = fileStatus(call);
  if (problem || !isThere(filename)) process.exitCode = EXIT_CODE.look;
  if (!isThere(filename)) return [`${filename} does not exist yet.`, `Next: ${command} migrate creates it.`];
  const count = Object.values(rows).reduce((sum, each) => sum + each, 0);
  const holds = `${filename}: ${plural(count, 'row')} in ${plural(Object.keys(rows).length, 'table')}, ${formatBytes(bytesOf(filename))}.`;
  if (problem) return [holds, problem.message, `Next: ${problem.hint}`];
  if (pending.length > 0)
    return [holds, `${plural(pending.length, 'migration')} pending.`, `Next: ${command} migrate applies them.`];
  return [
    holds,
    `Every migration is applied. ${backupState(kit, filename)}`,
    `Next: ${command} doctor checks the rest.`,
  ];
}

function backupState(kit: Call['kit'], filename: string): string {
  const database = realFile(filename);
  const newest = kit.listBackups(backupFolder(database), { database }).find(({ verified }) => verified);
  return newest ? `The newest backup is ${formatAge(newest.ageMs)} old.` : 'There is no backup.';
}
