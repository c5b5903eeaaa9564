import { basename, dirname } from 'node:path';
import type { Command } from 'commander';
import { sweep } from '../../engine/copies/sweep.ts';
import { realFile } from '../../engine/file/file.ts';
import { formatBytes } from '../../engine/format.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { guarded } from '../interrupt.ts';
import { existingFile, openExisting } from '../open-existing.ts';
import { formatDuration, print, printJson } from '../output.ts';
import { compactProgress } from '../progress.ts';

export function addCompact(add: (name: string) => Command): void {
  add('compact')
    .description('give free pages back to the disk; no other process may have the file open')
    .addHelpText('after', '\nExamples:\n  dork-db compact\n  dork-db compact --db ./dork.db --json')
    .action(runCompact);
}

async function runCompact(options: CommonOptions): Promise<void> {
  const filename = existingFile(options);
  if (await guarded(() => cleanUp(filename, options))) return;
  const { compact } = await loadApi();
  using progress = compactProgress();
  const report = compact(filename, { onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  if (options.json) return printJson(report);
  const { bytesBefore, bytesAfter, gained, durationMs } = report;
  const gain = gained > 0 ? `${formatBytes(gained)} given back` : 'nothing to give back';
  print(
    `${report.filename}: ${formatBytes(bytesBefore)} before, ${formatBytes(bytesAfter)} now, ${gain}, in ${formatDuration(durationMs)}.`,
  );
}

/** Removes the half copy of a compaction that was ended. */
async function cleanUp(path: string, options: CommonOptions): Promise<string> {
  try {
    const filename = realFile(path);
    using db = await openExisting(options, { readonly: true });
    await sweep(db.$client.adapter, dirname(filename), (name) => name === basename(filename));
  } catch {
    // The next compaction removes it.
  }
  return `${path} is whole: as it was, or compacted.`;
}
