import { type PruneReport, prune as pruneRows } from '../../dork/prune.ts';
import type { Call, Command } from '../../engine/cli/command.ts';
import { formatDuration, formatTable, plural } from '../../engine/cli/output.ts';
import { wholeNumber } from '../../engine/cli/whole-number.ts';
import type { Schema } from '../../engine/connection/db.ts';
import { instant } from '../../engine/time.ts';
import { pruneProgress } from '../progress.ts';

interface Options {
  readonly runsPerSchedule?: number;
  readonly tracesOlderThan?: string | number;
  readonly expiredMessages?: boolean;
  readonly buckets?: boolean;
}

const UNITS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000 };

export const prune: Command = {
  name: 'prune',
  group: 'Space',
  description: 'delete old rows in small batches; others may write meanwhile',
  options: {
    '--runs-per-schedule <count>': {
      description: 'keep this many runs of each schedule, the newest',
      parse: wholeNumber,
    },
    '--traces-older-than <when>': {
      description: 'delete spans sent before: 30d, 12h, 90m, or an ISO 8601 instant',
      parse: ageOrInstant,
    },
    '--expired-messages': 'delete messages of the relay index that have expired',
    '--buckets': 'delete expired buckets of the call limits',
  },
  examples: ['prune --runs-per-schedule 100 --traces-older-than 30d', 'prune --expired-messages --json'],
  run: runPrune,
};

function ageOrInstant(text: string): string | number {
  const [, count, unit] = /^(\d{1,6})([dhm])$/.exec(text) ?? [];
  if (count && unit) return Date.now() - Number(count) * (UNITS[unit] ?? 0);
  try {
    return instant(text, 'it');
  } catch {
    throw new RangeError('It is an age, such as 30d, 12h or 90m, or an instant, such as 2026-11-22T00:00:00Z.');
  }
}

async function runPrune(call: Call<Schema, Options>): Promise<void> {
  const { runsPerSchedule, tracesOlderThan, expiredMessages, buckets } = call.options;
  if (runsPerSchedule === undefined && tracesOlderThan === undefined && !expiredMessages && !buckets) {
    call.refuse('name what to delete: --runs-per-schedule, --traces-older-than, --expired-messages, --buckets');
  }
  using db = call.open({ migrations: 'require' });
  using progress = pruneProgress();
  const { onProgress } = progress;
  const report = await pruneRows(db, { runsPerSchedule, tracesOlderThan, expiredMessages, buckets, onProgress });
  progress[Symbol.dispose]();
  call.print(report, () => describe(report, call.command));
}

function describe(report: PruneReport, command: string): string {
  const { filename, runs, traces, messages, buckets, batches, durationMs } = report;
  const rows = Object.entries({ runs, traces, messages, buckets }).filter(([, count]) => count > 0);
  if (rows.length === 0) return `${filename}: there was nothing to delete.`;
  return [
    formatTable(['deleted', 'rows'], rows),
    `${filename}: ${plural(batches, 'transaction')} in ${formatDuration(durationMs)}. ${command} compact gives the space back.`,
  ].join('\n');
}
