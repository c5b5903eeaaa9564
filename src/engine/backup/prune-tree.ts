import { INDEX_INTERIOR, INDEX_LEAF, type Payload, payloadOf, TABLE_INTERIOR, TABLE_LEAF } from './cell.ts';
import { PageFile } from './page-file.ts';

/** What was taken out of a tree. */
export interface Pruned {
  /** Pages that could not be read, with all that only they lead to. */
  readonly pages: number;
  /** Rows on readable pages that could not be read themselves. */
  readonly cells: number;
  /** Rows that now occur twice, since an index page cannot lack a child between two of its own rows. */
  readonly copies: number;
}

/** A tree is never deeper: SQLite refuses what is. */
const MOST_DEPTH = 20;

/**
 * Takes out of a table's tree what SQLite could not read, so that a scan of the table passes over the damage and meets
 * every other row. Each page of the tree is read once. For a private copy that no connection has open.
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
  /** Where its b-tree header begins: page 1 has the header of the file before it. */
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

  /** Leaves the root where it is, since the schema names it. */
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
      // The first page has no room for the content of another one, and may lead to a single child.
      bytes.writeUInt32BE(kept, start + 8);
      write(this.#file, { number: root, bytes, start, type: TABLE_INTERIOR, cells: [] });
    }
    return this.#counts;
  }

  /** Returns the page that leads to every readable row below this one, or 0 if there is none. */
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

  /** Undefined for a page that is not one of a tree. */
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
   * Its cells are rows too, and every two children have one between them: a child that is gone is replaced by a leaf
   * with a copy of a row, and an unreadable row between two children by such a copy.
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

/** Writes a page with these cells. The room of the others is not given back: nothing is ever written to this tree. */
function write(file: PageFile, { number, bytes, start, type, cells }: Page): void {
  bytes.writeUInt8(type, start);
  bytes.writeUInt16BE(0, start + 1);
  bytes.writeUInt16BE(cells.length, start + 3);
  const head = start + headLength(type);
  for (const [i, cell] of cells.entries()) bytes.writeUInt16BE(cell, head + 2 * i);
  // Where cells begin; 65,536 is written as 0.
  const content = Math.min(file.usable, ...cells);
  bytes.writeUInt16BE(content % 65_536, start + 5);
  bytes.writeUInt8(0, start + 7);
  file.write(number, bytes);
}
