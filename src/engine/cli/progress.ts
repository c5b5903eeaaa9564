import { SingleBar } from 'cli-progress';
import type { BackupProgress } from '../backup/copy.ts';
import type { RecoverProgress } from '../backup/recover.ts';
import type { ExportProgress } from '../export/progress.ts';
import { formatBytes } from '../format.ts';
import type { HealthProgress } from '../health/health.ts';
import type { CompactProgress } from '../maintenance/compact.ts';
import type { MigrationProgress } from '../migrations/progress.ts';
import { formatCount, formatDuration } from './output.ts';
import { widthOf } from './wrap.ts';

/** Shorter work shows no progress. */
const QUIET_MS = 1000;

/** How often a line is printed without a terminal. */
const LINE_MS = 5000;

/** How often a terminal shows the elapsed time. */
const TICK_MS = 250;

/** For progress that is reported before each step, which may take long: a terminal shows the first one at once. */
const BEFORE_STEPS = { lineMs: 0, quietMs: process.stderr.isTTY ? 0 : QUIET_MS };

/** The progress of some work, for display. */
export interface Place {
  readonly label: string;
  readonly value: number;
  readonly total: number;
  readonly shown: string;
  /** Formats an amount, e.g. `12.3 MB`; undefined if a rate is not shown. */
  readonly amount?: (value: number) => string;
}

/** Shows the progress of long work; on a terminal as a bar, elsewhere as an occasional line. */
export interface ProgressDisplay<T> extends Disposable {
  readonly onProgress: (progress: T) => void;
}

function placeOfBackup({ phase, bytes, totalBytes }: BackupProgress): Place {
  return {
    label: phase,
    value: bytes,
    total: totalBytes,
    shown:
      phase === 'verifying'
        ? `${formatBytes(bytes)} are read back`
        : `${formatBytes(bytes)} of at most ${formatBytes(totalBytes)}`,
    ...(phase === 'copying' && { amount: formatBytes }),
  };
}

export function backupProgress(): ProgressDisplay<BackupProgress> {
  return display(placeOfBackup);
}

/** Before it copies, a restore reads the backup and the present file in a thread: shows for how long. */
export function restoreProgress(): ProgressDisplay<BackupProgress> {
  const { onProgress, [Symbol.dispose]: stop } = display<BackupProgress | number>((at) =>
    typeof at === 'number' ? elapsed('reading the backup', at) : placeOfBackup(at),
  );
  const stopTicking = ticking(onProgress);
  return {
    onProgress: (progress) => {
      stopTicking();
      onProgress(progress);
    },
    [Symbol.dispose]: () => {
      stopTicking();
      stop();
    },
  };
}

const elapsed = (label: string, ms: number): Place => ({ label, value: 0, total: 1, shown: formatDuration(ms) });

/** Calls a function with the elapsed milliseconds until the returned function is called. */
function ticking(onTick: (ms: number) => void): () => void {
  const began = performance.now();
  const timer = setInterval(() => onTick(performance.now() - began), TICK_MS);
  return () => clearInterval(timer);
}

/** Returns the progress of work that counts rows. */
export function ofRows(rows: number, totalRows: number): Omit<Place, 'label'> {
  return {
    value: rows,
    total: totalRows,
    shown: `${formatCount(rows)} of ${formatCount(totalRows)} rows`,
    amount: (value) => `${formatCount(Math.round(value))} rows`,
  };
}

export function exportProgress(): ProgressDisplay<ExportProgress> {
  return display(({ phase, table, rows, totalRows }) => ({
    label: phase === 'writing' ? table : `${phase} ${table}`,
    ...ofRows(rows, totalRows),
  }));
}

export function recoverProgress(): ProgressDisplay<RecoverProgress> {
  return display(({ phase, bytes, totalBytes }) => ({
    label: phase,
    value: bytes,
    total: totalBytes,
    shown: `${formatBytes(bytes)} of about ${formatBytes(totalBytes)}`,
    ...(phase === 'recovering' && { amount: formatBytes }),
  }));
}

