import type { Suite } from '../harness/suite.ts';

/** What the indexes and the counters of relay_index cost a write. */
export const writes: Suite = {
  name: 'writes',
  child: 'suites/writes.child.ts',
  rounds: 3,
  rows: 200_000,
  table: {
    title: 'writes on relay_index',
    compared:
      'The same hand-written INSERT and UPDATE of the status (deliver) through the bare driver, on copies of one file: as shipped, with each index or the counters left out in turn, and with none of them.',
    by: 'cpu',
    unit: 'us',
    arms: ['insert', 'deliver'],
    ratios: [
      { title: 'insert / index-free', over: 'insert', under: 'insert, free', goal: { atMost: 2.5 } },
      { title: 'deliver / index-free', over: 'deliver', under: 'deliver, free', goal: { atMost: 2.5 } },
    ],
    figures: ['MB'],
  },
};

/** The slowest writes, which the mean hides: those that wait for a checkpoint. */
export const stalls: Suite = {
  name: 'writes',
  child: 'suites/stalls.child.ts',
  rounds: 3,
  rows: 10_000,
  table: {
    title: 'slowest writes',
    compared:
      'insertMessage of the built package and the same hand-written statement on the bare driver, call by call, in turns; wall time of each call.',
    by: 'wall',
    unit: 'us',
    arms: ['ours', 'bare'],
    ratios: [{ title: 'throughput ours / bare', over: 'bare', under: 'ours' }],
    figures: [
      'p99.9 of ours, us',
      'p99.9 / median of ours (goal ≤ 20)',
      'p99.9 / median of bare',
      'slowest of ours, us',
    ],
  },
};
