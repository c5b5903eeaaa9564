import type { PageFile } from './page-file.ts';

/** Page types of the file format. https://sqlite.org/fileformat2.html#b_tree_pages */
export const INDEX_INTERIOR = 2;
export const TABLE_INTERIOR = 5;
export const INDEX_LEAF = 10;
export const TABLE_LEAF = 13;

/** The content of a cell, after its child's page number. */
export interface Payload {
  readonly offset: number;
  /** Bytes on the page itself, including the number of the first overflow page. */
  readonly length: number;
}

/** Reads a variable-length integer; returns undefined if it does not end before `end`. */
export function varint(bytes: Buffer, at: number, end: number): { value: number; next: number } | undefined {
  let value = 0;
  for (let i = 0; i < 9; i++) {
    const byte = bytes[at + i];
    if (byte === undefined || at + i >= end) return undefined;
    if (i === 8) return { value: value * 256 + byte, next: at + 9 };
    value = value * 128 + (byte & 127);
    if (byte < 128) return { value, next: at + i + 1 };
  }
  return undefined;
}

/** Returns the payload of a cell, or undefined if SQLite could not read all of it. */
export function payloadOf(file: PageFile, page: Buffer, type: number, cell: number): Payload | undefined {
  const { usable } = file;
  const offset = type === INDEX_INTERIOR ? cell + 4 : cell;
  const size = varint(page, offset, usable);
  if (!size) return undefined;
  const start = type === TABLE_LEAF ? varint(page, size.next, usable)?.next : size.next;
  if (start === undefined) return undefined;
  const most = type === TABLE_LEAF ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  const local = localBytes(size.value, most, usable);
  const overflows = local < size.value;
  const end = start + local + (overflows ? 4 : 0);
  if (end > usable || !isRecord(page, start, start + local, size.value)) return undefined;
  if (overflows && !isChain(file, page.readUInt32BE(start + local), size.value - local)) return undefined;
  return { offset, length: end - offset };
}

/**
 * Returns how many bytes of a payload are on its page. https://sqlite.org/fileformat2.html#cell_payload_overflow_pages
 */
function localBytes(size: number, most: number, usable: number): number {
  if (size <= most) return size;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const local = least + ((size - least) % (usable - 4));
  return local <= most ? local : least;
}

const WIDTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0];

/** Returns true if the header of a record matches its size. A header that continues on an overflow page is trusted. */
function isRecord(page: Buffer, start: number, end: number, size: number): boolean {
  const header = varint(page, start, end);
  if (!header || header.value > size || header.value < header.next - start) return false;
  if (start + header.value > end) return true;
  let total = header.value;
  let at = header.next;
  while (at < start + header.value) {
    const type = varint(page, at, start + header.value);
    if (!type || type.value === 10 || type.value === 11) return false;
    total += type.value < 12 ? (WIDTHS[type.value] as number) : Math.floor((type.value - 12) / 2);
    at = type.next;
  }
  return total === size;
}

/** Returns true if this many bytes can be read from a chain of overflow pages. */
function isChain(file: PageFile, first: number, bytes: number): boolean {
  const seen = new Set<number>();
  let page = first;
  for (let left = bytes; left > 0; left -= file.usable - 4) {
    if (!file.has(page) || seen.has(page)) return false;
    seen.add(page);
    page = file.read(page).readUInt32BE(0);
  }
  // SQLite writes 0 into the last page of a chain; any other value was overwritten.
  return page === 0;
}
