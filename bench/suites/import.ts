import type { Suite } from '../harness/suite.ts';

/** The import of an older relay/index.db. */
export const imports: Suite = {
  name: 'import',
  child: 'suites/import.child.ts',
  rounds: 3,
  rows: 1_000_000,
  table: {
    title: 'import',
    compared:
      'importLegacy() of the built package on an older relay/index.db with as many messages and as many spans, its private copy, checks and receipt included, against the bare driver’s INSERT … SELECT of the same rows with the same values into the same tables, indexes and counters; a row.',
    by: 'cpu',
    unit: 'us',
    arms: ['ours', 'bare'],
    ratios: [{ title: 'throughput ours / bare', over: 'bare', under: 'ours', goal: { atLeast: 0.25 } }],
    figures: ['s, ours', 's, bare', 'MB above the start, ours'],
  },
};