export function compactProgress(): ProgressDisplay<CompactProgress> {
  return display(
    ({ phase, bytes }) => ({
      label: phase,
      value: phase === 'copying' ? 0 : 1,
      total: 2,
      shown: phase === 'copying' ? `up to ${formatBytes(bytes)} are written` : `${formatBytes(bytes)} are read back`,
    }),
    BEFORE_STEPS,
  );
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
    BEFORE_STEPS,
  );
}

/** A check is one statement, which nothing can look into: it is named before it begins. */
export function healthProgress(): ProgressDisplay<HealthProgress> {
  return display(
    ({ check, step, steps }) => ({
      label: check,
      value: step - 1,
      total: steps,
      shown: `check ${step} of ${steps}`,
    }),
    BEFORE_STEPS,
  );
}

/** Waits for work in a thread, and shows for how long it has been going on. */
export async function waiting<T>(label: string, work: Promise<T>): Promise<T> {
  using progress = display<number>((ms) => elapsed(label, ms));
  const stopTicking = ticking(progress.onProgress);
  try {
    return await work;
  } finally {
    stopTicking();
  }
}

function actionOf({ phase, table, action }: MigrationProgress): string {
  if (phase === 'snapshot') return 'copying the file as it is into backups/';
  if (phase === 'verify') return 'counting rows, checking references';
  return table === undefined ? action : `${action} ${table}`;
}

/** Goes to stderr, so that stdout holds the result alone. A bar is removed at the end of the block. */
export function display<T>(
  placeOf: (progress: T) => Place,
  { lineMs, quietMs } = { lineMs: LINE_MS, quietMs: QUIET_MS },
): ProgressDisplay<T> {
  const began = performance.now();
  const { show, stop } = process.stderr.isTTY ? bar() : lines(lineMs);
  const pace = new Pace();
  return {
    onProgress: (progress) => {
      const place = placeOf(progress);
      const shown = `${place.shown}${pace.at(place, performance.now())}`;
      if (performance.now() - began >= quietMs) show({ ...place, shown });
    },
    [Symbol.dispose]: stop,
  };
}

/** How fast something goes, and how long it will take if it goes on like this. */
export class Pace {
  #label: string | undefined;
  #began = 0;
  #first = 0;

  /** `, 12.3 MB/s, 5.0 s left`; empty at the beginning of each label and where nothing is counted. */
  at({ label, value, total, amount }: Place, now: number): string {
    if (label !== this.#label) {
      this.#label = label;
      this.#began = now;
      this.#first = value;
    }
    const perSecond = ((value - this.#first) / (now - this.#began)) * 1000;
    if (!amount || !(perSecond > 0) || !Number.isFinite(perSecond)) return '';
    const left = (Math.max(0, total - value) / perSecond) * 1000;
    return `, ${amount(perSecond)}/s, ${formatDuration(left)} left`;
  }
}

interface Output {
  readonly show: (place: Place) => void;
  readonly stop: () => void;
}

const BAR_COLUMNS = 20;

/** Returns the line of a bar. If it does not fit the terminal, the bar is left out, and then the last words. */
export function barLine(
  { label, shown }: Pick<Place, 'label' | 'shown'>,
  progress: number,
  width = Number.POSITIVE_INFINITY,
): string {
  const done = Math.round(progress * BAR_COLUMNS);
  const line = `${label} [${'='.repeat(done)}${'-'.repeat(BAR_COLUMNS - done)}] ${shown}`;
  if (line.length <= width) return line;
  const words = `${label}: ${shown}`;
  return words.length <= width ? words : `${words.slice(0, width - 1).replace(/\s\S*$/, '')}…`;
}

function bar(): Output {
  const inner = new SingleBar({
    format: (_, { progress }, place: Pick<Place, 'label' | 'shown'>) =>
      barLine(place, progress, widthOf(process.stderr)),
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
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
