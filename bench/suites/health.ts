import type { Suite } from '../harness/suite.ts';

/** What a server that asks for its health every minute pays as the file grows. */
export const healths: Suite = {
  name: 'health',
  child: 'suites/health.child.ts',
  rounds: 3,
  rows: 820_000,
  table: {
    title: 'health',
    compared:
      'health(db) without deep on a file of 1 MB and on a large one, in turns, with the same findings; medians.',
    by: 'wall',
    unit: 'us',
    arms: ['small', 'large'],
    ratios: [{ title: 'large / small', over: 'large', under: 'small', goal: { atMost: 3 } }],
    figures: ['MB, small', 'MB, large'],
  },
};
