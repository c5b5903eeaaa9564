import type { Command } from 'commander';
import { type PruneReport, prune } from '../../dork/prune.ts';
import type { CommonOptions } from '../context.ts';
import { openExisting } from '../open-existing.ts';
import { formatDuration, formatTable, plural, print, printJson } from '../output.ts';
import { pruneProgress } from '../progress.ts';
import { wholeNumber } from '../whole-number.ts';

interface Options extends CommonOptions {
  readonly runsPerSchedule?: number;
  readonly tracesOlderThan?: string | number;
  readonly expiredMessages?: boolean;
  readonly buckets?: boolean;
}

const UNITS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000 };

export function addPrune(add: (name: string) => Command): void {
  add('prune')
    .description('delete old rows in small batches, beside other writers')
    .option('--runs-per-schedule <count>', 'keep this many runs of each schedule, the newest', wholeNumber)
    .option(
      '--traces-older-than <when>',
      'delete spans sent before: 30d, 12h, 90m, or an ISO 8601 instant',
      ageOrInstant,
    )
    .option('--expired-messages', 'delete messages of the relay index that have expired')
    .option('--buckets', 'delete buckets of the call limits that no window needs any more')
    .addHelpText(
      'after',
      '\nExamples:\n  dork-db prune --runs-per-schedule 100 --traces-older-than 30d\n  dork-db prune --expired-messages --json',
    )
    .action(runPrune);
}

function ageOrInstant(text: string): string | number {
  const [, count, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? [];
  return count && unit ? Date.now() - Number(count) * (UNITS[unit] ?? 0) : text;
}

async function runPrune(options: Options, command: Command): Promise<void> {
  const { runsPerSchedule, tracesOlderThan, expiredMessages, buckets } = options;
  if (runsPerSchedule === undefined && tracesOlderThan === undefined && !expiredMessages && !buckets) {
    command.error('error: say what to delete: --runs-per-schedule, --traces-older-than, --expired-messages, --buckets');
  }
  using db = await openExisting(options, { migrations: 'require' });
  using progress = pruneProgress();
  const { onProgress } = progress;
  const report = await prune(db, { runsPerSchedule, tracesOlderThan, expiredMessages, buckets, onProgress });
  progress[Symbol.dispose]();
  if (options.json) printJson(report);
  else print(describe(report));
}

function describe({ filename, runs, traces, messages, buckets, batches, durationMs }: PruneReport): string {
  const rows = Object.entries({ runs, traces, messages, buckets });
  return [
    formatTable(['deleted', 'rows'], rows),
    `${filename}: ${plural(batches, 'transaction')} in ${formatDuration(durationMs)}. dork-db compact gives the space back.`,
  ].join('\n');
}
