import type { Worker } from 'node:worker_threads';
import { Connection } from '../connection/connection.ts';
import { typedError } from '../connection/sqlite-error.ts';
import type { Adapter, Row } from '../driver/adapter.ts';
import { threadText } from './thread-text.ts';

/** A connection of another thread. Its statements run there, one after another. */
export interface ThreadConnection {
  readonly filename: string;
  /** Runs a statement and returns all rows. */
  all<T = Row>(sql: string, ...params: string[]): Promise<T[]>;
  close(): Promise<void>;
}

/** Options for opening a file in a thread. */
export interface ThreadOpenOptions {
  readonly readonly: boolean;
  /** See `Connection`. Default false. */
  readonly isClosed?: boolean;
}

/** Another thread with the driver, for work that would block the event loop of this one. */
export interface Thread extends AsyncDisposable {
  /** False if the runtime has no threads, so that the work blocks the event loop. */
  readonly isSeparate: boolean;
  /** @throws DorkDbError like `new Connection()`. */
  open(filename: string, options: ThreadOpenOptions): Promise<ThreadConnection>;
  /** Returns the SHA-256 of a file's bytes in hexadecimal. No connection of this process may have the file open. */
  sha256(path: string): Promise<string>;
  /**
   * Aborts: pending and future calls fail with this error. A running statement cannot be interrupted by any driver, so
   * the thread and its disposal wait for its end.
   */
  abandon(reason: unknown): void;
}

/**
 * Starts a thread. If the runtime has no threads (the renderer of Electron, used by Obsidian's plugins), the work runs
 * in the current one.
 */
export async function startThread(adapter: Adapter): Promise<Thread> {
  return (await WorkerThread.start(adapter)) ?? new SameThread(adapter);
}

interface Answer {
  readonly call: number;
  readonly value?: unknown;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly code?: string;
    readonly syscall?: string;
  };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly filename: string;
}

/** Returns the name of a thrown value. Errors of another thread are not instances of this thread's classes. */
function kindOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'name' in error ? error.name : undefined;
}

/** The call that the thread answers after loading the driver. */
const READY = 0;

class WorkerThread implements Thread {
  readonly isSeparate = true;
  readonly #worker: Worker;
  /** Set to 1 to skip all calls that have not begun, even while the thread is busy. */
  readonly #abandoned: Int32Array;
  readonly #exit: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  #calls = READY;
  #connections = 0;
  #isStopping = false;
  #reason: { readonly error: unknown } | undefined;

  /**
   * Returns undefined if no thread can be started, or if the driver cannot be loaded in it.
   *
   * @throws SyntaxError if the thread's own code is invalid. This must not be mistaken for a runtime without threads.
   */
  static async start(adapter: Adapter): Promise<WorkerThread | undefined> {
    try {
      // Loaded lazily: only backups need it.
      const { Worker } = process.getBuiltinModule('node:worker_threads');
      const abandoned = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(threadText(adapter), {
        eval: true,
        workerData: { module: adapter.thread.module(), abandoned },
        env: {},
        execArgv: [],
      });
      const thread = new WorkerThread(worker, abandoned);
      await new Promise<unknown>((resolve, reject) => {
        thread.#pending.set(READY, { resolve, reject, filename: '' });
      });
      return thread;
    } catch (error) {
      if (kindOf(error) === 'SyntaxError') throw error;
      return undefined;
    }
  }

  constructor(worker: Worker, abandoned: Int32Array) {
    this.#worker = worker;
    this.#abandoned = abandoned;
    this.#exit = new Promise((resolve) => worker.once('exit', resolve));
    worker.on('message', (answer: Answer) => this.#settle(answer));
    worker.on('error', (error) => this.#fail(error));
    worker.on('exit', (code) => this.#fail(new Error(`The thread of the backup ended with code ${code}.`)));
  }

  async open(filename: string, { readonly, isClosed = false }: ThreadOpenOptions): Promise<ThreadConnection> {
    const id = ++this.#connections;
    await this.#call('open', filename, { id, filename, readonly, isClosed });
    return {
      filename,
      all: async <T>(sql: string, ...params: string[]) =>
        (await this.#call('all', filename, { id, sql, params })) as T[],
      close: async () => void (await this.#call('close', filename, { id })),
    };
  }

  async sha256(path: string): Promise<string> {
    return String(await this.#call('sha256', path, { path }));
  }

  abandon(error: unknown): void {
    Atomics.store(this.#abandoned, 0, 1);
    this.#fail(error);
    // The thread closes its files itself. Terminating it would leave their locks to this process.
    this.#stop();
    this.#worker.unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop();
    await this.#exit;
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#worker.postMessage({ call: ++this.#calls, name: 'stop' });
  }

  #call(name: string, filename: string, argument: object): Promise<unknown> {
    if (this.#reason) return Promise.reject(this.#reason.error);
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#pending.set(call, { resolve, reject, filename });
      this.#worker.postMessage({ call, name, ...argument });
    });
  }

  #settle({ call, value, error }: Answer): void {
    const pending = this.#pending.get(call);
    this.#pending.delete(call);
    if (!pending) return;
    if (!error) {
      pending.resolve(value);
      return;
    }
    const thrown = Object.assign(new Error(error.message), {
      name: error.name,
      code: error.code,
      ...(error.syscall !== undefined && { syscall: error.syscall }),
    });
    pending.reject(typedError(thrown, 'A statement on', pending.filename));
  }

  #fail(error: unknown): void {
    this.#reason ??= { error };
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** Does the work of a thread in the current one. */
class SameThread implements Thread {
  readonly isSeparate = false;
  readonly #adapter: Adapter;
  readonly #open = new Set<Connection>();
  #reason: { readonly error: unknown } | undefined;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  async open(filename: string, options: ThreadOpenOptions): Promise<ThreadConnection> {
    this.#assertGoing();
    const connection = new Connection(this.#adapter, filename, options);
    this.#open.add(connection);
    return {
      filename,
      all: async <T>(sql: string, ...params: string[]) => {
        this.#assertGoing();
        return connection.prepare<T>(sql).all(...params);
      },
      close: async () => {
        this.#open.delete(connection);
        connection.close();
      },
    };
  }

  async sha256(path: string): Promise<string> {
    this.#assertGoing();
    const { createReadStream } = process.getBuiltinModule('node:fs');
    const hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    for await (const chunk of createReadStream(path)) hash.update(chunk);
    return hash.digest('hex');
  }

  abandon(error: unknown): void {
    this.#reason ??= { error };
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#open) connection.close();
  }

  #assertGoing(): void {
    if (this.#reason) throw this.#reason.error;
  }
}
