import type { Connection } from '../connection/connection.ts';
import { type AnyDb, connectionOf } from '../connection/db.ts';
import { InvalidInputError } from '../errors.ts';
import { MEMORY } from '../file/path.ts';
import { bytesOf, walState } from '../file/wal.ts';
import { hostOf } from '../host.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { now } from '../time.ts';
import { attach } from './attach.ts';
import { Recorder } from './recorder.ts';
import type { MonitorSample } from './sample.ts';

/** Options for `monitor()`. */
export interface MonitorOptions {
  /** Milliseconds between two samples. Default 10,000. */
  readonly everyMs?: number;
  /** Called with each sample. If it throws, the timer throws. Default: samples are only created by `sample()`. */
  readonly onSample?: (sample: MonitorSample) => void;
  /** Statements that take at least this many milliseconds are slow. Default 100. */
  readonly slowMs?: number;
}

const OPTIONS: OptionNames<MonitorOptions> = { everyMs: true, onSample: true, slowMs: true };

/** A monitor that runs until it is stopped or its connection is closed. It does not keep the process alive. */
export interface Monitor extends Disposable {
  /**
   * Returns the current figures.
   *
   * @throws ClosedError after `closeDb()`.
   */
  sample(): MonitorSample;
  /** Stops watching statements. Stopping twice is fine. */
  stop(): void;
}

const EVERY_MS = 10_000;
const SLOW_MS = 100;

/**
 * Watches a connection: the size of the file and its -wal, commits, waits for locks, and slow statements. Statements
 * that were prepared earlier are included, but not those of `db.$client.exec()`, of other connections or of other
 * processes. The overhead of a few hundred nanoseconds per statement is small enough for production.
 *
 * @throws InvalidInputError if an option is invalid.
 *
 * @example
 * ```ts
 * using watch = monitor(db, { everyMs: 60_000, onSample: ({ walBytes }) => console.log({ walBytes }) });
 * const answerOfMetrics = () => prometheusText(watch.sample());
 * ```
 */
export function monitor(db: AnyDb, options: MonitorOptions = {}): Monitor {
  optionsArgument(options, OPTIONS);
  const { everyMs = EVERY_MS, onSample, slowMs = SLOW_MS } = options;
  check('everyMs', everyMs, 1);
  check('slowMs', slowMs, 0);
  if (onSample !== undefined && typeof onSample !== 'function') {
    throw new InvalidInputError('options.onSample', 'must be a function');
  }
  const connection = connectionOf(db);
  connection.assertOpen();
  const recorder = new Recorder(connection, slowMs);
  const detach = attach(connection, recorder);
  const started = performance.now();
  const sample = () => sampleOf(connection, recorder, started);
  const timer = onSample && setInterval(tick, everyMs);
  timer?.unref();

  function tick(): void {
    if (connection.isOpen) onSample?.(sample());
    else stop();
  }
  function stop(): void {
    clearInterval(timer);
    detach();
  }
  return { sample, stop, [Symbol.dispose]: stop };
}

/** The longest delay of a timer. */
const LONGEST = 2 ** 31 - 1;

function check(name: string, value: number, least: number): void {
  if (typeof value === 'number' && value >= least && value <= LONGEST) return;
  throw new InvalidInputError(`options.${name}`, `must be at least ${least} milliseconds`);
}

function sampleOf(connection: Connection, recorder: Recorder, started: number): MonitorSample {
  connection.assertOpen();
  const { filename } = connection;
  const isFile = filename !== MEMORY;
  const pending = isFile ? recorder.quietly(() => pendingBytes(connection)) : undefined;
  return {
    filename,
    name: hostOf(connection).name,
    at: now(),
    uptimeMs: performance.now() - started,
    fileBytes: isFile ? bytesOf(filename) : 0,
    walBytes: isFile ? bytesOf(`${filename}-wal`) : 0,
    ...(pending !== undefined && { walPendingBytes: pending }),
    ...recorder.totals,
    slowStatements: recorder.slowStatements(),
  };
}

function pendingBytes(connection: Connection): number | undefined {
  const state = walState(connection);
  if (!state) return undefined;
  return (state.frames - state.checkpointed) * Number(connection.pragma('page_size', { simple: true }));
}
