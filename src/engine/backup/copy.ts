import type { FileHandle } from 'node:fs/promises';
import type { Making } from '../copies/making.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { giveTo, type Owner } from '../file/owner.ts';
import { bytesOf } from '../file/wal.ts';
import type { ThreadConnection } from '../worker/thread.ts';
import type { Listener } from './listener.ts';

/** Where a backup or a restore is. */
export interface BackupProgress {
  /** `verifying` reads back what was copied, and reports no bytes of its own. */
  readonly phase: 'copying' | 'verifying';
  /** Bytes that the copy has. */
  readonly bytes: number;
  /** Bytes that it will have at most. */
  readonly totalBytes: number;
}

/** How often the copy's size is looked at, in milliseconds. */
const EVERY_MS = 100;

/** So many new bytes are flushed to the disk at a time; all at the end would make other flushes wait for seconds. */
const FLUSH_BYTES = 32 * 2 ** 20;

/**
 * Writes a database, as it is at this moment, into a file in the making, and flushes it; another thread does the work.
 * https://sqlite.org/lang_vacuum.html#vacuuminto
 *
 * @param owner Whose file it shall be.
 */
export async function fillFrom(
  source: ThreadConnection,
  { path }: Making,
  totalBytes: number,
  owner: Owner,
  listener: Listener<BackupProgress>,
): Promise<void> {
  const handle = await fsPromises().open(path, 'r');
  const stopFlushing = flushWhileWritten(path, handle);
  const stopTelling = listener.every(EVERY_MS, () => ({ phase: 'copying', bytes: bytesOf(path), totalBytes }));
  try {
    await source.all('VACUUM INTO ?', path);
    await stopFlushing();
    await handle.sync();
    giveTo(owner, path);
  } finally {
    stopTelling();
    await stopFlushing();
    await handle.close();
  }
  const bytes = bytesOf(path);
  listener.tell({ phase: 'verifying', bytes, totalBytes: bytes });
}

/** Flushes what another thread writes into a file bit by bit. */
function flushWhileWritten(path: string, handle: FileHandle): () => Promise<void> {
  let flushed = 0;
  let flushing: Promise<void> | undefined;
  const look = () => {
    const bytes = bytesOf(path);
    if (flushing || bytes - flushed < FLUSH_BYTES) return;
    flushed = bytes;
    // What fails here fails again at the end, where it counts.
    flushing = handle
      .datasync()
      .catch(() => {})
      .then(() => {
        flushing = undefined;
      });
  };
  const timer = setInterval(look, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await flushing;
  };
}
