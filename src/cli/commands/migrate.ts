import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { defaultDbPath } from '../../dork/home.ts';
import { importCommand, waitingLegacyFiles } from '../../dork/legacy/files.ts';
import { isThere } from '../../engine/file/fs.ts';
import { databasePath } from '../../engine/file/path.ts';
import { formatBytes } from '../../engine/format.ts';
import type { Rehearsal } from '../../engine/migrations/rehearsal.ts';
import type { MigrationReport } from '../../engine/migrations/report.ts';
import type { MigrationStatus } from '../../engine/migrations/status.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { EXIT_CODE } from '../exit-codes.ts';
import { formatCount, formatDuration, formatTable, plural, print, printJson } from '../output.ts';
import { migrationProgress } from '../progress.ts';

interface MigrateCommandOptions extends CommonOptions {
  readonly dryRun?: boolean;
  readonly rehearse?: boolean;
}

export function addMigrate(add: (name: string) => Command): void {
  add('migrate')
    .description('create dork.db, or bring it to the newest schema')
    .addOption(new Option('--dry-run', 'say what would be applied; writes nothing').conflicts('rehearse'))
    .addOption(new Option('--rehearse', 'apply it to a private copy, say what it did, and remove the copy'))
    .addHelpText(
      'after',
      '\nExamples:\n  dork-db migrate\n  dork-db migrate --db ./dork.db --json\n  dork-db migrate --dry-run\n  dork-db migrate --rehearse',
    )
    .action(runMigrate);
}

async function runMigrate(options: MigrateCommandOptions): Promise<void> {
  const path = databasePath(options.db ?? defaultDbPath());
  if (options.dryRun || options.rehearse) return lookAhead(path, options);
  const { createDb, runMigrations } = await loadApi();
  using db = createDb(options.db, { migrations: 'skip' });
  using progress = migrationProgress();
  const report = runMigrations(db, progress);
  progress[Symbol.dispose]();
  const legacyFiles = waitingLegacyFiles(db, dirname(path));
  if (options.json) return printJson({ ...report, legacyFiles });
  print(describe(report));
  if (legacyFiles.length > 0) {
    print(
      `\nOlder DorkOS files wait to be imported; they were not changed:\n${legacyFiles.map((file) => `  ${file}`).join('\n')}\nTo bring them in: ${options.db === undefined ? 'dork-db import' : importCommand(databasePath(options.db))}`,
    );
  }
}

/** What would happen. Exit code 1 where it would be refused or fail. */
async function lookAhead(path: string, options: MigrateCommandOptions): Promise<void> {
  const { migrationStatus, rehearseMigrations } = await loadApi();
  if (options.db === undefined && !isThere(dirname(path))) {
    if (options.json) return printJson({ ...migrationStatus(':memory:'), filename: path });
    return print(`${path} does not exist yet; dork-db migrate creates it.`);
  }
  using progress = migrationProgress();
  const found = options.rehearse ? rehearseMigrations(path, progress) : migrationStatus(path);
  progress[Symbol.dispose]();
  if (found.problem) process.exitCode = EXIT_CODE.failed;
  if (options.json) return printJson(found);
  print('neededBytes' in found ? describeRehearsal(found) : describeStatus(found));
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
            ? [`A snapshot of its ${plural(count, 'row')} would be made in backups/ beside it first.`]
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
