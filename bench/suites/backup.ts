import type { Suite } from '../harness/suite.ts';

/** A backup of a large file while its server answers. */
export const backups: Suite = {
  name: 'backup',
  child: 'suites/backup.child.ts',
  rounds: 3,
  rows: 1_000_000,
  table: {
    title: 'backup',
    compared:
      'backup() of the built package, verified and hashed, against a bare VACUUM INTO of the same file; meanwhile a timer of 1 ms and a read and a write each time it fires: during the backup, and then as long again without one, until a checkpoint was in it.',
    by: 'wall',
    unit: 'ms',
    arms: ['ours', 'bare'],
    ratios: [{ title: 'ours / bare', over: 'ours', under: 'bare' }],
    figures: ['GB', 'longest pause without, ms', 'longest pause with, ms', 'pause with / without (goal ≤ 2)'],
  },
};
