/** A caller's `onProgress`. What it throws ends the work, and reaches the caller as it is. */
export class Listener<T> {
  readonly #onProgress: ((progress: T) => void) | undefined;
  #thrown: { readonly error: unknown } | undefined;

  constructor(onProgress: ((progress: T) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  /** Tells, and throws what the caller threw, now or before. */
  tell(progress: T): void {
    this.#tell(progress);
    if (this.#thrown) throw this.#thrown.error;
  }

  /**
   * Tells at once and then every so many milliseconds, from a timer, where nothing may be thrown: the next {@link tell}
   * throws it.
   *
   * @returns Ends it.
   */
  every(milliseconds: number, progress: () => T): () => void {
    if (!this.#onProgress) return () => {};
    this.#tell(progress());
    const timer = setInterval(() => this.#tell(progress()), milliseconds);
    return () => clearInterval(timer);
  }

  /** True for what the caller threw, which is no failure of ours. */
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
