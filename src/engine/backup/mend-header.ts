import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { isThere } from '../file/fs.ts';
import { MAGIC } from '../first-bytes.ts';
import { PAGE_SIZE } from './database-pages.ts';

/** A header with a size of more than this many times the file's is not trusted. */
const MOST_MISSING = 16;

/**
 * Repairs the header of a copy of a damaged database, so that SQLite can read it: an overwritten header is replaced by
 * a default one, and a truncated file is extended with empty pages. Other damage is not repaired.
 * https://sqlite.org/fileformat2.html#the_database_header
 */
export function mendHeader(copy: string): void {
  const fd = openSync(copy, 'r+');
  try {
    const { size } = fstatSync(fd);
    const header = Buffer.alloc(100);
    readSync(fd, header, 0, 100, 0);
    if (header.toString('latin1', 0, 16) === MAGIC) padToLength(fd, header, size);
    else if (size >= PAGE_SIZE) writeSync(fd, usualHeader(size, isThere(`${copy}-wal`)), 0, 100, 0);
  } finally {
    closeSync(fd);
  }
}

function usualHeader(size: number, hasWal: boolean): Buffer {
  const header = Buffer.alloc(100);
  header.write(MAGIC, 'latin1');
  header.writeUInt16BE(PAGE_SIZE, 16);
  // Version 2 for a file with a -wal. Then the payload fractions of a page.
  const version = hasWal ? 2 : 1;
  header.set([version, version, 0, 64, 32, 32], 18);
  // The change counter, the page count, and the change counter for which it is valid.
  header.writeUInt32BE(1, 24);
  header.writeUInt32BE(Math.floor(size / PAGE_SIZE), 28);
  header.writeUInt32BE(1, 92);
  // The schema's cookie and format, and UTF-8.
  header.writeUInt32BE(1, 40);
  header.writeUInt32BE(4, 44);
  header.writeUInt32BE(1, 56);
  return header;
}

function padToLength(fd: number, header: Buffer, size: number): void {
  const pageSize = header.readUInt16BE(16) === 1 ? 65536 : header.readUInt16BE(16);
  const length = header.readUInt32BE(28) * pageSize;
  if (length > size && length <= size * MOST_MISSING) ftruncateSync(fd, length);
}
