import { SingleBar } from 'cli-progress';
import type { BackupProgress } from '../backup/copy.ts';
import type { ImportProgress } from '../legacy/import-context.ts';
import type { MigrationProgress } from '../migrations/progress.ts';
import { formatBytes, formatCount } from './output.ts';

/** Work that is shorter needs no progress. */
const QUIET_MS = 1000;

/** How often a line is printed where there is no terminal. */
const LINE_MS = 5000;

/** How far something is, as it is shown. */
interface Place {
  readonly label: string;
  readonly value: number;
  readonly total: number;
  readonly shown: string;
}

/** Shows how far long work is; on a terminal as a bar, elsewhere as a line now and then. */
export interface ProgressDisplay<T> extends Disposable {
  readonly onProgress: (progress: T) => void;
}

export function backupProgress(): ProgressDisplay<BackupProgress> {
  return display(({ phase, bytes, totalBytes }) => ({
    label: phase,
    value: bytes,
    total: totalBytes,
    shown:
      phase === 'verifying'
        ? `${formatBytes(bytes)} are read back`
        : `${formatBytes(bytes)} of at most ${formatBytes(totalBytes)}`,
  }));
}

export function importProgress(): ProgressDisplay<ImportProgress> {
  return display(({ source, table, rows, totalRows }) => ({
    label: `${source} ${table}`,
    value: rows,
    total: totalRows,
    shown: `${formatCount(rows)} of ${formatCount(totalRows)} rows`,
  }));
}

/** The first step may be the one that takes long: a terminal shows it at once, and each step has its line elsewhere. */
export function migrationProgress(): ProgressDisplay<MigrationProgress> {
  return display(
    (progress) => ({
      label: progress.tag,
      value: progress.step,
      total: progress.steps,
      shown: `step ${progress.step} of ${progress.steps}: ${actionOf(progress)}`,
    }),
    { lineMs: 0, quietMs: process.stderr.isTTY ? 0 : QUIET_MS },
  );
}

function actionOf({ phase, table, action }: MigrationProgress): string {
  if (phase === 'snapshot') return 'copying the file as it is into backups/';
  if (phase === 'verify') return 'counting rows, checking references';
  return table === undefined ? action : `${action} ${table}`;
}

/** Goes to stderr, so that stdout holds the result alone. A bar is removed at the end of the block. */
function display<T>(
  placeOf: (progress: T) => Place,
  { lineMs, quietMs } = { lineMs: LINE_MS, quietMs: QUIET_MS },
): ProgressDisplay<T> {
  const began = performance.now();
  const { show, stop } = process.stderr.isTTY ? bar() : lines(lineMs);
  return {
    onProgress: (progress) => {
      if (performance.now() - began >= quietMs) show(placeOf(progress));
    },
    [Symbol.dispose]: stop,
  };
}

interface Output {
  readonly show: (place: Place) => void;
  readonly stop: () => void;
}

function bar(): Output {
  const inner = new SingleBar({
    format: '{label} [{bar}] {shown}',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 20,
  });
  let isStarted = false;
  return {
    show: ({ value, total, ...payload }) => {
      if (!isStarted) inner.start(total, value, payload);
      isStarted = true;
      inner.setTotal(total);
      inner.update(value, payload);
      // A statement that follows blocks every timer.
      inner.render();
    },
    stop: () => inner.stop(),
  };
}

function lines(lineMs: number): Output {
  let printed = Number.NEGATIVE_INFINITY;
  return {
    show: ({ label, shown }) => {
      if (performance.now() - printed < lineMs) return;
      printed = performance.now();
      process.stderr.write(`${label}: ${shown}\n`);
    },
    stop: () => {},
  };
}
