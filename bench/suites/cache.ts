import { readsACall } from '../harness/file-reads.ts';
import type { Suite } from '../harness/suite.ts';

/** What a larger page cache would give a point read at a random place of a large file. */
export const caches: Suite = {
  name: 'cache',
  child: 'suites/cache.child.ts',
  rounds: 1,
  rows: 1_000_000,
  table: {
    title: 'cache',
    compared:
      'A point read of relay_index by hand-written SQL on the bare driver, at random places of a file of 10 thousand rows and of a large one, by `PRAGMA cache_size`; before it is timed every row was read once.',
    by: 'cpu',
    unit: 'us',
    arms: ['small', 'large'],
    ratios: [{ title: 'large / small', over: 'large', under: 'small' }],
    figures: ['small', 'large'].map(readsACall),
  },
};
