import { closeSync, openSync, readSync } from 'node:fs';

/** The first bytes of every SQLite file. https://sqlite.org/fileformat2.html#the_database_header */
export const MAGIC = 'SQLite format 3\0';

/** The first four bytes of a -wal; they end with 2 or 3. https://sqlite.org/fileformat2.html#wal_file_format */
const WAL_MAGIC = 0x377f0682;

/**
 * Reads the first bytes of a file; fewer if it is shorter. A database that this process has open must not be read like
 * this: closing it drops the locks of the process. https://sqlite.org/howtocorrupt.html#posix_close_bug
 *
 * @throws The system's own errors.
 */
export function firstBytes(path: string, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const fd = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes, 0, count, 0));
  } finally {
    closeSync(fd);
  }
}

/** Returns true for bytes that begin like a -wal. */
export function beginAsWal(bytes: Buffer): boolean {
  return bytes.length >= 4 && (bytes.readUInt32BE() & ~1) === WAL_MAGIC;
}
