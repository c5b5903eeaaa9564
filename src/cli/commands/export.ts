import type { Command } from 'commander';
import { type ExportReport, exportDb } from '../../engine/export/export.ts';
import { shellQuoted } from '../../engine/file/path.ts';
import { formatBytes } from '../../engine/format.ts';
import type { CommonOptions } from '../context.ts';
import { onInterrupt } from '../interrupt.ts';
import { openExisting } from '../open-existing.ts';
import { formatDuration, formatTable, plural, print, printJson } from '../output.ts';
import { exportProgress } from '../progress.ts';

interface Options extends CommonOptions {
  readonly to?: string;
  readonly table?: readonly string[];
}

export function addExport(add: (name: string) => Command): void {
  add('export')
    .description('write every table as JSON lines into a new folder, as it is at this moment; others may write')
    .option('--to <folder>', 'the folder to make (default: a dated one next to the database)')
    .option('--table <name...>', 'only these tables')
    .addHelpText(
      'after',
      '\nA file of rows a table, its schema next to it, and export.json with counts and SHA-256; the folder is private.\n' +
        'dork-db import --from-export FOLDER makes a new database of it.\n' +
        '\nExamples:\n  dork-db export\n  dork-db export --to ./runs --table pulse_schedules pulse_runs',
    )
    .action(runExport);
}

async function runExport(options: Options): Promise<void> {
  using db = await openExisting(options);
  using progress = exportProgress();
  using _ = onInterrupt(() => `No export was made, and ${db.$client.filename} was not changed.`);
  const { to, table: tables } = options;
  const report = await exportDb(db, { to, tables, onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  if (options.json) printJson(report);
  else print(describe(report));
}

function describe({ to, bytes, rows, leftOut, durationMs }: ExportReport): string {
  const count = Object.values(rows).reduce((sum, n) => sum + n, 0);
  return [
    `${to}: ${plural(count, 'row')}, ${formatBytes(bytes)} in ${formatDuration(durationMs)}.`,
    '',
    formatTable(['table', 'rows'], Object.entries(rows)),
    '',
    ...leftOut.map(({ table, reason }) => `Left out: ${table}, ${reason}.`),
    `Make a new database of it: dork-db import --from-export ${shellQuoted(to)} --db NEW_FILE`,
  ].join('\n');
}
