import { SingleBar } from 'cli-progress';
import type { MigrationProgress } from '../migrations/progress.ts';

/** A run that is shorter needs no lines. */
const QUIET_MS = 1000;

/** Shows where a run of migrations is; on a terminal as a bar, elsewhere as a line for each step of a long one. */
export interface ProgressDisplay extends Disposable {
  readonly onProgress: (progress: MigrationProgress) => void;
}

function describe({ phase, table, action }: MigrationProgress): string {
  if (phase === 'snapshot') return 'copying the file as it is into backups/';
  if (phase === 'verify') return 'counting rows, checking references';
  return table === undefined ? action : `${action} ${table}`;
}

/** Goes to stderr, so that stdout holds the result alone. The bar is removed at the end of the block. */
export function migrationProgress(): ProgressDisplay {
  return process.stderr.isTTY ? bar() : lines();
}

function bar(): ProgressDisplay {
  const inner = new SingleBar({
    format: '{tag} [{bar}] step {value} of {total}: {what}',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
  });
  let isStarted = false;
  return {
    onProgress: (progress) => {
      const payload = { tag: progress.tag, what: describe(progress) };
      if (!isStarted) inner.start(progress.steps, progress.step, payload);
      isStarted = true;
      inner.setTotal(progress.steps);
      inner.update(progress.step, payload);
      // The statement that follows blocks every timer.
      inner.render();
    },
    [Symbol.dispose]: () => inner.stop(),
  };
}

function lines(): ProgressDisplay {
  const started = performance.now();
  return {
    onProgress: (progress) => {
      if (performance.now() - started < QUIET_MS) return;
      const { tag, step, steps } = progress;
      process.stderr.write(`${tag}: step ${step} of ${steps}: ${describe(progress)}\n`);
    },
    [Symbol.dispose]: () => {},
  };
}
