import type { Listener } from '../backup/listener.ts';
import type { ExportProgress } from './progress.ts';

/** How long a thread processes rows before it lets other work run, in milliseconds. */
const TURN_MS = 10;
/** How often the listener is called, in milliseconds. */
const TELL_MS = 100;
/** Number of rows between two checks of the clock. */
const ROWS = 64;

/** Counts rows, reports them to the listener, and lets other work of the thread run. */
export class Pace {
  readonly #listener: Listener<ExportProgress>;
  readonly #phase: ExportProgress['phase'];
  readonly #totalRows: number;
  readonly #assertWanted: (() => void) | undefined;
  #table = '';
  #rows = 0;
  #turnBegan = performance.now();
  #told = 0;

  /** @param assertWanted Called after other work of this thread, and may throw; undefined if no other work may run. */
  constructor(
    listener: Listener<ExportProgress>,
    phase: ExportProgress['phase'],
    totalRows: number,
    assertWanted: (() => void) | undefined,
  ) {
    this.#listener = listener;
    this.#phase = phase;
    this.#totalRows = totalRows;
    this.#assertWanted = assertWanted;
  }

  begin(table: string): void {
    this.#table = table;
  }

  /** Counts a row. Returns true if it is time for {@link pause}. */
  isDue(): boolean {
    return ++this.#rows % ROWS === 0 && performance.now() - this.#turnBegan >= TURN_MS;
  }

  async pause(): Promise<void> {
    if (performance.now() - this.#told >= TELL_MS) this.tell();
    if (this.#assertWanted) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#assertWanted();
    }
    this.#turnBegan = performance.now();
  }

  tell(): void {
    this.#told = performance.now();
    this.#listener.tell({
      phase: this.#phase,
      table: this.#table,
      rows: this.#rows,
      totalRows: this.#totalRows,
    });
  }
}
