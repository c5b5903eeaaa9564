/** Blocks this thread, as SQLite's own busy handler does; there is no other way to wait in a synchronous call. */
export function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/**
 * Calls a function until it does not meet a lock any more, with growing and slightly random pauses, for at most
 * `timeoutMs`; then the last error is thrown.
 */
export function retryWhile<T>(isTemporary: (error: unknown) => boolean, timeoutMs: number, fn: () => T): T {
  const deadline = performance.now() + timeoutMs;
  for (let pause = 1; ; pause = Math.min(pause * 2, 50)) {
    try {
      return fn();
    } catch (error) {
      if (!isTemporary(error) || performance.now() >= deadline) throw error;
    }
    sleepSync(pause * (0.5 + Math.random()));
  }
}
