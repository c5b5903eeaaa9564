import { INDEX_INTERIOR, INDEX_LEAF, type Payload, payloadOf, TABLE_INTERIOR, TABLE_LEAF } from './cell.ts';
import { PageFile } from './page-file.ts';

/** The parts that were removed from a tree. */
export interface Pruned {
  /** Unreadable pages, including their children. */
  readonly pages: number;
  /** Unreadable rows on readable pages. */
  readonly cells: number;
  /** Duplicated rows, because an index page needs a child between two of its own rows. */
  readonly copies: number;
}

/** SQLite rejects deeper trees. */
const MOST_DEPTH = 20;

/**
 * Removes everything from a table's tree that SQLite cannot read, so that a scan of the table skips the damage and
 * reads all other rows. Each page of the tree is read once. Only for a private copy that no connection has open.
 *
 * @param root The root page, from `sqlite_schema`.
 */
export function pruneTree(path: string, root: number): Pruned {
  using file = new PageFile(path);
  return new Pruning(file).run(root);
}

interface Page {
  readonly number: number;
  readonly bytes: Buffer;
  /** Offset of its b-tree header. Page 1 has the header of the file before it. */
  readonly start: number;
  readonly type: number;
  readonly cells: readonly number[];
}

class Pruning {
  readonly #file: PageFile;
  readonly #seen = new Set<number>();
  readonly #counts = { pages: 0, cells: 0, copies: 0 };

  constructor(file: PageFile) {
    this.#file = file;
  }

