import { SingleBar } from 'cli-progress';
import type { BackupProgress } from '../backup/copy.ts';
import { formatBytes } from './output.ts';

/** A shorter copy needs no progress. */
const QUIET_MS = 1000;

/** How often a line is printed where there is no terminal. */
const LINE_MS = 5000;

/** Shows how far a copy is; on a terminal as a bar, elsewhere as a line now and then. */
export interface BackupProgressDisplay extends Disposable {
  readonly onProgress: (progress: BackupProgress) => void;
}

/** Goes to stderr, so that stdout holds the result alone. The bar is removed at the end of the block. */
export function backupProgress(): BackupProgressDisplay {
  return process.stderr.isTTY ? bar() : lines();
}

function bar(): BackupProgressDisplay {
  const began = performance.now();
  const inner = new SingleBar({
    format: '{phase} [{bar}] {shown}',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
  });
  let isStarted = false;
  return {
    onProgress: (progress) => {
      if (performance.now() - began < QUIET_MS) return;
      const { phase, bytes, totalBytes } = progress;
      if (!isStarted) inner.start(totalBytes, bytes, { phase, shown: shownOf(progress) });
      isStarted = true;
      inner.setTotal(totalBytes);
      inner.update(bytes, { phase, shown: shownOf(progress) });
    },
    [Symbol.dispose]: () => inner.stop(),
  };
}

function lines(): BackupProgressDisplay {
  let printed = performance.now() + QUIET_MS - LINE_MS;
  return {
    onProgress: (progress) => {
      if (performance.now() - printed < LINE_MS) return;
      printed = performance.now();
      process.stderr.write(`${progress.phase}: ${shownOf(progress)}\n`);
    },
    [Symbol.dispose]: () => {},
  };
}

function shownOf({ phase, bytes, totalBytes }: BackupProgress): string {
  if (phase === 'verifying') return `${formatBytes(bytes)} are read back`;
  return `${formatBytes(bytes)} of at most ${formatBytes(totalBytes)}`;
}
