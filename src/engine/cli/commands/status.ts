import { statSync } from 'node:fs';
import type { Schema } from '../../connection/db.ts';
import { isThere } from '../../file/fs.ts';
import { MEMORY } from '../../file/path.ts';
import { formatBytes } from '../../format.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { fileStatus } from '../file-status.ts';
import { ALL_TABLES, formatCount, formatRows, plural, withVerdictLast } from '../output.ts';

interface Options {
  readonly all?: boolean;
}

const MOST_LISTED = 5;

export const status: Command = {
  name: 'status',
  group: 'Look',
  description: 'show the content of the file and its migrations; writes nothing',
  options: ALL_TABLES,
  help: 'Exit code 3 if there is no file, or if it does not fit this version.',
  examples: ['status', 'status --json'],
  run: runStatus,
};

function runStatus(call: Call<Schema, Options>): void {
  const { kit, filename } = call;
  const { rows, ...found } = fileStatus(call);
  using memory = kit.createDb(MEMORY, { migrations: 'skip' });
  const report = {
    ...found,
    exists: isThere(filename),
    bytes: sizeOf(filename),
    walBytes: sizeOf(`${filename}-wal`),
    sqliteVersion: memory.$client.sqliteVersion,
    driver: memory.$client.driver,
    driverVersion: memory.$client.driverVersion,
    runtime: process.versions.bun ? `Bun ${process.versions.bun}` : `Node ${process.versions.node}`,
    rows,
  };
  if (report.problem || !report.exists) process.exitCode = EXIT_CODE.look;
  call.print(report, () => withVerdictLast(describe(report, call)));
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

interface StatusReport {
  readonly filename: string;
  readonly exists: boolean;
  readonly bytes: number;
  readonly walBytes: number;
  readonly sqliteVersion: string;
  readonly driver: string;
  readonly driverVersion: string;
  readonly runtime: string;
  readonly applied: readonly { readonly tag: string; readonly appliedAt?: string }[];
  readonly pending: readonly string[];
  readonly problem?: { readonly message: string; readonly hint: string };
  readonly drift: readonly { readonly kind: string; readonly type: string; readonly name: string }[];
  readonly rows: Readonly<Record<string, number>>;
}

/** A sentence each for the file, what reads it and its migrations; then the rows. It fits a screen. */
function describe(report: StatusReport, { command, options: { all } }: Call<Schema, Options>): string {
  const tables = Object.entries(report.rows);
  const rows = tables.reduce((sum, [, count]) => sum + count, 0);
  const lines = [
    report.exists
      ? `${report.filename} holds ${plural(rows, 'row')} in ${plural(tables.length, 'table')}: ${formatBytes(report.bytes)}, and ${formatBytes(report.walBytes)} in its -wal.`
      : `${report.filename} does not exist yet; ${command} migrate creates it.`,
    `SQLite ${report.sqliteVersion} through ${report.driver} ${report.driverVersion} on ${report.runtime}.`,
    describeMigrations(report),
    ...(report.problem ? [report.problem.message, `Try: ${report.problem.hint}`] : []),
    ...listed(report.drift.map(({ kind, type, name }) => `Drift: ${kind} ${type} ${name}`)),
  ];
  if (tables.length > 0) lines.push('', formatRows(report.rows, all));
  return lines.join('\n');
}

function describeMigrations({ applied, pending, problem }: StatusReport): string {
  const newest = applied.at(-1);
  const have = newest
    ? `${plural(applied.length, 'migration')} applied, the newest ${newest.tag}${newest.appliedAt ? ` on ${newest.appliedAt.slice(0, 10)}` : ''};`
    : 'No migration is applied;';
  if (problem && pending.length === 0) return `${have} see below.`;
  return `${have} ${pending.length === 0 ? 'none is' : `${formatCount(pending.length)} ${pending.length === 1 ? 'is' : 'are'}`} pending${pending.length > 0 ? `: ${listed(pending).join(', ')}` : ''}.`;
}

/** The first few of many; `--json` has all of them. */
function listed(lines: readonly string[]): string[] {
  return lines.length <= MOST_LISTED
    ? [...lines]
    : [...lines.slice(0, MOST_LISTED), `and ${formatCount(lines.length - MOST_LISTED)} more`];
}
