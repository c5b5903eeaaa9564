import type { Command } from 'commander';
import { optimize } from '../../engine/maintenance/optimize.ts';
import type { CommonOptions } from '../context.ts';
import { openExisting } from '../open-existing.ts';
import { formatDuration, plural, print, printJson } from '../output.ts';

export function addOptimize(add: (name: string) => Command): void {
  add('optimize')
    .description('gather statistics for the query planner where they are missing or old')
    .addHelpText('after', '\nExamples:\n  dork-db optimize\n  dork-db optimize --json')
    .action(runOptimize);
}

async function runOptimize(options: CommonOptions): Promise<void> {
  using db = await openExisting(options);
  const report = optimize(db);
  if (options.json) return printJson(report);
  const { filename, analyzed, durationMs } = report;
  print(
    analyzed.length === 0
      ? `${filename}: the statistics are up to date.`
      : `${filename}: analyzed ${plural(analyzed.length, 'table')} in ${formatDuration(durationMs)}: ${analyzed.join(', ')}.`,
  );
}
