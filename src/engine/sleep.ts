let cell: Int32Array | undefined;

/** Returns false on a thread that must not block, e.g. the main thread of an Electron window. */
export function canBlock(): boolean {
  try {
    cell ??= new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, 0);
    return true;
  } catch {
    return false;
  }
}

/** Milliseconds of a clock that is never set. Node loads `performance` at its first use, which costs more than an opening. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** Blocks this thread, like SQLite's own busy handler. There is no other way to wait in a synchronous call. */
export function sleepSync(milliseconds: number): void {
  if (canBlock()) Atomics.wait(cell as Int32Array, 0, 0, milliseconds);
  else for (const end = monotonicMs() + milliseconds; monotonicMs() < end; );
}

/** Growing and slightly random pauses until a timeout. */
export class Pauses {
  readonly #timeoutMs: number;
  readonly #longestMs: number;
  readonly #start = monotonicMs();
  #nextMs: number;
  /** Counted separately, because a test may have stopped the clock. */
  #sleptMs = 0;

  /** @param longestMs Pauses double from `firstMs` to this value, and are randomly up to a half shorter or longer. */
  constructor(timeoutMs: number, firstMs: number, longestMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#nextMs = firstMs;
    this.#longestMs = longestMs;
  }

  /** Milliseconds since the pauses began. */
  get waitedMs(): number {
    return Math.max(monotonicMs() - this.#start, this.#sleptMs);
  }

  /**
   * Sleeps and returns true; returns false immediately after the timeout. The last pause is shortened to end at the
   * timeout.
   */
  pause(): boolean {
    const left = this.#timeoutMs - this.waitedMs;
    if (left <= 0) return false;
    const pause = Math.min(this.#nextMs * (0.5 + Math.random()), left);
    sleepSync(pause);
    this.#sleptMs += pause;
    this.#nextMs = Math.min(this.#nextMs * 2, this.#longestMs);
    return true;
  }
}

/**
 * Calls a function until it no longer meets a lock, with growing and slightly random pauses. Throws the last error
 * after `timeoutMs`.
 */
export function retryWhile<T>(isTemporary: (error: unknown) => boolean, timeoutMs: number, fn: () => T): T {
  const pauses = new Pauses(timeoutMs, 1, 50);
  for (;;) {
    try {
      return fn();
    } catch (error) {
      if (!isTemporary(error) || !pauses.pause()) throw error;
    }
  }
}
