import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Call, Said, Trace } from './trace.ts';

/** A file or a folder, by a number of its own: inodes are given again. */
export interface Node {
  readonly id: number;
  readonly isFolder: boolean;
  /** What it held before; empty for a new one. */
  readonly content: Buffer;
}

/** A name in a folder, and what it names from now on; undefined if nothing. */
export interface Naming {
  readonly folder: number;
  readonly name: string;
  readonly node: number | undefined;
}

/** A step of a program that a disk may or may not have kept. */
export type Change =
  | { readonly kind: 'names'; readonly namings: readonly Naming[] }
  | { readonly kind: 'write'; readonly node: number; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly node: number; readonly size: number }
  /** Everything that was done to a file, or to the names in a folder, is on the disk. */
  | { readonly kind: 'flush'; readonly node: number }
  | { readonly kind: 'say'; readonly text: string }
  /** A flush that was taken out. */
  | { readonly kind: 'none' };

/** What a program did to the files of a folder. */
export interface Changes {
  readonly root: number;
  readonly nodes: readonly Node[];
  /** The names before. */
  readonly before: readonly Naming[];
  readonly steps: readonly Change[];
}

const FALLOC_FL_KEEP_SIZE = 1;

/** Follows which path names which file while calls are read. */
class Follower {
  readonly nodes: Node[] = [];
  readonly before: Naming[] = [];
  readonly steps: Change[] = [];
  readonly #byPath = new Map<string, number>();
  readonly #byInode = new Map<number, number>();
  readonly #sizes = new Map<number, number>();
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Takes the files in that are there before. */
  scan(original: string, at: string): number {
    const stat = lstatSync(original);
    const isFolder = stat.isDirectory();
    const node = this.#add(isFolder, isFolder ? Buffer.alloc(0) : readFileSync(original));
    this.#byPath.set(at, node);
    if (!isFolder) return node;
    for (const name of readdirSync(original).sort()) {
      this.before.push({ folder: node, name, node: this.scan(join(original, name), join(at, name)) });
    }
    return node;
  }

  #add(isFolder: boolean, content = Buffer.alloc(0)): number {
    const id = this.nodes.length;
    this.nodes.push({ id, isFolder, content });
    this.#sizes.set(id, content.length);
    return id;
  }

  #nodeOf({ inode, path }: Call): number {
    const node = (inode === undefined ? undefined : this.#byInode.get(inode)) ?? this.#byPath.get(path);
    if (node === undefined) throw new Error(`No file is known at ${path}.`);
    if (inode !== undefined) this.#byInode.set(inode, node);
    return node;
  }

  #name(...namings: readonly [path: string, node: number | undefined][]): void {
    this.steps.push({
      kind: 'names',
      namings: namings.map(([path, node]) => {
        const folder = this.#byPath.get(dirname(path));
        if (folder === undefined) throw new Error(`No folder is known at ${dirname(path)}.`);
        return { folder, name: basename(path), node };
      }),
    });
    for (const [path, node] of namings) {
      const moved = [...this.#byPath].filter(([each]) => each === path || each.startsWith(`${path}/`));
      if (node === undefined) for (const [each] of moved) this.#byPath.delete(each);
      else this.#byPath.set(path, node);
    }
  }

  /** What is below a folder has another path after a rename. */
  #rename(from: string, to: string): void {
    const node = this.#byPath.get(from);
    const below = [...this.#byPath].filter(([path]) => path.startsWith(`${from}/`));
    this.#name([from, undefined], [to, node]);
    for (const [path, each] of below) this.#byPath.set(to + path.slice(from.length), each);
  }

  #create(call: Call, isFolder: boolean): void {
    const node = this.#add(isFolder);
    if (call.inode !== undefined) this.#byInode.set(call.inode, node);
    this.#name([call.path, node]);
  }

  #truncate(node: number, size: number): void {
    this.#sizes.set(node, size);
    this.steps.push({ kind: 'truncate', node, size });
  }

  follow(call: Call | Said): void {
    if (call.kind === 'say') {
      this.steps.push({ kind: 'say', text: (call as Said).text });
      return;
    }
    const { kind, result, path, to = '', size = 0, offset = 0, length = 0, at = 0 } = call as Call;
    if (result < 0) return;
    const node = () => this.#nodeOf(call as Call);
    if (kind === 'open') {
      if ((call as Call).created) this.#create(call as Call, false);
      else if ((call as Call).emptied) this.#truncate(node(), 0);
      else if (this.#byPath.has(path)) node();
    } else if (kind === 'mkdir') this.#create(call as Call, true);
    else if (kind === 'unlink') this.#name([path, undefined]);
    else if (kind === 'rename') this.#rename(path, to);
    else if (kind === 'link') this.#name([to, this.#byPath.get(path)]);
    else if (kind === 'truncate') this.#truncate(node(), size);
    else if (kind === 'fallocate') {
      const grows = ((call as Call).mode ?? 0) === 0 && size > (this.#sizes.get(node()) ?? 0);
      if (grows) this.#truncate(node(), size);
      else if (((call as Call).mode ?? 0) & ~FALLOC_FL_KEEP_SIZE) throw new Error('An allocation that is not known.');
    } else if (kind === 'write' || kind === 'copy' || kind === 'clone') {
      if (length > 0) this.#write(node(), offset, this.#bytes.subarray(at, at + length));
    } else if (kind === 'fsync') this.steps.push({ kind: 'flush', node: node() });
    else if (kind === 'sync' || kind === 'symlink') throw new Error(`A call that is not known: ${kind}.`);
  }

  #write(node: number, offset: number, bytes: Buffer): void {
    this.#sizes.set(node, Math.max(this.#sizes.get(node) ?? 0, offset + bytes.length));
    this.steps.push({ kind: 'write', node, offset, bytes });
  }
}

/**
 * What a program did to a folder.
 *
 * @param original A copy of the folder from before.
 * @param at The folder's path while the program ran.
 */
export function changesIn(trace: Trace, original: string, at: string): Changes {
  const follower = new Follower(trace.bytes);
  const root = follower.scan(original, at);
  for (const call of trace.calls) follower.follow(call);
  const { nodes, before, steps } = follower;
  return { root, nodes, before, steps };
}
