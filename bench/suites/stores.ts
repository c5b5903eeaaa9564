import type { Suite } from '../harness/suite.ts';

/** Every operation of every store against the limit, and against the usual way. */
export const stores: Suite = {
  name: 'stores',
  child: 'suites/stores.child.ts',
  rounds: 5,
  rows: 10_000,
  table: {
    title: 'stores',
    compared:
      'Ours (the built package) against hand-written SQL prepared once on the bare driver and against Drizzle’s builder on each call, on three copies of one file with the same pragmas and indexes, returning equal objects; reads are medians, writes means of 8,000.',
    by: 'cpu',
    unit: 'us',
    arms: ['ours', 'bare', 'builder'],
    ratios: [
      { title: 'throughput ours / bare', over: 'bare', under: 'ours', goal: { atLeast: 0.9 } },
      { title: 'builder / ours', over: 'builder', under: 'ours' },
    ],
  },
};
