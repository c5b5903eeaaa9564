import { dirname } from 'node:path';
import type { Command } from 'commander';
import { databasePath, defaultDbPath } from '../../core/path.ts';
import { findLegacyFiles } from '../../legacy/files.ts';
import { runMigrations } from '../../migrate-db.ts';
import type { MigrationReport } from '../../migrations/report.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { formatDuration, plural, print, printJson } from '../output.ts';

export function addMigrate(add: (name: string) => Command): void {
  add('migrate')
    .description('create dork.db, or bring it to the newest schema')
    .addHelpText('after', '\nExamples:\n  dork-db migrate\n  dork-db migrate --db ./dork.db --json')
    .action(runMigrate);
}

async function runMigrate(options: CommonOptions): Promise<void> {
  const { createDb } = await loadApi();
  using db = createDb(options.db, { migrations: 'skip' });
  const report = runMigrations(db);
  const legacyFiles = findLegacyFiles(dirname(databasePath(options.db ?? defaultDbPath())));
  if (options.json) return printJson({ ...report, legacyFiles });
  print(describe(report));
  if (legacyFiles.length > 0) {
    print(
      `\nOlder DorkOS files wait to be imported; they were not changed:\n${legacyFiles.map((file) => `  ${file}`).join('\n')}`,
    );
  }
}

function describe({ filename, applied, alreadyApplied, snapshot, durationMs }: MigrationReport): string {
  if (applied.length === 0) return `${filename} is up to date (${plural(alreadyApplied, 'migration')}).`;
  const lines = applied.map(
    ({ tag, statements, durationMs: ms }) => `  ${tag}  ${plural(statements, 'statement')}, ${formatDuration(ms)}`,
  );
  return [
    `${filename}: applied ${plural(applied.length, 'migration')} in ${formatDuration(durationMs)}`,
    ...lines,
    ...(snapshot ? [`The file as it was before: ${snapshot}`] : []),
  ].join('\n');
}
