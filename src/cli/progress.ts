import { basename } from 'node:path';
import type { ImportProgress } from '../dork/legacy/import-context.ts';
import type { PruneProgress } from '../dork/prune.ts';
import { display, ofRows, type ProgressDisplay } from '../engine/cli/progress.ts';

export function importProgress(): ProgressDisplay<ImportProgress> {
  return display(({ source, path, table, rows, totalRows }) => ({
    label: `${source === 'dork.db' ? basename(path) : source} ${table}`,
    ...ofRows(rows, totalRows),
  }));
}

export function pruneProgress(): ProgressDisplay<PruneProgress> {
  return display(({ kind, rows, totalRows }) => ({
    label: kind,
    ...ofRows(rows, totalRows),
  }));
}
