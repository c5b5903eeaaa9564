import type { DriverDatabase } from '../driver/adapter.ts';
import { codeOf } from '../realm.ts';
import { canBlock, Pauses } from '../sleep.ts';
import { leadingWords } from '../sql/sql-text.ts';

/**
 * The pauses between two tries to take a lock, in milliseconds. SQLite's own handler pauses for 1, 2, 5, 10 … 100 ms,
 * while a usual write holds the lock for some hundredths of one. Longer ones are for a lock that stays: a try of
 * 10 microseconds each 2 ms is half a per cent of a processor.
 */
const FIRST_MS = 0.05;
const LONGEST_MS = 2;

/**
 * Who waits for the lock that a statement meets: `sqlite` for what waits inside of its run, or tells of a lock by a row;
 * `ours` for what begins a write, and so is tried again; `any` for what seldom meets a lock.
 */
export type Waiter = 'sqlite' | 'ours' | 'any';

const FIRST_WORD = /^\s*(\w+)/;

/** @param isReadonly False if it is not known. */
export function waiterOf(sql: string, isReadonly: boolean): Waiter {
  const word = (FIRST_WORD.exec(sql)?.[1] ?? leadingWords(sql, 1)[0])?.toUpperCase();
  if (word === 'PRAGMA' || word === 'VACUUM') return 'sqlite';
  return isReadonly ? 'any' : 'ours';
}

/** True for a text that may set or read the busy timeout. */
export function namesTimeout(sql: string): boolean {
  return /busy_timeout/i.test(sql);
}

/**
 * How one connection waits for the locks of others: `PRAGMA busy_timeout` says how long, and reads as it was set. SQLite's
 * busy handler is switched off as soon as a statement comes for which the pauses are ours, and on again before one that
 * needs it. A connection that never set the pragma is left to its driver.
 */
export class LockWaits {
  readonly #database: DriverDatabase;
  readonly #observers = new Set<(milliseconds: number) => void>();
  /** As it was set; undefined if it was not. */
  #timeoutMs: number | undefined;
  /** True while SQLite's handler is off. */
  #isOurs = false;

  constructor(database: DriverDatabase) {
    this.#database = database;
  }

  /** Calls the function after each wait of a statement, until the returned function is called. */
  onWait(observe: (milliseconds: number) => void): () => void {
    this.#observers.add(observe);
    return () => void this.#observers.delete(observe);
  }

  /** Leaves the waiting to whom it belongs, before a statement runs. */
  leaveTo(waiter: Waiter): void {
    if (waiter === 'any' || this.#isOurs === (waiter === 'ours') || !this.#timeoutMs) return;
    this.#database.exec(waiter === 'ours' ? 'PRAGMA busy_timeout = 0' : `PRAGMA busy_timeout = ${this.#timeoutMs}`);
    this.#isOurs = waiter === 'ours';
  }

  /** Runs what may set the busy timeout. */
  setting<T>(fn: () => T): T {
    this.leaveTo('sqlite');
    try {
      return fn();
    } finally {
      const row = this.#database.prepare('PRAGMA busy_timeout', undefined).get([]);
      this.#timeoutMs = Number(Object.values(row as object)[0]);
    }
  }

  /**
   * Runs a statement again that met a lock, until it has it or the time is over. Inside a transaction SQLite decides
   * whether there is something to wait for: what was read may not be the newest state any more.
   *
   * @throws The last error.
   */
  again<T>(met: unknown, run: () => T): T {
    // SQLite's handler has waited already where it is on.
    if (!this.#isOurs || !mayPass(met)) throw met;
    const isInTransaction = this.#database.inTransaction;
    const pauses = new Pauses(this.#timeoutMs ?? 0, FIRST_MS, LONGEST_MS);
    if (isInTransaction || !canBlock()) {
      this.leaveTo('sqlite');
      try {
        return run();
      } finally {
        this.#tell(pauses.waitedMs);
      }
    }
    let error = met;
    let waitedMs = 0;
    try {
      while (pauses.pause()) {
        waitedMs = pauses.waitedMs;
        try {
          return run();
        } catch (next) {
          error = next;
          if (!mayPass(next)) break;
        }
      }
      waitedMs = pauses.waitedMs;
    } finally {
      this.#tell(waitedMs);
    }
    throw error;
  }

  #tell(milliseconds: number): void {
    for (const observe of this.#observers) observe(milliseconds);
  }
}

/** True for a lock that is gone soon. Not for SQLITE_BUSY_SNAPSHOT, which stays until the transaction begins again. */
function mayPass(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'SQLITE_BUSY' || code === 'SQLITE_BUSY_RECOVERY';
}
