import type { Connection } from '../../engine/connection/connection.ts';
import { lockHolders } from '../../engine/file/file-locks.ts';
import { sleepSync } from '../../engine/sleep.ts';
import type { Steps } from './import-context.ts';

/**
 * How long a batch holds the write lock, and how long the lock is free before the next one, in milliseconds. A process
 * that waits for the lock asks every 25 ms or more often for its first 128 ms, so that with others it meets the first gap.
 * https://sqlite.org/c3ref/busy_timeout.html
 */
const WITH_OTHERS = { batchMs: 50, gapMs: 30 };
/** Shorter batches write the same pages more often. A process that is not seen, e.g. in a container, still gets its turn. */
const ALONE = { batchMs: 100, gapMs: 10 };
/** How long what was seen of other processes counts. Looking reads every lock of the machine. */
const SEEN_FOR_MS = 500;

/**
 * Runs steps as a row of transactions, each of which is short: other processes write in between, and what was committed
 * stays if a later batch fails or the process is killed.
 */
export class Batches {
  readonly #connection: Connection;
  readonly #isDryRun: boolean;
  /** How long the lock was held since the last gap. */
  #heldMs = 0;
  #hasOthers = false;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(connection: Connection, isDryRun: boolean) {
    this.#connection = connection;
    this.#isDryRun = isDryRun;
  }

  /** @param committed Called after each batch, with no lock held. */
  run(steps: Steps, committed: () => void): void {
    for (let isDone = false; !isDone; ) {
      const { batchMs, gapMs } = this.#isWithOthers() ? WITH_OTHERS : ALONE;
      this.#pause(gapMs);
      const began = performance.now();
      isDone = this.#connection.runTransaction(
        () => {
          // Waiting for the lock is not holding it.
          const end = performance.now() + batchMs;
          do if (steps.next().done) return true;
          while (performance.now() < end);
          return false;
        },
        this.#isDryRun ? 'deferred' : 'immediate',
      );
      this.#heldMs += performance.now() - began;
      committed();
    }
  }

  #isWithOthers(): boolean {
    if (performance.now() - this.#lookedAt > SEEN_FOR_MS) {
      this.#hasOthers = hasOthers(this.#connection.filename);
      this.#lookedAt = performance.now();
    }
    return this.#hasOthers;
  }

  #pause(ms: number): void {
    if (this.#isDryRun || this.#heldMs < WITH_OTHERS.batchMs / 2) return;
    // A fixed gap could be missed each time by a process that asks at fixed times.
    sleepSync(ms * (1 + Math.random() / 2));
    this.#heldMs = 0;
  }
}

/** True if another process has the file open, or may have. */
function hasOthers(filename: string): boolean {
  return lockHolders(filename)?.some(({ isSelf }) => !isSelf) ?? true;
}
