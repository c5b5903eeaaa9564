import { isThere } from '../file/fs.ts';
import { fsPromises } from '../file/fs-promises.ts';
import { beginAsWal, firstBytes, MAGIC } from '../first-bytes.ts';

/** The page size of every file of this package, unless it was changed by hand. */
export const PAGE_SIZE = 4096;

/** The first bytes of a -journal, in hexadecimal. https://sqlite.org/fileformat2.html#the_rollback_journal */
const JOURNAL_MAGIC = 'd9d505f920a163d7';

const LOGS = {
  '-wal': beginAsWal,
  '-journal': (bytes: Buffer) => bytes.toString('hex') === JOURNAL_MAGIC,
};

const CHUNK_BYTES = 256 * PAGE_SIZE;

/**
 * Returns true if a file may be a damaged database: it has SQLite's header or at least one whole page of a tree, or
 * there is a log of a database next to it. Text, random bytes and zeros have none of these.
 */
export async function mayBeDatabase(path: string): Promise<boolean> {
  for (const [suffix, isLog] of Object.entries(LOGS)) {
    if (isThere(path + suffix) && isLog(firstBytes(path + suffix, 8))) return true;
  }
  return firstBytes(path, MAGIC.length).toString('latin1') === MAGIC || (await hasTreePage(path));
}

async function hasTreePage(path: string): Promise<boolean> {
  const file = await fsPromises().open(path, 'r');
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let at = 0; ; at += CHUNK_BYTES) {
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, at);
      if (at === 0 && bytesRead >= PAGE_SIZE && isTreePage(chunk.subarray(0, PAGE_SIZE), HEADER_BYTES)) return true;
      for (let page = 0; page + PAGE_SIZE <= bytesRead; page += PAGE_SIZE)
        if (isTreePage(chunk.subarray(page, page + PAGE_SIZE), 0)) return true;
      if (bytesRead < CHUNK_BYTES) return false;
    }
  } finally {
    await file.close();
  }
}

/** The first page begins with the header of the file. */
const HEADER_BYTES = 100;

/** Bytes of a page's header by its type: interior and leaf pages of indexes and of tables. */
const PAGE_HEADER_BYTES: Readonly<Record<number, number>> = { 2: 12, 5: 12, 10: 8, 13: 8 };

const MOST_FRAGMENTS = 60;

/** Returns true for an intact page of a tree. https://sqlite.org/fileformat2.html#b_tree_pages */
function isTreePage(page: Buffer, at: number): boolean {
  const headerBytes = PAGE_HEADER_BYTES[page.readUInt8(at)];
  if (headerBytes === undefined || page.readUInt8(at + 7) > MOST_FRAGMENTS) return false;
  const [freeBlock, cells, content] = [1, 3, 5].map((field) => page.readUInt16BE(at + field)) as [
    number,
    number,
    number,
  ];
  const pointers = at + headerBytes;
  if (content > PAGE_SIZE || pointers + 2 * cells > content || (freeBlock !== 0 && freeBlock < content)) return false;
  const offsets = Array.from({ length: cells }, (_, i) => page.readUInt16BE(pointers + 2 * i));
  return offsets.every((offset) => offset >= content && offset < PAGE_SIZE);
}
