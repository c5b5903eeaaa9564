import { isAsyncFunction } from '../realm.ts';
import { asyncRefused, type TransactionBehavior } from './transaction.ts';

/**
 * A function that runs another one as a transaction each time it is called, like better-sqlite3's and bun:sqlite's. It
 * passes `this` and its arguments on, and returns the result.
 */
export interface TransactionFunction<A extends unknown[], T> {
  /** Takes the write lock at once, like {@link immediate}. */
  (...args: A): T;
  /** Takes the write lock at once, like {@link immediate}. better-sqlite3 has this name too. */
  default(...args: A): T;
  /** Runs it as a transaction that takes the write lock at its first write. */
  deferred(...args: A): T;
  /** Runs it as a transaction that takes the write lock at once. */
  immediate(...args: A): T;
  /** Runs it as a transaction like `immediate`; in WAL mode both are the same. */
  exclusive(...args: A): T;
}

type Run = <T>(fn: () => T, behavior: TransactionBehavior) => T;

/** Creates the transaction functions of a connection, and warns of those that nobody called. */
export class TransactionFunctions {
  readonly #run: Run;
  /** Functions without parameters that were not called yet. */
  #uncalled = 0;

  constructor(run: Run) {
    this.#run = run;
  }

  /** @throws TypeError for anything else than a synchronous function. Nothing is run in either case. */
  of<A extends unknown[], T>(fn: (...args: A) => T): TransactionFunction<A, T> {
    if (typeof fn !== 'function') throw new TypeError('transaction() takes a function.');
    if (isAsyncFunction(fn)) throw asyncRefused();
    let isCounted = fn.length === 0;
    if (isCounted) this.#uncalled++;
    const run = this.#run;
    const called = () => {
      if (isCounted) this.#uncalled--;
      isCounted = false;
    };
    const as = (behavior: TransactionBehavior) =>
      function (this: unknown, ...args: A): T {
        called();
        return run(() => fn.apply(this, args), behavior);
      };
    return Object.assign(as('immediate'), {
      default: as('immediate'),
      deferred: as('deferred'),
      immediate: as('immediate'),
      exclusive: as('exclusive'),
    });
  }

  /** Warns whoever takes `transaction(fn)` for a call that runs the function. */
  warnOfUncalled(filename: string): void {
    if (this.#uncalled === 0) return;
    process.emitWarning(
      `$client.transaction(fn) gives a function that runs the transaction. On ${filename} ${this.#uncalled} of them ` +
        'were never called, and ran nothing. Call what it gives, or use db.transaction(fn), which runs at once.',
      { type: 'DorkDbWarning', code: 'DORK_DB_TRANSACTION_NOT_CALLED' },
    );
  }
}
