import type { Suite } from '../harness/suite.ts';

/** What running a history costs beside its statements alone. */
export const histories: Suite = {
  name: 'history',
  child: 'suites/history.child.ts',
  rounds: 3,
  rows: 800_000,
  table: {
    title: 'running a history',
    compared:
      "Histories of a folder through the runner, with all of its checks, against the same statements in one transaction on the bare driver; and createDb(':memory:') of the built package against Drizzle's migrate() of the same history.",
    by: 'wall',
    unit: 'ms',
    arms: ['ours', 'bare'],
    ratios: [{ title: 'ours / bare', over: 'ours', under: 'bare' }],
  },
};
