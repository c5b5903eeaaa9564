import type { DriverDatabase } from '../driver/adapter.ts';
import { codeOf } from '../realm.ts';
import { canBlock, Pauses } from '../sleep.ts';
import { leadingWords } from '../sql/sql-text.ts';

/**
 * The pauses between two attempts to take a lock, in milliseconds. SQLite's own handler pauses for 1, 2, 5, 10 … 100 ms,
 * but a usual write holds the lock for less than 0.1 ms. Longer pauses are for a lock that is held long: an attempt of
 * 10 microseconds every 2 ms takes 0.5 % of a processor.
 */
const FIRST_MS = 0.05;
const LONGEST_MS = 2;

/**
 * Who waits for another connection's lock: `sqlite` for statements that wait while they run, or report a lock in a row;
 * `ours` for statements that begin a write and are tried again; `any` for statements that seldom meet a lock.
 */
export type Waiter = 'sqlite' | 'ours' | 'any';

const FIRST_WORD = /^\s*(\w+)/;

/** @param isReadonly False if it is not known. */
export function waiterOf(sql: string, isReadonly: boolean): Waiter {
  const word = (FIRST_WORD.exec(sql)?.[1] ?? leadingWords(sql, 1)[0])?.toUpperCase();
  if (word === 'PRAGMA' || word === 'VACUUM') return 'sqlite';
  return isReadonly ? 'any' : 'ours';
}

/** Returns true for a text that may set or read the busy timeout. */
export function namesTimeout(sql: string): boolean {
  return /busy_timeout/i.test(sql);
}

/**
 * The waits of one connection for the locks of others, as long as `PRAGMA busy_timeout` allows. SQLite's busy handler is
 * switched off before a statement of the kind `ours`, and on again before one of the kind `sqlite`. A connection that
 * never set the pragma is left to its driver.
 */
export class LockWaits {
  readonly #database: DriverDatabase;
  readonly #observers = new Set<(milliseconds: number) => void>();
  /** The value that was set; undefined if none was, null if it was not read yet. */
  #timeoutMs: number | null | undefined;
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

  /** Switches SQLite's handler on or off before a statement runs. */
  leaveTo(waiter: Waiter): void {
    if (waiter === 'any' || this.#isOurs === (waiter === 'ours')) return;
    const timeoutMs = this.#timeout();
    if (!timeoutMs) return;
    this.#database.exec(waiter === 'ours' ? 'PRAGMA busy_timeout = 0' : `PRAGMA busy_timeout = ${timeoutMs}`);
    this.#isOurs = waiter === 'ours';
  }

  /** Runs a function that may set the busy timeout. The first write reads what was set: an opening does not need it. */
  setting<T>(fn: () => T): T {
    this.leaveTo('sqlite');
    try {
      return fn();
    } finally {
      this.#timeoutMs = null;
    }
  }

  #timeout(): number | undefined {
    if (this.#timeoutMs === null) {
      const row = this.#database.prepare('PRAGMA busy_timeout', undefined).get([]);
      this.#timeoutMs = Number(Object.values(row as object)[0]);
    }
    return this.#timeoutMs;
  }

  /**
   * Runs a statement that met a lock again, until it succeeds or the time is over. Inside a transaction SQLite decides
   * whether waiting can help, because the transaction may have read an older state.
   *
   * @throws The last error.
   */
  again<T>(met: unknown, run: () => T): T {
    // If SQLite's handler is on, it has waited already.
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

/** Returns false for SQLITE_BUSY_SNAPSHOT, which remains until the transaction begins again. */
function mayPass(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'SQLITE_BUSY' || code === 'SQLITE_BUSY_RECOVERY';
}
