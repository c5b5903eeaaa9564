import { join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { mean } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, Runtime, Suite, SuiteOptions } from '../harness/suite.ts';
import { builtFolder, entryFor, runTogether } from '../harness/writers.ts';

const MIXES: readonly { name: string; runtimes: readonly Runtime[] }[] = [
  { name: '4 Bun', runtimes: ['bun', 'bun', 'bun', 'bun'] },
  { name: '4 Node', runtimes: ['node', 'node', 'node', 'node'] },
  { name: '2 Bun, 2 Node', runtimes: ['bun', 'node', 'bun', 'node'] },
];

const WRITER = join(import.meta.dir, 'contention.writer.ts');

/**
 * Four processes that begin at the same moment: the wall time until the last of them is done, and the CPU time of what
 * they did from then on; a transaction.
 */
async function race(
  arm: string,
  path: string,
  runtimes: readonly Runtime[],
  transactions: number,
  built: string,
): Promise<Cost> {
  const { outputs, milliseconds } = await runTogether(WRITER, runtimes, (runtime) => [
    arm,
    path,
    String(transactions),
    entryFor(runtime, built),
  ]);
  const cpu = outputs.reduce((sum, text) => sum + Number(text), 0);
  const done = transactions * runtimes.length;
  return { wall: (milliseconds * 1000) / done, cpu: cpu / done };
}

async function races(options: SuiteOptions, runtime: Runtime): Promise<Measurement[]> {
  const { folder, quick } = options;
  const built = builtFolder(options, runtime);
  const { createDb, closeDb } = await importPackage(entryFor('bun', built));
  const transactions = quick ? 50 : 20_000;
  const measured: Measurement[] = [];
  for (const { name, runtimes } of MIXES) {
    const runs: Record<string, Cost[]> = { ours: [], bare: [] };
    // There and back, so that other work that comes or goes meanwhile meets both.
    for (const [turn, arm] of (quick ? ['ours', 'bare'] : ['ours', 'bare', 'bare', 'ours']).entries()) {
      const path = join(folder, `${name}-${turn}.db`.replaceAll(' ', ''));
      closeDb(createDb(path));
      const database = openConfigured(path);
      database.exec("INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES ('agent', 1, 0)");
      runs[arm]?.push(await race(arm, path, runtimes, transactions, built));
      const { count } = database.prepare('SELECT count FROM rate_limit_buckets').get() as { count: number };
      database.close();
      if (count !== transactions * runtimes.length) throw new Error(`${name}, ${arm}: updates were lost.`);
    }
    const cost = (arm: string, by: keyof Cost) => mean((runs[arm] ?? []).map((one) => one[by]));
    const costOf = (arm: string): Cost => ({ wall: cost(arm, 'wall'), cpu: cost(arm, 'cpu') });
    measured.push({
      operation: name,
      arms: { ours: costOf('ours'), bare: costOf('bare') },
      figures: {
        'transactions a second, ours': 1e6 / cost('ours', 'wall'),
        'CPU us, ours': cost('ours', 'cpu'),
        'CPU us, bare': cost('bare', 'cpu'),
      },
    });
  }
  return measured;
}

/** Four processes that write the same row, each in immediate transactions that read before they write. */
export const contention: Suite = {
  name: 'contention',
  rounds: 5,
  outside: races,
  table: {
    title: 'contention',
    compared:
      'Four processes, each with 5,000 immediate transactions that read a row and write it: db.transaction() of the built package against BEGIN IMMEDIATE on the bare driver, twice each, time from the common start to the last end, start-up left out. Any error or lost update ends the run.',
    by: 'wall',
    unit: 'us',
    arms: ['ours', 'bare'],
    ratios: [{ title: 'throughput ours / bare', over: 'bare', under: 'ours', goal: { atLeast: 0.9 } }],
    figures: ['transactions a second, ours', 'CPU us, ours', 'CPU us, bare'],
  },
};
