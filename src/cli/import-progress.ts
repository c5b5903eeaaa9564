import { SingleBar } from 'cli-progress';
import type { ImportProgress } from '../legacy/import-context.ts';
import { formatCount } from './output.ts';

/** A shorter import needs no progress. */
const QUIET_MS = 1000;

/** How often a line is printed where there is no terminal. */
const LINE_MS = 5000;

/** Shows how far an import is; on a terminal as a bar, elsewhere as a line now and then. */
export interface ImportProgressDisplay extends Disposable {
  readonly onProgress: (progress: ImportProgress) => void;
}

/** Goes to stderr, so that stdout holds the result alone. The bar is removed at the end of the block. */
export function importProgress(): ImportProgressDisplay {
  return process.stderr.isTTY ? bar() : lines();
}

function bar(): ImportProgressDisplay {
  const began = performance.now();
  const inner = new SingleBar({
    format: '{source} {table} [{bar}] {shown}',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
  });
  let isStarted = false;
  return {
    onProgress: (progress) => {
      if (performance.now() - began < QUIET_MS) return;
      const { source, table, rows, totalRows } = progress;
      const payload = { source, table, shown: shownOf(progress) };
      if (!isStarted) inner.start(totalRows, rows, payload);
      isStarted = true;
      inner.setTotal(totalRows);
      inner.update(rows, payload);
      // The statement that follows blocks every timer.
      inner.render();
    },
    [Symbol.dispose]: () => inner.stop(),
  };
}

function lines(): ImportProgressDisplay {
  let printed = performance.now() + QUIET_MS - LINE_MS;
  return {
    onProgress: (progress) => {
      if (performance.now() - printed < LINE_MS) return;
      printed = performance.now();
      process.stderr.write(`${progress.source} ${progress.table}: ${shownOf(progress)}\n`);
    },
    [Symbol.dispose]: () => {},
  };
}

function shownOf({ rows, totalRows }: ImportProgress): string {
  return `${formatCount(rows)} of ${formatCount(totalRows)} rows`;
}
