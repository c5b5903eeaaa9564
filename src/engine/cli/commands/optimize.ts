import type { Call, Command } from '../command.ts';
import { formatDuration, plural } from '../output.ts';

export const optimize: Command = {
  name: 'optimize',
  group: 'Space',
  description: 'gather statistics for the query planner where they are missing or old',
  examples: ['optimize', 'optimize --json'],
  run: runOptimize,
};

function runOptimize(call: Call): void {
  using db = call.open();
  const report = call.kit.optimize(db);
  const { filename, analyzed, durationMs } = report;
  call.print(
    report,
    analyzed.length === 0
      ? `${filename}: the statistics are up to date.`
      : `${filename}: analyzed ${plural(analyzed.length, 'table')} in ${formatDuration(durationMs)}: ${analyzed.join(', ')}.`,
  );
}
