import type { AnyDb, Schema } from '../../connection/db.ts';
import { formatBytes } from '../../format.ts';
import type { Rehearsal } from '../../migrations/rehearsal.ts';
import type { MigrationReport } from '../../migrations/report.ts';
import type { MigrationStatus } from '../../migrations/status.ts';
import type { Call, Command } from '../command.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { fileStatus, isFolderToCome } from '../file-status.ts';
import { formatCount, formatDuration, formatTable, plural } from '../output.ts';
import { migrationProgress } from '../progress.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly rehearse?: boolean;
}

/** A host's additions to the report of a migration. */
export interface MigrateAddition {
  /** Fields of the report. */
  readonly fields: object;
  /** More text, if there is any. */
  readonly text?: string | undefined;
}

/** Returns the command `migrate`, with a host's additions to its report. */
export function migrateWith(more: (db: AnyDb, call: Call) => MigrateAddition): Command {
  return {
    name: 'migrate',
    group: 'Schema',
    description: 'create the file, or bring it to the newest schema',
    options: {
      '--dry-run': { description: 'list the pending migrations; writes nothing', conflicts: 'rehearse' },
      '--rehearse': 'apply them to a private copy, show the result, and remove the copy',
    },
    examples: ['migrate', 'migrate --db ./{name}.db --json', 'migrate --dry-run', 'migrate --rehearse'],
    run: (call: Call<Schema, Options>) => runMigrate(call, more),
  };
}

export const migrate: Command = migrateWith(() => ({ fields: {} }));

function runMigrate(call: Call<Schema, Options>, more: (db: AnyDb, call: Call) => MigrateAddition): void {
  const { filename } = call;
  if (call.options.dryRun || call.options.rehearse) {
    lookAhead(filename, call);
    return;
  }
  using db = call.kit.createDb(call.givenPath, { migrations: 'skip' });
  using progress = migrationProgress();
  const report = call.kit.runMigrations(db, progress);
  progress[Symbol.dispose]();
  const { fields, text } = more(db, call);
  call.print({ ...report, ...fields }, () => [describe(report), ...(text ? [text] : [])].join('\n'));
}

/** Prints what would happen. Exit code 1 if it would be refused or fail. */
function lookAhead(path: string, call: Call<Schema, Options>): void {
  const { migrationStatus, rehearseMigrations } = call.kit;
  if (isFolderToCome(call)) {
    call.print(fileStatus(call), `${path} does not exist yet; ${call.command} migrate creates it.`);
    return;
  }
  using progress = migrationProgress();
  const found = call.options.rehearse ? rehearseMigrations(path, progress) : migrationStatus(path);
  progress[Symbol.dispose]();
  if (found.problem) process.exitCode = EXIT_CODE.failed;
  call.print(found, () => ('neededBytes' in found ? describeRehearsal(found) : describeStatus(found)));
}

function describe({
  filename,
  applied,
  alreadyApplied,
  snapshot,
  dangling,
  drift,
  durationMs,
}: MigrationReport): string {
  const lines =
    applied.length === 0
      ? [`${filename} is up to date (${plural(alreadyApplied, 'migration')}).`]
      : [
          `${filename}: applied ${plural(applied.length, 'migration')} in ${formatDuration(durationMs)}`,
          ...listApplied(applied),
          ...(snapshot ? [`The file as it was before: ${snapshot}`] : []),
        ];
  return [...lines, ...listFindings(dangling, drift)].join('\n');
}

function listApplied(applied: MigrationReport['applied']): string[] {
  return applied.map(
    ({ tag, statements, durationMs }) => `  ${tag}  ${plural(statements, 'statement')}, ${formatDuration(durationMs)}`,
  );
}

function listFindings(dangling: MigrationReport['dangling'], drift: MigrationReport['drift']): string[] {
  return [
    ...dangling.map(
      ({ table, parent, count }) =>
        `Dangling before and still: ${plural(count, 'reference')} from ${table} to ${parent}`,
    ),
    ...drift.map(({ kind, type, name }) => `Drift: ${kind} ${type} ${name}`),
  ];
}

function listProblem({ problem }: Pick<MigrationStatus, 'problem'>): string[] {
  return problem ? [problem.message, `Try: ${problem.hint}`] : [];
}

function describeStatus(status: MigrationStatus): string {
  const { filename, pending, applied, rows, problem, drift } = status;
  const count = Object.values(rows).reduce((sum, n) => sum + n, 0);
  const lines = problem
    ? listProblem(status)
    : pending.length === 0
      ? [`${filename} is up to date (${plural(applied.length, 'migration')}).`]
      : [
          `${filename}: ${plural(pending.length, 'migration')} would be applied, and nothing was:`,
          ...pending.map((tag) => `  ${tag}`),
          ...(count > 0
            ? [`A snapshot of its ${plural(count, 'row')} would be made in backups/ next to it first.`]
            : []),
        ];
  return [...lines, ...listFindings([], drift)].join('\n');
}

function describeRehearsal(rehearsal: Rehearsal): string {
  const { filename, pending, applied, rows, problem, durationMs, neededBytes, freeBytes, dangling, drift } = rehearsal;
  if (pending.length === 0 && !problem) return `${filename} is up to date: there is nothing to rehearse.`;
  const room = `It needs ${formatBytes(neededBytes)} of room at its peak; ${formatBytes(freeBytes)} are free.`;
  return [
    ...(problem
      ? listProblem(rehearsal)
      : [
          `${filename}: on a copy, ${plural(applied.length, 'migration')} took ${formatDuration(durationMs)}; the file was not touched.`,
          ...listApplied(applied),
        ]),
    ...(rows.length > 0 ? ['', formatTable(['table', 'rows before', 'after'], rows.map(rowOf)), ''] : []),
    ...(neededBytes > 0 ? [room] : []),
    ...listFindings(dangling, drift),
  ].join('\n');
}

function rowOf({ table, before, after }: Rehearsal['rows'][number]): string[] {
  const cell = (count: number | undefined) => (count === undefined ? '-' : formatCount(count));
  return [table, cell(before), cell(after)];
}
