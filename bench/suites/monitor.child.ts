import { setTimeout as sleep } from 'node:timers/promises';
import { compareAll, FULL, median, QUICK, stopwatch } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, SuiteOptions } from '../harness/suite.ts';
import { copyFilled } from '../stores/filled.ts';
import { type Load, storeLoad } from '../stores/load.ts';

/** Calls a second of a busy server. */
const RATE = 2000;
/** Milliseconds between two turns of that server. */
const TURN_MS = 5;
const SAMPLE_MS = 1000;

export { prepareFilled as prepare } from '../stores/filled.ts';

export async function round({ folder, entry, rows, quick }: SuiteOptions): Promise<Measurement[]> {
  const pkg = await importPackage(entry);
  const open = (arm: string) => {
    return pkg.createDb(copyFilled(folder, arm), { migrations: 'require' });
  };
  const dbs = { without: open('without'), with: open('with') };
  const watch = pkg.monitor(dbs.with, { everyMs: SAMPLE_MS, onSample: () => {} });
  const arms = { without: storeLoad(pkg, dbs.without, rows), with: storeLoad(pkg, dbs.with, rows) };
  const full = await compareAll([{ name: 'full speed', kind: 'write', arms }], quick ? QUICK : FULL);
  const seen = watch.sample().statements;
  if (seen === 0) throw new Error('The monitor saw nothing of what it is to be measured with.');
  const fixed = await atRate(arms, quick ? 1 : 10, quick ? 100 : 2000);
  watch.stop();
  for (const db of Object.values(dbs)) pkg.closeDb(db);
  return [...fixed, ...full];
}

/** Calls at the rate of a server, the arms in turns; what the process took of a core, and a call. */
async function atRate(arms: Record<'without' | 'with', Load>, blocks: number, blockMs: number): Promise<Measurement[]> {
  const costs = { without: [] as Cost[], with: [] as Cost[] };
  // Past what the full speed has inserted.
  let next = 1_000_000;
  for (let block = 0; block < blocks * 2; block++) {
    const arm = block % 2 === 0 ? 'without' : 'with';
    const until = performance.now() + blockMs;
    const first = next;
    const stop = stopwatch();
    for (let turn = performance.now(); turn < until; turn += TURN_MS) {
      for (const end = next + (RATE * TURN_MS) / 1000; next < end; next++) arms[arm](next);
      await sleep(Math.max(0, turn + TURN_MS - performance.now()));
    }
    costs[arm].push(stop(next - first));
  }
  const middle = (all: readonly Cost[]): Cost => ({
    cpu: median(all.map(({ cpu }) => cpu)),
    wall: median(all.map(({ wall }) => wall)),
  });
  const [without, withIt] = [middle(costs.without), middle(costs.with)];
  const share = ({ cpu, wall }: Cost) => (cpu / wall) * 100;
  return [
    {
      operation: `${RATE.toLocaleString('en')} calls a second`,
      arms: { without, with: withIt },
      figures: {
        '% of a core, without': share(without),
        '% of a core, with': share(withIt),
        '% of a core more (goal ≤ 1)': share(withIt) - share(without),
      },
    },
  ];
}
