import { join } from 'node:path';
import { Connection } from '../connection/connection.ts';
import { isBusy } from '../connection/sqlite-error.ts';
import type { Adapter } from '../driver/adapter.ts';
import { RestoreError } from '../errors.ts';
import { createPrivateFile } from '../file/create.ts';
import { isThere } from '../file/fs.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { exchange, openAlone } from '../file/replace.ts';
import { pidsWith, processesWith } from './open-files.ts';

/** An empty file in the folder of backups; SQLite's own lock on it goes when its holder dies. */
const LOCK = '.restore-lock';

/**
 * Runs a function while no other restore beside this folder of backups runs.
 *
 * @throws RestoreError `RUNNING`
 */
export async function oneAtATime<T>(adapter: Adapter, folder: string, fn: () => Promise<T>): Promise<T> {
  const path = join(folder, LOCK);
  // Only where it is not there: opening and closing it would drop the lock that a restore of this process has on it.
  if (!isThere(path)) {
    createPrivateFile(path);
    giveTo(ownerOf(folder), path);
  }
  using lock = new Connection(adapter, path);
  lock.exec('PRAGMA busy_timeout = 0');
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    if (!isBusy(cause)) throw cause;
    throw new RestoreError('RUNNING', `Another restore with backups in ${folder} runs. Nothing was changed.`, {
      hint: 'Wait for it to end, then call again.',
      retryable: true,
      cause,
    });
  }
  return await fn();
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
