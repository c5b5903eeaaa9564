import type { FileHandle } from 'node:fs/promises';
import type { Making } from '../copies/making.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { giveTo, type Owner } from '../file/owner.ts';
import { bytesOf } from '../file/wal.ts';
import type { ThreadConnection } from '../worker/thread.ts';
import type { Listener } from './listener.ts';

/** The progress of a backup or a restore. */
export interface BackupProgress {
  /** `verifying` reads the copy, and does not report bytes. */
  readonly phase: 'copying' | 'verifying';
  /** Bytes of the copy so far. */
  readonly bytes: number;
  /** Maximum size of the finished copy in bytes. */
  readonly totalBytes: number;
}

/** How often the size of the copy is checked, in milliseconds. */
const EVERY_MS = 100;

/**
 * After this many new bytes, the copy is flushed to the disk. Flushing everything at the end would delay other flushes
 * by seconds.
 */
const FLUSH_BYTES = 32 * 2 ** 20;

/**
 * Writes the current state of a database into an unfinished file, in another thread, and flushes it.
 * https://sqlite.org/lang_vacuum.html#vacuuminto
 *
 * @param owner The owner of the new file.
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

/** Repeatedly flushes a file while another thread writes it. */
function flushWhileWritten(path: string, handle: FileHandle): () => Promise<void> {
  let flushed = 0;
  let flushing: Promise<void> | undefined;
  const look = () => {
    const bytes = bytesOf(path);
    if (flushing || bytes - flushed < FLUSH_BYTES) return;
    flushed = bytes;
    // An error here occurs again in the final flush, which reports it.
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
