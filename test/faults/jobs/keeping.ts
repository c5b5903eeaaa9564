import { createDb, DorkDbError, health } from '#entry';
import { Writer } from '../oracle.ts';
import type { JobProgram } from '../worker.ts';

/** What a process that holds a file is told to do. */
export type Order = 'write' | 'health' | 'close';

/** What came of it. */
export interface Kept {
  /** The transaction that was acknowledged. */
  readonly wrote?: number;
  /** The code of a refusal. */
  readonly refused?: string;
  /** The errors that `health()` finds in the files. */
  readonly errors?: readonly string[];
}

export const KEEPING: Readonly<Record<string, JobProgram>> = {
  /** Holds a file open, and writes to it or looks at it as often as it is told to, until it is told to close it. */
  keep: async ({ file, logs, writer }, { say, hear }) => {
    const db = createDb(file);
    using oracle = new Writer(db, writer, logs);
    say({ ready: true });
    for (;;) {
      const { order } = await hear<{ order: Order }>();
      if (order === 'close') break;
      if (order === 'health') {
        const found = health(db).findings.filter(({ check, severity }) => check === 'files' && severity === 'error');
        say({ errors: found.map(({ fact }) => fact) });
        continue;
      }
      try {
        say({ wrote: oracle.write() });
      } catch (error) {
        if (!(error instanceof DorkDbError)) throw error;
        say({ refused: error.code });
      }
    }
    db.$client.close();
    return 'closed';
  },
};
