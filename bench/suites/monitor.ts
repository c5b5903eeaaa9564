import type { Suite } from '../harness/suite.ts';

/** What it costs to leave monitor() on. */
export const monitors: Suite = {
  name: 'monitor',
  child: 'suites/monitor.child.ts',
  rounds: 3,
  rows: 10_000,
  table: {
    title: 'monitor',
    compared:
      'Calls of every store, four reads to one write, on two copies of one file in turns, the one with a monitor() that gives a sample a second; a call, and as a share of one core.',
    by: 'cpu',
    unit: 'us',
    arms: ['without', 'with'],
    ratios: [{ title: 'with / without', over: 'with', under: 'without' }],
    figures: ['% of a core, without', '% of a core, with', '% of a core more (goal ≤ 1)'],
  },
};
