import { basename, dirname } from 'node:path';
import { sweep } from '../../copies/sweep.ts';
import { realFile } from '../../file/file.ts';
import { formatBytes } from '../../format.ts';
import type { Call, Command } from '../command.ts';
import { guarded } from '../interrupt.ts';
import { formatDuration } from '../output.ts';
import { compactProgress } from '../progress.ts';

export const compact: Command = {
  name: 'compact',
  group: 'Space',
  description: 'give free pages back to the disk; no other process may have the file open',
  examples: ['compact', 'compact --db ./{name}.db --json'],
  run: runCompact,
};

async function runCompact(call: Call): Promise<void> {
  const filename = call.existingFile();
  if (await guarded(() => cleanUp(filename, call))) return;
  using progress = compactProgress();
  const report = call.kit.compact(filename, { onProgress: progress.onProgress });
  progress[Symbol.dispose]();
  const { bytesBefore, bytesAfter, gained, durationMs } = report;
  const gain = gained > 0 ? `${formatBytes(gained)} given back` : 'nothing to give back';
  call.print(
    report,
    `${report.filename}: ${formatBytes(bytesBefore)} before, ${formatBytes(bytesAfter)} now, ${gain}, in ${formatDuration(durationMs)}.`,
  );
}

/** Removes the half copy of a compaction that was ended. */
async function cleanUp(path: string, call: Call): Promise<string> {
  try {
    const filename = realFile(path);
    using db = call.open({ readonly: true });
    await sweep(db.$client.adapter, dirname(filename), (name) => name === basename(filename));
  } catch {
    // The next compaction removes it.
  }
  return `${path} is whole: as it was, or compacted.`;
}
