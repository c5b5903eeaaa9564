/** What one check came to. */
export interface Outcome {
  readonly name: string;
  /** What it found, e.g. a version or a size; for a failure, why. */
  readonly found: string;
  readonly isGood: boolean;
  readonly seconds: number;
}

/** Runs checks one after the other and prints a line for each as it ends. */
export class Report {
  readonly outcomes: Outcome[] = [];
  readonly #only: RegExp;

  /** @param only Runs only checks whose name it matches. */
  constructor(only: RegExp) {
    this.#only = only;
  }

  async check(name: string, run: () => string | Promise<string>): Promise<void> {
    if (!this.#only.test(name)) return;
    const started = performance.now();
    const outcome = await attempt(run);
    const seconds = (performance.now() - started) / 1000;
    this.outcomes.push({ name, ...outcome, seconds });
    console.log(
      `${outcome.isGood ? 'ok  ' : 'FAIL'}  ${name.padEnd(34)} ${seconds.toFixed(0).padStart(3)} s  ${outcome.found}`,
    );
  }

  get failures(): number {
    return this.outcomes.filter(({ isGood }) => !isGood).length;
  }
}

async function attempt(run: () => string | Promise<string>): Promise<Pick<Outcome, 'found' | 'isGood'>> {
  try {
    return { found: await run(), isGood: true };
  } catch (error) {
    return { found: error instanceof Error ? error.message : String(error), isGood: false };
  }
}
