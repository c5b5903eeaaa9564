/** A caller's `onProgress`. An error that it throws ends the work and is passed to the caller. */
export class Listener<T> {
  readonly #onProgress: ((progress: T) => void) | undefined;
  #thrown: { readonly error: unknown } | undefined;

  constructor(onProgress: ((progress: T) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  /** Reports progress. Throws the caller's error, from now or earlier. */
  tell(progress: T): void {
    this.#tell(progress);
    if (this.#thrown) throw this.#thrown.error;
  }

  /**
   * Reports progress now and then at an interval, from a timer that must not throw. An error is thrown by the next
   * {@link tell}.
   *
   * @returns A function that stops the timer.
   */
  every(milliseconds: number, progress: () => T): () => void {
    if (!this.#onProgress) return () => {};
    this.#tell(progress());
    const timer = setInterval(() => this.#tell(progress()), milliseconds);
    return () => clearInterval(timer);
  }

  /** Returns true for an error that the caller threw. */
  threw(error: unknown): boolean {
    return this.#thrown !== undefined && this.#thrown.error === error;
  }

  #tell(progress: T): void {
    if (this.#thrown) return;
    try {
      this.#onProgress?.(progress);
    } catch (error) {
      this.#thrown = { error };
    }
  }
}
