import { dirname, join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { importPackage } from '../harness/ours.ts';
import { commandOf } from '../harness/run.ts';
import type { Cost, Measurement, Runtime, Suite, SuiteOptions } from '../harness/suite.ts';

const MIXES: readonly { name: string; runtimes: readonly Runtime[] }[] = [
  { name: '4 Bun', runtimes: ['bun', 'bun', 'bun', 'bun'] },
  { name: '4 Node', runtimes: ['node', 'node', 'node', 'node'] },
  { name: '2 Bun, 2 Node', runtimes: ['bun', 'node', 'bun', 'node'] },
];

const WRITER = join(import.meta.dir, 'contention.writer.ts');

/** Four processes that begin at the same moment; the wall time until the last of them is done, a transaction. */
async function race(
  arm: string,
  path: string,
  runtimes: readonly Runtime[],
  transactions: number,
  built: string,
): Promise<Cost> {
  const writers = runtimes.map((runtime) => {
    const entry = runtime === 'bun' ? join(built, 'bun', 'index.js') : join(built, 'node.js');
    return Bun.spawn([commandOf(runtime), WRITER, arm, path, String(transactions), entry], {
      stdin: 'pipe',
      stdout: 'pipe',
      stderr: 'inherit',
    });
  });
  const outputs = writers.map((writer) => writer.stdout.getReader());
  // Each says that it is ready before any is told to begin.
  for (const output of outputs) await output.read();
  const start = performance.now();
  for (const writer of writers) {
    writer.stdin.write('go\n');
    writer.stdin.end();
  }
  const codes = await Promise.all(writers.map((writer) => writer.exited));
  const wall = (performance.now() - start) * 1000;
  if (codes.some((code) => code !== 0)) throw new Error(`A writer (${arm}, ${runtimes.join(', ')}) failed.`);
  const cpu = writers.reduce((sum, writer) => sum + Number(writer.resourceUsage()?.cpuTime.total ?? 0), 0);
  const done = transactions * runtimes.length;
  return { wall: wall / done, cpu: cpu / done };
}

async function races({ folder, entry, quick }: SuiteOptions, runtime: Runtime): Promise<Measurement[]> {
  const built = runtime === 'bun' ? dirname(dirname(entry)) : dirname(entry);
  const { createDb, closeDb } = await importPackage(join(built, 'bun', 'index.js'));
  const transactions = quick ? 50 : 10_000;
  const measured: Measurement[] = [];
  for (const { name, runtimes } of MIXES) {
    const arms: Record<string, Cost> = {};
    for (const arm of ['ours', 'bare']) {
      const path = join(folder, `${name}-${arm}.db`.replaceAll(' ', ''));
      closeDb(createDb(path));
      const database = openConfigured(path);
      database.exec("INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES ('agent', 1, 0)");
      arms[arm] = await race(arm, path, runtimes, transactions, built);
      const { count } = database.prepare('SELECT count FROM rate_limit_buckets').get() as { count: number };
      database.close();
      if (count !== transactions * runtimes.length) throw new Error(`${name}, ${arm}: updates were lost.`);
    }
    measured.push({
      operation: name,
      arms,
      figures: { 'transactions a second, ours': 1e6 / (arms.ours?.wall ?? Number.NaN) },
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
      'Four processes, each with 10,000 immediate transactions that read a row and write it: db.transaction() of the built package against BEGIN IMMEDIATE on the bare driver, time from the common start to the last end, start-up left out. Any error or lost update ends the run.',
    by: 'wall',
    unit: 'us',
    arms: ['ours', 'bare'],
    ratios: [{ title: 'throughput ours / bare', over: 'bare', under: 'ours', goal: { atLeast: 0.9 } }],
    figures: ['transactions a second, ours'],
  },
};
