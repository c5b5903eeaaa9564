import type { Connection } from '../../engine/connection/connection.ts';
import { lockHolders } from '../../engine/file/file-locks.ts';
import { sleepSync } from '../../engine/sleep.ts';
import type { Steps } from './import-context.ts';

/**
 * Milliseconds for which a batch holds the write lock, and for which the lock is free before the next batch. A process
 * that waits for the lock retries at least every 25 ms during its first 128 ms, so that it gets the lock in the first gap.
 * https://sqlite.org/c3ref/busy_timeout.html
 */
const WITH_OTHERS = { batchMs: 50, gapMs: 30 };
/** Longer batches write the same pages less often. An invisible process, e.g. in a container, can still get the lock. */
const ALONE = { batchMs: 100, gapMs: 10 };
/** How long a list of other processes is used. To list them, every lock of the machine is read. */
const SEEN_FOR_MS = 500;

/**
 * Runs steps in a series of short transactions. Other processes can write in between, and committed batches remain if a
 * later batch fails or the process is killed.
 */
export class Batches {
  readonly #connection: Connection;
  readonly #isDryRun: boolean;
  /** Milliseconds for which the lock was held since the last gap. */
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
          // Counted from here: the wait for the lock is over.
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
    // Random: a process that retries at a fixed interval could miss every gap of a fixed length.
    sleepSync(ms * (1 + Math.random() / 2));
    this.#heldMs = 0;
  }
}

/** True if another process has the file open, or may have. */
function hasOthers(filename: string): boolean {
  return lockHolders(filename)?.some(({ isSelf }) => !isSelf) ?? true;
}
