import type { Adapter, DriverDatabase, DriverStatement, RunResult, SqliteValue } from '../driver/adapter.ts';
import type { FileKey } from '../driver/register.ts';
import { closeWithReader } from './close-with-reader.ts';
import { LockWaits, namesTimeout, type Waiter, waiterOf } from './lock-waits.ts';
import { claimFile } from './two-libraries.ts';

/** A driver's database whose statements wait for the locks of other connections. */
export class WaitingDatabase implements DriverDatabase {
  readonly #inner: DriverDatabase;
  readonly #waits: LockWaits;
  readonly #unclaim: () => void;
  readonly #openReader: () => DriverDatabase;

  /** @throws DatabaseOpenError `TWO_LIBRARIES`, and the driver's errors. */
  constructor(adapter: Adapter, filename: string, options: Parameters<Adapter['open']>[1], present?: FileKey) {
    this.#unclaim = claimFile(adapter, filename, present);
    try {
      this.#inner = adapter.open(filename, options);
    } catch (error) {
      this.#unclaim();
      throw error;
    }
    this.#waits = new LockWaits(this.#inner);
    this.#openReader = () => adapter.open(filename, { readonly: true, isClosed: false });
  }

  prepare(sql: string, names: readonly (string | undefined)[] | undefined): DriverStatement {
    const prepare = () => this.#inner.prepare(sql, names);
    const statement = namesTimeout(sql) ? this.#waits.setting(prepare) : prepare();
    return new WaitingStatement(statement, this.#waits, waiterOf(sql, statement.readonly));
  }

  exec(sql: string): void {
    const exec = () => this.#inner.exec(sql);
    if (namesTimeout(sql)) {
      this.#waits.setting(exec);
      return;
    }
    // Of several statements, those before the lock have run already.
    const isOne = /^[^;]*;?\s*$/.test(sql);
    this.#waits.leaveTo(isOne ? waiterOf(sql, false) : 'sqlite');
    try {
      exec();
    } catch (error) {
      if (!isOne) throw error;
      this.#waits.again(error, exec);
    }
  }

  /** Calls the function after each wait, with its milliseconds, until the returned function is called. */
  onWait(observe: (milliseconds: number) => void): () => void {
    return this.#waits.onWait(observe);
  }

  get inTransaction(): boolean {
    return this.#inner.inTransaction;
  }

  get isImmutable(): boolean {
    return this.#inner.isImmutable;
  }

  /** @param keepsWal True if the -wal at the path must stay as it is. */
  close(keepsWal = false): void {
    // A database that could not be closed still has the file open.
    if (!keepsWal) this.#inner.close();
    else if (!closeWithReader(this.#inner, this.#openReader)) return;
    this.#unclaim();
  }
}

class WaitingStatement implements DriverStatement {
  readonly readonly: boolean;
  readonly isQuery: boolean;
  readonly #inner: DriverStatement;
  readonly #waits: LockWaits;
  readonly #waiter: Waiter;

  constructor(inner: DriverStatement, waits: LockWaits, waiter: Waiter) {
    this.#inner = inner;
    this.#waits = waits;
    this.#waiter = waiter;
    this.readonly = inner.readonly;
    this.isQuery = inner.isQuery;
  }

  run(params: readonly SqliteValue[]): RunResult {
    this.#waits.leaveTo(this.#waiter);
    try {
      return this.#inner.run(params);
    } catch (error) {
      return this.#waits.again(error, () => this.#inner.run(params));
    }
  }

  get(params: readonly SqliteValue[]): unknown {
    this.#waits.leaveTo(this.#waiter);
    try {
      return this.#inner.get(params);
    } catch (error) {
      return this.#waits.again(error, () => this.#inner.get(params));
    }
  }

  all(params: readonly SqliteValue[]): unknown[] {
    this.#waits.leaveTo(this.#waiter);
    try {
      return this.#inner.all(params);
    } catch (error) {
      return this.#waits.again(error, () => this.#inner.all(params));
    }
  }

  values(params: readonly SqliteValue[]): unknown[][] {
    this.#waits.leaveTo(this.#waiter);
    try {
      return this.#inner.values(params);
    } catch (error) {
      return this.#waits.again(error, () => this.#inner.values(params));
    }
  }

  /** The lock is met at the first row, which the driver's iterator gives. */
  iterate(params: readonly SqliteValue[]): IterableIterator<unknown> {
    this.#waits.leaveTo('sqlite');
    return this.#inner.iterate(params);
  }
}
