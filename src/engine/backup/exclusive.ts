import { rmSync } from 'node:fs';
import { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import { whenDiscarded } from '../copies/making.ts';
import type { Adapter } from '../driver/adapter.ts';
import { RestoreError } from '../errors.ts';
import { createPrivateFile } from '../file/create.ts';
import { isThere } from '../file/fs.ts';
import { exchange, identityOf, isSameIdentity, openAlone } from '../file/replace.ts';
import { pidsWith, processesWith } from './open-files.ts';

/**
 * The suffix of an empty file next to the database while a restore runs. SQLite's lock on it is released when its
 * process ends.
 */
const LOCK = '.restore-lock';

/** Two restores that start together hold the lock for a moment; a running one holds it for longer. */
const LOCK_MS = 100;
const ATTEMPTS = 10;

/**
 * Runs a function while no other restore into this path runs.
 *
 * @throws RestoreError `RUNNING`
 */
export async function oneAtATime<T>(adapter: Adapter, target: string, fn: () => Promise<T>): Promise<T> {
  using lock = takeLock(adapter, target + LOCK);
  using _ = whenDiscarded(() => removeLock(lock.filename));
  try {
    return await fn();
  } finally {
    removeLock(lock.filename);
  }
}

/**
 * Removes the lock file while it is still locked. Processes that wait for it notice that it is gone and create a new
 * one.
 */
function removeLock(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // An unlocked file of that name does not block anyone.
  }
}

function takeLock(adapter: Adapter, path: string): Connection {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const lock = tryLock(adapter, path);
    if (lock) return lock;
  }
  throw running(path);
}

/** Returns undefined if the restore that had the lock ended meanwhile. */
function tryLock(adapter: Adapter, path: string): Connection | undefined {
  let lock: Connection | undefined;
  try {
    createPrivateFile(path);
    const before = identityOf(path);
    lock = new Connection(adapter, path);
    // SQLite would otherwise create a -journal next to an empty file.
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
    hint: 'Wait for it to end, then try again.',
    retryable: true,
    cause,
  });
}

/** @throws RestoreError `IN_USE` if the system reports that a process has the file open. */
export function refuseOpen(filename: string): void {
  const processes = isThere(filename) ? processesWith(filename) : [];
  if (processes && processes.length > 0) throw inUse(filename);
}

/** Returns the error for a file that is open, with the processes if the system reports them. */
export function inUse(filename: string, cause?: unknown): RestoreError {
  const processes = processesWith(filename) ?? [];
  const who = processes.length > 0 ? ` by ${processes.join(', ')}` : '';
  return new RestoreError('IN_USE', `${filename} is open${who}. Nothing was changed.`, {
    hint: 'Close it in every process that has it open, then try again.',
    retryable: true,
    cause,
  });
}

/**
 * Runs a function that replaces an undamaged database, while no other process has it open. By then, everything in its
 * -wal is in the file, and there are no sidecars.
 *
 * @param staged The new file. Both it and the old file are locked until no process can have them open.
 * @throws RestoreError `IN_USE`
 */
export function whileAlone(adapter: Adapter, filename: string, staged: string, fn: () => void): void {
  using connection = alone(adapter, filename);
  // Refuses processes that have the file open and wait for our lock, before anything is changed.
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
 * Like `whileAlone()`, for an unreadable file that SQLite cannot lock: only the system knows which processes have it
 * open.
 *
 * @throws RestoreError `IN_USE`, and `MAY_BE_IN_USE` if the system does not report them.
 */
export function whileAloneAsFarAsKnown(filename: string, fn: () => string, undo: (kept: string) => void): void {
  const isOpen = (path: string) => (isThere(path) ? pidsWith(path) : []);
  const known = [filename, `${filename}-wal`, `${filename}-shm`].map(isOpen);
  if (known.some((pids) => pids && pids.length > 0)) throw inUse(filename);
  if (known.includes(undefined) && isThere(`${filename}-shm`)) {
    throw new RestoreError(
      'MAY_BE_IN_USE',
      `${filename} is damaged, so it cannot be locked, and this system does not report which processes have it open. Nothing was changed.`,
      {
        hint: `Stop every process that may have it open, remove '${filename}-shm', which holds no data, and try again.`,
      },
    );
  }
  const kept = fn();
  if (!pidsWith(kept)?.some((pid) => pid !== process.pid)) return;
  const refusal = inUse(kept);
  undo(kept);
  throw refusal;
}
