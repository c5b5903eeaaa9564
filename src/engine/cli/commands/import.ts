import type { Schema } from '../../connection/db.ts';
import type { ImportExportReport } from '../../export/import-export.ts';
import { formatBytes } from '../../format.ts';
import type { Call, Command } from '../command.ts';
import { onInterrupt } from '../interrupt.ts';
import { formatDuration, formatTable, plural } from '../output.ts';
import { exportProgress } from '../progress.ts';

interface Options {
  readonly fromExport?: string;
}

/** The description of `--from-export`. */
export const FROM_EXPORT = 'create a new database from an export of {command}';

export const importTables: Command = {
  name: 'import',
  group: 'Copies',
  description: 'create a new database from an export',
  options: { '--from-export <folder>': FROM_EXPORT },
  names: { from: '--from-export', to: '--db' },
  examples: ['import --from-export ./{name}-export --db ./new.db'],
  run: async (call: Call<Schema, Options>) => {
    const { fromExport } = call.options;
    if (fromExport === undefined) call.refuse('pass the export to import: --from-export FOLDER');
    await runImportExport(call, fromExport);
  },
};

/** Runs `import --from-export`. */
export async function runImportExport(call: Call, from: string): Promise<void> {
  using progress = exportProgress();
  using _ = onInterrupt(() => 'Nothing was imported, and no database was made.');
  const { onProgress } = progress;
  const report = await call.kit.importExport({ from, to: call.givenPath, onProgress });
  progress[Symbol.dispose]();
  call.print(report, () => describe(report));
}

function describe({
  from,
  to,
  bytes,
  rows,
  exportedAt,
  migrated,
  danglingRows,
  durationMs,
}: ImportExportReport): string {
  return [
    `${to}: made of ${from} (exported at ${exportedAt}), ${formatBytes(bytes)} in ${formatDuration(durationMs)}, read back.`,
    ...(migrated.length > 0 ? [`Migrated: ${migrated.join(', ')}.`] : []),
    ...(danglingRows > 0
      ? [`${plural(danglingRows, 'row')} refer to missing rows, like in the exported database.`]
      : []),
    '',
    formatTable(['table', 'rows'], Object.entries(rows)),
  ].join('\n');
}
