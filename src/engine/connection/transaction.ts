import type { RunResult } from '../driver/adapter.ts';
import { InvalidInputError } from '../errors.ts';
import { isAsyncFunction } from '../realm.ts';

/** When a transaction takes SQLite's write lock. https://sqlite.org/lang_transaction.html */
export type TransactionBehavior = 'deferred' | 'immediate' | 'exclusive';

/** The connection of {@link Transactions}. */
interface TransactionHost {
  readonly inTransaction: boolean;
  prepare(sql: string): { run(): RunResult };
  endIterations(): void;
  transactionEnded(): void;
}

/** A statement that is prepared when it is first run. */
type Command = () => RunResult;

const BEGIN = {
  deferred: 'BEGIN DEFERRED',
  immediate: 'BEGIN IMMEDIATE',
  exclusive: 'BEGIN EXCLUSIVE',
} as const satisfies Record<TransactionBehavior, string>;

/**
 * The transactions of one connection: BEGIN at the top, savepoints inside. The statements are prepared once, since
 * preparing them costs more than running them.
 */
export class Transactions {
  readonly #connection: TransactionHost;
  readonly #commands = new Map<string, Command>();
  #depth = 0;

  constructor(connection: TransactionHost) {
    this.#connection = connection;
  }

  run<T>(fn: () => T, behavior: TransactionBehavior): T {
    if (typeof fn !== 'function') throw new TypeError('A transaction runs a function.');
    if (isAsyncFunction(fn)) throw asyncRefused();
    if (fn.length > 0) throw argumentsRefused();
    if (!Object.hasOwn(BEGIN, behavior))
      throw new InvalidInputError('behavior', `must be one of ${Object.keys(BEGIN).join(', ')}`);
    const isNested = this.#begin(behavior);
    this.#depth++;
    try {
      return this.#runBody(fn, isNested);
    } finally {
      this.#depth--;
      if (this.#depth === 0) this.#connection.transactionEnded();
    }
  }

  /** True while a function runs as a transaction. */
  get isRunning(): boolean {
    return this.#depth > 0;
  }

  /**
   * Outside its own transactions it begins without asking the driver whether there is one, which costs as much as a
   * statement: SQLite refuses a BEGIN inside a transaction that was started by plain SQL.
   *
   * @returns True for a savepoint inside another transaction.
   */
  #begin(behavior: TransactionBehavior): boolean {
    if (this.#depth === 0 || !this.#connection.inTransaction) {
      try {
        this.#command(BEGIN[behavior])();
        return false;
      } catch (error) {
        if (!this.#connection.inTransaction) throw error;
      }
    }
    this.#command('SAVEPOINT nested')();
    return true;
  }

  #runBody<T>(fn: () => T, isNested: boolean): T {
    let result: T;
    try {
      result = fn();
      if (isThenable(result)) throw asyncRefused();
    } catch (error) {
      this.#undo(isNested);
      throw error;
    }
    // BEGIN and SAVEPOINT are refused inside such a loop, so each of them began in this transaction.
    this.#connection.endIterations();
    try {
      this.#command(isNested ? 'RELEASE nested' : 'COMMIT')();
    } catch (error) {
      this.#undo(isNested);
      throw error;
    }
    return result;
  }

  /**
   * SQLite has rolled back by itself after a full disk or an I/O error; a ROLLBACK would then fail and hide the
   * first error. https://sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
   */
  #undo(isNested: boolean): void {
    this.#connection.endIterations();
    if (!this.#connection.inTransaction) return;
    try {
      if (isNested) {
        this.#command('ROLLBACK TO nested')();
        this.#command('RELEASE nested')();
      } else this.#command('ROLLBACK')();
    } catch {
      // The first error is more useful than this one.
    }
  }

  #command(sql: string): Command {
    let command = this.#commands.get(sql);
    if (!command) {
      const statement = this.#connection.prepare(sql);
      command = () => statement.run();
      this.#commands.set(sql, command);
    }
    return command;
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

export function asyncRefused(): TypeError {
  return new TypeError(
    'A transaction runs a synchronous function; an async one would commit before it ends. Nothing was committed.',
  );
}

function argumentsRefused(): TypeError {
  return new TypeError(
    'A transaction that runs at once gives its function no arguments; this one expects some. Nothing was run.',
  );
}
