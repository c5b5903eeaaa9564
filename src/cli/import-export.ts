import type { ImportExportReport } from '../engine/export/import-export.ts';
import { formatBytes } from '../engine/format.ts';
import { type CommonOptions, loadApi } from './context.ts';
import { onInterrupt } from './interrupt.ts';
import { formatDuration, formatTable, plural, print, printJson } from './output.ts';
import { exportProgress } from './progress.ts';

/** `dork-db import --from-export`. */
export async function runImportExport(from: string, { db: to, json }: CommonOptions): Promise<void> {
  const { importExport } = await loadApi();
  using progress = exportProgress();
  using _ = onInterrupt(() => 'Nothing was imported, and no database was made.');
  const report = await importExport({ from, to, onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  if (json) printJson(report);
  else print(describe(report));
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
      ? [`${plural(danglingRows, 'row')} refer to rows that are not there, as in the exported database.`]
      : []),
    '',
    formatTable(['table', 'rows'], Object.entries(rows)),
  ].join('\n');
}
