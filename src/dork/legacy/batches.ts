import type { Connection } from '../../engine/connection/connection.ts';
import { LOCK_GAP_MS, leaveLockFree, SHORT_LOCK_MS } from '../../engine/connection/lock-gap.ts';
import { lockHolders } from '../../engine/file/file-locks.ts';
import type { Steps } from './import-context.ts';

/** Milliseconds for which a batch holds the write lock, and for which the lock is free before the next batch. */
const WITH_OTHERS = { batchMs: 50, gapMs: LOCK_GAP_MS };
/** Longer batches write the same pages less often. An invisible process, e.g. in a container, can still get the lock. */
const ALONE = { batchMs: 100, gapMs: 10 };
/** How long a list of other processes is used. To list them, every lock of the machine is read. */
const SEEN_FOR_MS = 500;
/** The most that a commit may shorten the next batch: to a fifth. */
const SLOWEST_COMMIT = 4;

/**
 * Runs steps in a series of short transactions. Other processes can write in between, and committed batches remain if a
 * later batch fails or the process is killed.
 */
export class Batches {
  readonly #connection: Connection;
  readonly #isDryRun: boolean;
  /** Milliseconds for which the lock was held since the last gap. */
  #heldMs = 0;
  /** The time of the last commit, divided by the time of its steps: a commit writes what the steps changed. */
  #commitPerStep = 0;
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
      isDone = this.#runBatch(steps, batchMs / (1 + this.#commitPerStep));
      committed();
    }
  }

  /** @returns True if it was the last one. */
  #runBatch(steps: Steps, forMs: number): boolean {
    let began = 0;
    let ended = 0;
    const isDone = this.#connection.runTransaction(
      () => {
        // Counted from here: the wait for the lock is over.
        began = performance.now();
        let isLast = false;
        do isLast = steps.next().done === true;
        while (!isLast && performance.now() < began + forMs);
        ended = performance.now();
        return isLast;
      },
      this.#isDryRun ? 'deferred' : 'immediate',
    );
    const committed = performance.now();
    // A commit may end with a checkpoint. That holds no lock of the writers, but shortens the next batch once.
    this.#commitPerStep = Math.min((committed - ended) / Math.max(ended - began, 1), SLOWEST_COMMIT);
    this.#heldMs += committed - began;
    return isDone;
  }

  #isWithOthers(): boolean {
    if (performance.now() - this.#lookedAt > SEEN_FOR_MS) {
      this.#hasOthers = hasOthers(this.#connection.filename);
      this.#lookedAt = performance.now();
    }
    return this.#hasOthers;
  }

  #pause(ms: number): void {
    if (this.#isDryRun || this.#heldMs < SHORT_LOCK_MS) return;
    leaveLockFree(ms);
    this.#heldMs = 0;
  }
}

/** True if another process has the file open, or may have. */
function hasOthers(filename: string): boolean {
  return lockHolders(filename)?.some(({ isSelf }) => !isSelf) ?? true;
}
