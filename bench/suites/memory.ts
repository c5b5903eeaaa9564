import { constants, copyFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openConfigured } from '../harness/bare.ts';
import { importPackage } from '../harness/ours.ts';
import { output } from '../harness/run.ts';
import type { Measurement, Runtime, Suite, SuiteOptions } from '../harness/suite.ts';
import { fill } from '../stores/fill.ts';

const MB = 2 ** 20;

interface Held {
  /** Calls that were made. */
  readonly calls: number;
  /** Bytes that are resident, at the end and at most. */
  readonly end: number;
  readonly most: number;
}

async function held({ folder, entry, rows, quick }: SuiteOptions, runtime: Runtime): Promise<Measurement[]> {
  const { createDb, closeDb } = await importPackage(join(dirname(entry), runtime === 'bun' ? '' : 'bun', 'index.js'));
  const filled = join(folder, 'filled.db');
  closeDb(createDb(filled));
  const database = openConfigured(filled);
  fill(database, rows);
  database.close();
  const gigabytes = statSync(filled).size / 2 ** 30;
  const run = async (arm: string): Promise<Held> => {
    const path = join(folder, `${arm}.db`);
    copyFileSync(filled, path, constants.COPYFILE_FICLONE);
    const script = join(import.meta.dir, 'memory.script.ts');
    const text = await output(runtime, [script, arm, path, quick ? '1' : '60', String(rows), entry]);
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
    return JSON.parse(text);
  };
  const [ours, bare] = [await run('ours'), await run('bare')];
  return [
    {
      operation: 'every store',
      arms: {},
      figures: {
        GB: gigabytes,
        'MB at the end, ours': ours.end / MB,
        'MB at the end, bare': bare.end / MB,
        'MB more (goal ≤ 60)': (ours.end - bare.end) / MB,
        'MB at most, ours': ours.most / MB,
        'MB at most, bare': bare.most / MB,
        'calls, ours': ours.calls,
        'calls, bare': bare.calls,
      },
    },
  ];
}

/** What a process holds that opens a large file and works on it for a while. */
export const memory: Suite = {
  name: 'memory',
  rounds: 1,
  rows: 820_000,
  outside: held,
  table: {
    title: 'memory',
    compared:
      'The resident set of a process that opens a file and calls every store for a minute as fast as it can, four reads to one write, against one that does the same with hand-written SQL on the bare driver; one after the other, each on its own copy.',
    by: 'wall',
    unit: 'us',
    arms: [],
    ratios: [],
    figures: [
      'GB',
      'MB at the end, ours',
      'MB at the end, bare',
      'MB more (goal ≤ 60)',
      'MB at most, ours',
      'MB at most, bare',
      'calls, ours',
      'calls, bare',
    ],
  },
};
