import { sleepSync } from '../sleep.ts';

/**
 * Milliseconds for which long work leaves the write lock free between two of its transactions. A process that waits for
 * the lock retries at least every 25 ms during its first 128 ms, so that it gets the lock in the first gap.
 * https://sqlite.org/c3ref/busy_timeout.html
 */
export const LOCK_GAP_MS = 30;

/** A shorter transaction needs no gap after it. */
export const SHORT_LOCK_MS = 25;

/** Waits with no lock held, so that others can write. */
export function leaveLockFree(milliseconds: number): void {
  // Random: a process that retries at a fixed interval could miss every gap of a fixed length.
  sleepSync(milliseconds * (1 + Math.random() / 2));
}
