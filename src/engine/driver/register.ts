/**
 * The state that every copy of this package in a process shares. POSIX locks belong to the process: if two SQLite libraries
 * open one file, both get the write lock, and the first to close drops the other's locks and deletes its -wal.
 * https://sqlite.org/howtocorrupt.html#_multiple_copies_of_sqlite_linked_into_the_same_application
 */
interface Register {
  /** Identifies the thread within this process. `node:worker_threads` has a number for it, but is slow to load. */
  readonly thread: number;
  /** The native driver that the first copy has loaded; the others use it. */
  library?: Library;
  /** The name of the driver that was used first. */
  driver?: string;
  /** The SQLite library that has a file open, by `device:inode`, and the number of connections. */
  readonly files: Map<string, { readonly sqlite: object | string; count: number }>;
}

/** A native driver. */
export interface Library {
  readonly name: string;
  readonly version: string;
  /** The file that it was loaded from, so that a thread can load the same one. */
  readonly path: string;
  /** The class of its databases. */
  readonly Database: unknown;
}

/** The 1 is the version of this interface: another version must use another key. */
const KEY = Symbol.for('@dorkos/db/register/1');

/** Returns the register of this thread. A native driver is one library for all threads. */
function register(): Register {
  const holder = globalThis as { [KEY]?: Register };
  holder[KEY] ??= { thread: Math.random(), files: new Map() };
  return holder[KEY];
}

/** Returns a number of this thread, the same through every copy of this package. */
export function threadKey(): number {
  return register().thread;
}

/** Returns the driver that this process uses: the one that was loaded first, if it has the same name and major version. */
export function sharedLibrary(name: string, major: string, load: () => Library): Library {
  const shared = register();
  const first = shared.library;
  if (first?.name === name && first.version.split('.')[0] === major) return first;
  const own = load();
  shared.library ??= own;
  return own;
}

/** Records the driver of this process; the first one counts. */
export function markUsed(driver: string): void {
  register().driver ??= driver;
}

/** Returns the name of the first driver that this process has used, through any copy of this package in this thread. */
export function usedDriver(): string | undefined {
  const { driver, library } = register();
  return driver ?? library?.name;
}

/** Returns whether another SQLite library of this process has the file open. */
export function isOpenByAnother(file: FileKey, sqlite: object | string): boolean {
  const entry = register().files.get(keyOf(file));
  return entry !== undefined && entry.sqlite !== sqlite;
}

/** Registers an open file of this thread until the returned function is called. */
export function registerLibrary(file: FileKey, sqlite: object | string): () => void {
  const { files } = register();
  const key = keyOf(file);
  const entry = files.get(key) ?? { sqlite, count: 0 };
  entry.count++;
  files.set(key, entry);
  return () => {
    if (--entry.count === 0) files.delete(key);
  };
}

/** Returns whether a connection of this thread has the file open, through any copy of this package. */
export function isOpenInThread(file: FileKey): boolean {
  return register().files.has(keyOf(file));
}

/** A file by what locks belong to. */
export interface FileKey {
  readonly dev: number;
  readonly ino: number;
}

export function keyOf({ dev, ino }: FileKey): string {
  return `${dev}:${ino}`;
}
