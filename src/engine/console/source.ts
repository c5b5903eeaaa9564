import type { Database, Schema } from '../connection/db.ts';
import type { DefinedDb } from '../define-db.ts';
import { statAt } from '../file/file.ts';

/** Short, because the page reads again after a few seconds. */
const BUSY_TIMEOUT_MS = 250;

/** A connection that is unused for this long is closed, so that it does not block e.g. a restore. */
const IDLE_MS = 5000;

/** The read-only connection of a console: opened for a request, kept for the next ones, closed when it is unused. */
export class Source implements Disposable {
  readonly #kit: DefinedDb<Schema>;
  readonly #filename: string;
  #db: Database<Schema> | undefined;
  #inode: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(kit: DefinedDb<Schema>, filename: string) {
    this.#kit = kit;
    this.#filename = filename;
  }

  /**
   * Returns a connection to the file that is now at the path.
   *
   * @throws DatabaseOpenError, DatabaseBusyError
   */
  open(): Database<Schema> {
    clearTimeout(this.#timer);
    const inode = statAt(this.#filename)?.ino;
    if (inode !== this.#inode) this.close();
    this.#db ??= this.#kit.createDb(this.#filename, {
      readonly: true,
      migrations: 'skip',
      busyTimeoutMs: BUSY_TIMEOUT_MS,
    });
    this.#inode = inode;
    this.#timer = setTimeout(() => this.close(), IDLE_MS);
    this.#timer.unref?.();
    return this.#db;
  }

  close(): void {
    clearTimeout(this.#timer);
    const db = this.#db;
    this.#db = undefined;
    this.#inode = undefined;
    db?.$client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
