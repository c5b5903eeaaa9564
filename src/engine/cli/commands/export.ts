import type { Schema } from '../../connection/db.ts';
import type { ExportReport } from '../../export/export.ts';
import { shellQuoted } from '../../file/path.ts';
import { formatBytes } from '../../format.ts';
import { mayWrite } from '../../writer/state.ts';
import type { Call, Command } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import { ALL_TABLES, formatDuration, formatRows, plural } from '../output.ts';
import { exportProgress } from '../progress.ts';

interface Options {
  readonly all?: boolean;
  readonly to?: string;
  readonly table?: readonly string[];
}

export const exportTables: Command = {
  name: 'export',
  group: 'Copies',
  description: 'write every table as JSON lines into a new folder; others may write meanwhile',
  options: {
    ...ALL_TABLES,
    '--to <folder>': 'the folder to create (default: a dated one next to the database)',
    '--table <name...>': 'only these tables',
  },
  names: { tables: '--table' },
  help:
    'One file of rows per table, with its schema, and export.json with counts and SHA-256; the folder is private.\n' +
    '{command} import --from-export FOLDER creates a new database from it.',
  examples: ['export', 'export --to ./some --table first_table second_table'],
  run: runExport,
};

async function runExport(call: Call<Schema, Options>): Promise<void> {
  using db = call.open({ readonly: !mayWrite(call.existingFile()) });
  using progress = exportProgress();
  using _ = onInterrupt(() => `No export was made, and ${db.$client.filename} was not changed.`);
  const { to, table: tables } = call.options;
  const report = await call.kit.exportDb(db, { to, tables, onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  call.print(report, () => describe(report, call));
}

function describe(
  { to, bytes, rows, leftOut, durationMs }: ExportReport,
  { command, options: { all } }: Call<Schema, Options>,
): string {
  const count = Object.values(rows).reduce((sum, n) => sum + n, 0);
  return [
    `${to}: ${plural(count, 'row')}, ${formatBytes(bytes)} in ${formatDuration(durationMs)}.`,
    '',
    formatRows(rows, all),
    '',
    ...leftOut.map(({ table, reason }) => `Left out: ${table}, ${reason}.`),
    `Make a new database of it: ${command} import --from-export ${shellQuoted(to)} --db NEW_FILE`,
  ].join('\n');
}
