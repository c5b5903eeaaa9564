import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';

/** Reads and writes single pages of a database that no connection has open. Pages are numbered from 1. */
export class PageFile implements Disposable {
  readonly #fd: number;
  readonly size: number;
  /** Usable bytes of a page; an extension may reserve some at its end. */
  readonly usable: number;
  #pages: number;

  constructor(path: string) {
    this.#fd = openSync(path, 'r+');
    const header = Buffer.alloc(100);
    readSync(this.#fd, header, 0, 100, 0);
    const size = header.readUInt16BE(16);
    this.size = size === 1 ? 65_536 : Math.max(size, 512);
    this.usable = this.size - header.readUInt8(20);
    this.#pages = Math.floor(fstatSync(this.#fd).size / this.size);
  }

  has(page: number): boolean {
    return page >= 1 && page <= this.#pages;
  }

  read(page: number): Buffer {
    const bytes = Buffer.alloc(this.size);
    readSync(this.#fd, bytes, 0, this.size, (page - 1) * this.size);
    return bytes;
  }

  write(page: number, bytes: Buffer): void {
    writeSync(this.#fd, bytes, 0, this.size, (page - 1) * this.size);
  }

  /** Adds a page at the end and returns its number. */
  append(bytes: Buffer): number {
    this.#pages++;
    this.write(this.#pages, bytes);
    const count = Buffer.alloc(4);
    count.writeUInt32BE(this.#pages);
    writeSync(this.#fd, count, 0, 4, 28);
    return this.#pages;
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}
