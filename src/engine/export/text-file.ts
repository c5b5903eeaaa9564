import type { Hash } from 'node:crypto';
import { closeSync, constants, fchownSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { FILE_MODE } from '../file/file.ts';
import type { Owner } from '../file/owner.ts';

/** Number of characters to buffer before writing. */
const CHUNK = 256 * 1024;

/** Size and hash of a finished file. */
export interface Written {
  readonly bytes: number;
  readonly sha256: string;
}

/** A new text file with mode 0600. */
export class TextFile implements Disposable {
  readonly #fd: number;
  readonly #hash: Hash;
  #gathered = '';
  #bytes = 0;
  #isOpen = true;

  /** @param owner The file's owner if the process runs as root. */
  constructor(path: string, owner: Owner) {
    this.#hash = process.getBuiltinModule('node:crypto').createHash('sha256');
    this.#fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
    if (process.getuid?.() === 0) fchownSync(this.#fd, owner.uid, owner.gid);
  }

  write(text: string): void {
    this.#gathered += text;
    if (this.#gathered.length >= CHUNK) this.#flush();
  }

  /** Flushes the file to the disk and closes it. */
  end(): Written {
    this.#flush();
    fsyncSync(this.#fd);
    this[Symbol.dispose]();
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }

  #flush(): void {
    const bytes = Buffer.from(this.#gathered);
    this.#gathered = '';
    this.#hash.update(bytes);
    this.#bytes += bytes.length;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.#fd);
    this.#isOpen = false;
  }
}
