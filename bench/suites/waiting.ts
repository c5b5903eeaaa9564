import { join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, Runtime, Suite, SuiteOptions } from '../harness/suite.ts';
import { builtFolder, entryFor, runTogether } from '../harness/writers.ts';

const WRITER = join(import.meta.dir, 'waiting.writer.ts');

const MIXES: Readonly<Record<string, (i: number) => Runtime>> = {
  Bun: () => 'bun',
  Node: () => 'node',
  'of both': (i) => (i % 2 === 0 ? 'bun' : 'node'),
};

/** What one race gave: the microseconds of each write, by process. */
interface Race {
  readonly times: readonly (readonly number[])[];
  readonly cpu: number;
}

async function race(arm: string, path: string, runtimes: readonly Runtime[], ms: number, built: string): Promise<Race> {
  const { outputs } = await runTogether(WRITER, runtimes, (runtime) => [
    arm,
    path,
    String(ms),
    entryFor(runtime, built),
  ]);
  const each = outputs.map((text) => JSON.parse(text) as { times: number[]; cpu: number });
  return { times: each.map(({ times }) => times), cpu: each.reduce((sum, { cpu }) => sum + cpu, 0) };
}

interface Summary {
  readonly writes: number;
  readonly cpu: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly longest: number;
  /** The writes of the process that did the fewest, of those of the one that did the most. */
  readonly fairness: number;
}

function summaryOf(races: readonly Race[]): Summary {
  const sorted = races.flatMap(({ times }) => times.flat()).sort((a, b) => a - b);
  const at = (q: number) => sorted[Math.floor(sorted.length * q)] ?? Number.NaN;
  const fairness = races.map(({ times }) => {
    const counts = times.map((one) => one.length);
    return Math.min(...counts) / Math.max(...counts);
  });
  return {
    writes: sorted.length,
    cpu: races.reduce((sum, { cpu }) => sum + cpu, 0) / sorted.length,
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
    longest: sorted.at(-1) ?? Number.NaN,
    fairness: Math.min(...fairness),
  };
}

async function waits(options: SuiteOptions, runtime: Runtime): Promise<Measurement[]> {
  const { folder, quick, only } = options;
  const built = builtFolder(options, runtime);
  const { createDb, closeDb } = await importPackage(entryFor('bun', built));
  const ms = quick ? 50 : 4000;
  const measured: Measurement[] = [];
  for (const count of quick ? [4] : [4, 8, 16]) {
    for (const [kind, runtimeOf] of Object.entries(MIXES)) {
      const name = `${count} ${kind}`;
      if (only !== undefined && !name.includes(only)) continue;
      const runtimes = Array.from({ length: count }, (_, i) => runtimeOf(i));
      const races: Record<string, Race[]> = { ours: [], bare: [] };
      // There and back, so that other work that comes or goes meanwhile meets both.
      for (const [turn, arm] of (quick ? ['ours', 'bare'] : ['ours', 'bare', 'bare', 'ours']).entries()) {
        const path = join(folder, `waiting-${name}-${turn}.db`.replaceAll(' ', ''));
        closeDb(createDb(path));
        const database = openConfigured(path);
        database.exec("INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES ('agent', 1, 0)");
        const one = await race(arm, path, runtimes, ms, built);
        const { count: written } = database.prepare('SELECT count FROM rate_limit_buckets').get() as { count: number };
        database.close();
        if (written !== one.times.flat().length) throw new Error(`${name}, ${arm}: writes were lost.`);
        races[arm]?.push(one);
      }
      measured.push(measurementOf(name, summaryOf(races.ours ?? []), summaryOf(races.bare ?? [])));
    }
  }
  return measured;
}

function measurementOf(operation: string, ours: Summary, bare: Summary): Measurement {
  const wall = (us: number): Cost => ({ wall: us, cpu: us });
  return {
    operation,
    arms: {
      ours: { wall: ours.p50, cpu: ours.cpu },
      bare: { wall: bare.p50, cpu: bare.cpu },
      'ours p99': wall(ours.p99),
      'bare p99': wall(bare.p99),
      'ours p99.9': wall(ours.p999),
      'bare p99.9': wall(bare.p999),
      'ours longest': wall(ours.longest),
      'bare longest': wall(bare.longest),
    },
    figures: {
      'writes, ours': ours.writes,
      'writes, bare': bare.writes,
      'CPU us, ours': ours.cpu,
      'CPU us, bare': bare.cpu,
      'fairness, ours': ours.fairness,
      'fairness, bare': bare.fairness,
    },
  };
}

/** How long a write waits for the writes of other processes. */
export const waiting: Suite = {
  name: 'contention',
  rounds: 3,
  outside: waits,
  table: {
    title: 'waiting for a lock',
    compared:
      "Processes that each write about once a millisecond to one row, by turns in a transaction and by a single statement, for 8 seconds: the built package with its own pauses against the bare driver with SQLite's busy handler (busy_timeout 5000). Columns: time of a write at the median, at p99 and p99.9, and of the longest; fairness is the number of writes of the process with the fewest over that with the most. Any error or lost write ends the run.",
    by: 'wall',
    unit: 'us',
    arms: ['ours', 'bare', 'ours p99', 'bare p99', 'ours p99.9', 'bare p99.9', 'ours longest', 'bare longest'],
    ratios: [
      { title: 'p99 ours / bare', over: 'ours p99', under: 'bare p99', goal: { atMost: 1 / 3 } },
      { title: 'p99.9 ours / bare', over: 'ours p99.9', under: 'bare p99.9', goal: { atMost: 0.5 } },
      { title: 'longest ours / bare', over: 'ours longest', under: 'bare longest', goal: { atMost: 0.5 } },
    ],
    figures: ['writes, ours', 'writes, bare', 'CPU us, ours', 'CPU us, bare', 'fairness, ours', 'fairness, bare'],
  },
};
