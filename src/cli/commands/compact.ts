import type { Command } from 'commander';
import { formatBytes } from '../../core/format.ts';
import { type CommonOptions, loadApi } from '../context.ts';
import { existingFile } from '../open-existing.ts';
import { formatDuration, print, printJson } from '../output.ts';
import { compactProgress } from '../progress.ts';

export function addCompact(add: (name: string) => Command): void {
  add('compact')
    .description('give free pages back to the disk; no other process may have the file open')
    .addHelpText('after', '\nExamples:\n  dork-db compact\n  dork-db compact --db ./dork.db --json')
    .action(runCompact);
}

async function runCompact(options: CommonOptions): Promise<void> {
  const { compact } = await loadApi();
  using progress = compactProgress();
  const report = compact(existingFile(options), { onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  if (options.json) return printJson(report);
  const { filename, bytesBefore, bytesAfter, gained, durationMs } = report;
  const gain = gained > 0 ? `${formatBytes(gained)} given back` : 'nothing to give back';
  print(
    `${filename}: ${formatBytes(bytesBefore)} before, ${formatBytes(bytesAfter)} now, ${gain}, in ${formatDuration(durationMs)}.`,
  );
}