  /** Prunes the tree. The root keeps its number, because the schema refers to it. */
  run(root: number): Pruned {
    const kept = this.#keep(root, 0, undefined);
    const bytes = this.#file.read(root);
    const start = startOf(root);
    if (kept === 0) {
      const isIndex = bytes[start] === INDEX_INTERIOR || bytes[start] === INDEX_LEAF;
      bytes.fill(0, start);
      write(this.#file, { number: root, bytes, start, type: isIndex ? INDEX_LEAF : TABLE_LEAF, cells: [] });
    } else if (kept !== root && root !== 1) this.#file.write(root, this.#file.read(kept));
    else if (kept !== root) {
      // Page 1 has less space than other pages, so it refers to a single child instead.
      bytes.writeUInt32BE(kept, start + 8);
      write(this.#file, { number: root, bytes, start, type: TABLE_INTERIOR, cells: [] });
    }
    return this.#counts;
  }

  /** Returns the page that leads to every readable row below this one; 0 if there are none. */
  #keep(number: number, depth: number, isIndex: boolean | undefined): number {
    const page = depth < MOST_DEPTH && !this.#seen.has(number) ? this.#page(number) : undefined;
    const isOfIndex = page && (page.type === INDEX_INTERIOR || page.type === INDEX_LEAF);
    if (!page || (isIndex !== undefined && isIndex !== isOfIndex)) {
      this.#counts.pages++;
      return 0;
    }
    this.#seen.add(number);
    if (page.type === TABLE_INTERIOR) return this.#keepTableInterior(page, depth);
    if (page.type === INDEX_INTERIOR) return this.#keepIndexInterior(page, depth);
    const cells = page.cells.filter((cell) => payloadOf(this.#file, page.bytes, page.type, cell));
    this.#counts.cells += page.cells.length - cells.length;
    if (cells.length < page.cells.length) write(this.#file, { ...page, cells });
    return cells.length > 0 ? number : 0;
  }

  /** Returns undefined if the page is not part of a tree. */
  #page(number: number): Page | undefined {
    if (!this.#file.has(number)) return undefined;
    const bytes = this.#file.read(number);
    const start = startOf(number);
    const type = bytes.readUInt8(start);
    if (![INDEX_INTERIOR, TABLE_INTERIOR, INDEX_LEAF, TABLE_LEAF].includes(type)) return undefined;
    const head = start + headLength(type);
    const count = bytes.readUInt16BE(start + 3);
    if (head + 2 * count > this.#file.usable) return undefined;
    const cells = Array.from({ length: count }, (_, i) => bytes.readUInt16BE(head + 2 * i));
    if (cells.some((cell) => cell < head + 2 * count || cell + 4 > this.#file.usable)) return undefined;
    return { number, bytes, start, type, cells };
  }

  #keepTableInterior(page: Page, depth: number): number {
    const { bytes, start } = page;
    const cells: number[] = [];
    let last: { child: number; cell: number } | undefined;
    let isChanged = false;
    for (const cell of [...page.cells, start + 8]) {
      const child = bytes.readUInt32BE(cell);
      const kept = this.#keep(child, depth + 1, false);
      isChanged ||= kept !== child;
      if (kept === 0) continue;
      if (last) cells.push(last.cell);
      last = { child: kept, cell };
      bytes.writeUInt32BE(kept, cell);
    }
    if (!last || cells.length === 0) return last?.child ?? 0;
    bytes.writeUInt32BE(last.child, start + 8);
    if (isChanged) write(this.#file, { ...page, cells });
    return page.number;
  }

  /**
   * Prunes an index page. Its cells are rows too, and there must be one between any two children. A missing child is
   * replaced by a leaf with a copy of a row, and an unreadable row between two children by such a copy.
   */
  #keepIndexInterior(page: Page, depth: number): number {
    const { bytes, start } = page;
    const children = [...page.cells, start + 8].map((cell) => this.#keep(bytes.readUInt32BE(cell), depth + 1, true));
    const rows = page.cells.map((cell) => payloadOf(this.#file, bytes, page.type, cell));
    this.#counts.cells += rows.filter((row) => !row).length;
    const isWhole =
      rows.every((row) => row) &&
      [...page.cells, start + 8].every((cell, i) => bytes.readUInt32BE(cell) === children[i]);
    const [spare] = rows.filter((row) => row !== undefined).sort((a, b) => a.length - b.length);
    if (!spare) {
      const [kept = 0, ...others] = children.filter((child) => child !== 0);
      this.#counts.pages += others.length;
      return kept;
    }
    if (!isWhole) this.#pack(page, children, rows, spare);
    return page.number;
  }

  #pack(page: Page, children: readonly number[], rows: readonly (Payload | undefined)[], spare: Payload): void {
    const { bytes, start } = page;
    const packed = Buffer.alloc(this.#file.size);
    bytes.copy(packed, 0, 0, start + 12);
    const sizeOf = ({ length }: Payload) => Math.max(length, 4) + 4;
    let room = this.#file.usable - start - 12 - rows.reduce((sum, row) => sum + (row ? sizeOf(row) + 2 : 0), 0);
    let end = this.#file.usable;
    const cells: number[] = [];
    for (const [i, row] of rows.entries()) {
      const child = children[i] ?? 0;
      if (!row && child === 0) continue;
      if (!row && room < sizeOf(spare) + 2) {
        this.#counts.pages++;
        continue;
      }
      if (!row) {
        room -= sizeOf(spare) + 2;
        this.#counts.copies++;
      }
      const { offset, length } = row ?? spare;
      end -= sizeOf(row ?? spare);
      packed.writeUInt32BE(child || this.#leafWith(bytes, spare), end);
      bytes.copy(packed, end + 4, offset, offset + length);
      cells.push(end);
    }
    packed.writeUInt32BE(children.at(-1) || this.#leafWith(bytes, spare), start + 8);
    write(this.#file, { ...page, bytes: packed, cells });
  }

  #leafWith(bytes: Buffer, { offset, length }: Payload): number {
    const leaf = Buffer.alloc(this.#file.size);
    const at = this.#file.usable - Math.max(length, 4);
    bytes.copy(leaf, at, offset, offset + length);
    this.#counts.copies++;
    const number = this.#file.append(leaf);
    write(this.#file, { number, bytes: leaf, start: 0, type: INDEX_LEAF, cells: [at] });
    return number;
  }
}

const startOf = (page: number) => (page === 1 ? 100 : 0);

const headLength = (type: number) => (type === INDEX_INTERIOR || type === TABLE_INTERIOR ? 12 : 8);

/**
 * Writes a page with these cells. The space of removed cells is not reused, because nothing is ever added to this tree.
 */
function write(file: PageFile, { number, bytes, start, type, cells }: Page): void {
  bytes.writeUInt8(type, start);
  bytes.writeUInt16BE(0, start + 1);
  bytes.writeUInt16BE(cells.length, start + 3);
  const head = start + headLength(type);
  for (const [i, cell] of cells.entries()) bytes.writeUInt16BE(cell, head + 2 * i);
  // The offset of the first cell; 65,536 is written as 0.
  const content = Math.min(file.usable, ...cells);
  bytes.writeUInt16BE(content % 65_536, start + 5);
  bytes.writeUInt8(0, start + 7);
  file.write(number, bytes);
}
