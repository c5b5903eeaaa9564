import { readsACall } from '../harness/file-reads.ts';
import type { Suite, SuiteOptions } from '../harness/suite.ts';

/** Rows of each big table: the sizes that are compared in one run. */
export function sizesOf({ quick, full }: Pick<SuiteOptions, 'quick' | 'full'>): number[] {
  if (quick) return [1000, 10_000];
  return full ? [10_000, 1_000_000, 10_000_000] : [10_000, 1_000_000];
}

export function sizeName(rows: number): string {
  return rows >= 1_000_000 ? `${rows / 1_000_000}M` : `${rows / 1000}k`;
}

/** The arm of hand-written SQL on the bare driver. */
export function bareName(rows: number): string {
  return `bare, ${sizeName(rows)}`;
}

/** The column of metrics against point reads. */
export function inCalls(size: string): string {
  return `in getMessage calls, ${size} (goal ≤ 50)`;
}

/** Every operation of every store on files of several sizes in turns, with the reads of the bare driver beside. */
export function growthSuite(options: Pick<SuiteOptions, 'quick' | 'full'>): Suite {
  const [small = 0, ...larger] = sizesOf(options);
  return {
    name: 'growth',
    child: 'suites/growth.child.ts',
    rounds: options.full ? 1 : 3,
    table: {
      title: 'growth',
      compared: `The stores of the built package on files with ${[small, ...larger].map(sizeName).join(', ')} rows in each big table, in turns; what an operation answers with is as large in each. Beside it the reads as hand-written SQL on the bare driver.`,
      by: 'cpu',
      unit: 'us',
      arms: [small, ...larger].map(sizeName),
      ratios: larger.flatMap((rows) => [
        {
          title: `${sizeName(rows)} / ${sizeName(small)}`,
          over: sizeName(rows),
          under: sizeName(small),
          ...(rows === 1_000_000 && { goal: { atMost: 1.5 } }),
        },
        { title: `${sizeName(rows)} / ${sizeName(small)}, bare`, over: bareName(rows), under: bareName(small) },
        {
          title: `throughput ours / bare, ${sizeName(rows)}`,
          over: bareName(rows),
          under: sizeName(rows),
          goal: { atLeast: 0.9 },
        },
      ]),
      figures: [readsACall, inCalls].flatMap((title) => [small, ...larger].map((rows) => title(sizeName(rows)))),
    },
  };
}
