import { rmSync } from 'node:fs';
import { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Adapter } from '../driver/adapter.ts';
import { RestoreError } from '../errors.ts';
import { createPrivateFile } from '../file/create.ts';
import { isThere } from '../file/fs.ts';
import { exchange, identityOf, isSameIdentity, openAlone } from '../file/replace.ts';
import { pidsWith, processesWith } from './open-files.ts';

/** An empty file beside the database while a restore runs; SQLite's own lock on it goes when its holder dies. */
const LOCK = '.restore-lock';

/** Two restores that begin at one moment look at the lock at one moment; one that runs has it for longer. */
const LOCK_MS = 100;
const ATTEMPTS = 10;

/**
 * Runs a function while no other restore into this path runs.
 *
 * @throws RestoreError `RUNNING`
 */
export async function oneAtATime<T>(adapter: Adapter, target: string, fn: () => Promise<T>): Promise<T> {
  using lock = takeLock(adapter, target + LOCK);
  try {
    return await fn();
  } finally {
    removeLock(lock.filename);
  }
}

/** While it is locked: who waits for it sees that it is gone, and makes a new one. */
function removeLock(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // An unlocked file of that name is in nobody's way.
  }
}

function takeLock(adapter: Adapter, path: string): Connection {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const lock = tryLock(adapter, path);
    if (lock) return lock;
  }
  throw running(path);
}

/** Undefined if the restore that had the lock ended meanwhile. */
function tryLock(adapter: Adapter, path: string): Connection | undefined {
  let lock: Connection | undefined;
  try {
    createPrivateFile(path);
    const before = identityOf(path);
    lock = new Connection(adapter, path);
    // Else SQLite would create a -journal beside an empty file.
    lock.exec(`PRAGMA busy_timeout = ${LOCK_MS}; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE`);
    if (before && isSameIdentity(before, identityOf(path))) return lock;
  } catch (cause) {
    lock?.close();
    if (isBusy(cause)) throw running(path, cause);
    if (isThere(path)) throw cause;
    return undefined;
  }
  lock.close();
  return undefined;
}

function running(path: string, cause?: unknown): RestoreError {
  const target = path.slice(0, -LOCK.length);
  return new RestoreError('RUNNING', `Another restore into ${target} runs. Nothing was changed.`, {
    hint: 'Wait for it to end, then call again.',
    retryable: true,
    cause,
  });
}

/** @throws RestoreError `IN_USE` where the system tells that a process has the file open. */
export function refuseOpen(filename: string): void {
  const processes = isThere(filename) ? processesWith(filename) : [];
  if (processes && processes.length > 0) throw inUse(filename);
}

/** Who has the file open, where the system tells, and what to do. */
export function inUse(filename: string, cause?: unknown): RestoreError {
  const processes = processesWith(filename) ?? [];
  const who = processes.length > 0 ? ` by ${processes.join(', ')}` : '';
  return new RestoreError('IN_USE', `${filename} is open${who}. Nothing was changed.`, {
    hint: 'Stop the processes that have it open (or close the Db in this one), then call again.',
    retryable: true,
    cause,
  });
}

/**
 * Runs a function that puts another file in the place of a sound database, while nobody else has it open. Everything in
 * its -wal is in the file then, and no sidecar lies beside it.
 *
 * @param staged The file that the function puts there; it is locked, as the old one is, until nobody has that open.
 * @throws RestoreError `IN_USE`
 */
export function whileAlone(adapter: Adapter, filename: string, staged: string, fn: () => void): void {
  using connection = alone(adapter, filename);
  // Who has opened it and waits for our lock: refused before anything is changed.
  if (pidsWith(filename)?.some((pid) => pid !== process.pid)) throw inUse(filename);
  exchange(adapter, connection, staged, fn);
}

function alone(adapter: Adapter, filename: string): Connection {
  try {
    return openAlone(adapter, filename, 1000);
  } catch (error) {
    throw isBusy(error) ? inUse(filename, error) : error;
  }
}

/**
 * The same for a file that SQLite cannot lock, since it cannot be read: only the system tells who has it open.
 *
 * @throws RestoreError `IN_USE`, and `MAY_BE_IN_USE` where the system does not tell.
 */
export function whileAloneAsFarAsKnown(filename: string, fn: () => string, undo: (kept: string) => void): void {
  const isOpen = (path: string) => (isThere(path) ? pidsWith(path) : []);
  const known = [filename, `${filename}-wal`, `${filename}-shm`].map(isOpen);
  if (known.some((pids) => pids && pids.length > 0)) throw inUse(filename);
  if (known.includes(undefined) && isThere(`${filename}-shm`)) {
    throw new RestoreError(
      'MAY_BE_IN_USE',
      `${filename} is damaged, so it cannot be locked, and this system does not tell who has it open. Nothing was changed.`,
      {
        hint: `Stop every process that may have it open, remove '${filename}-shm', which holds no data, and call again.`,
      },
    );
  }
  const kept = fn();
  if (!pidsWith(kept)?.some((pid) => pid !== process.pid)) return;
  const refusal = inUse(kept);
  undo(kept);
  throw refusal;
}
