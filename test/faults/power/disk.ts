import { createHash } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Change, Changes, Naming } from './changes.ts';

/** Which sectors of a write reached the disk. */
export interface Torn {
  readonly bytes: 512 | 4096;
  isKept(sector: number): boolean;
}

/** What a disk has kept of the steps before a loss of power. */
export interface Kept {
  /** The steps before this one were done. */
  readonly cut: number;
  /** Steps that are on the disk; of those that say or flush it means nothing. */
  readonly steps: ReadonlySet<number>;
  /** Writes that are there in part. */
  readonly torn: ReadonlyMap<number, Torn>;
}

/** The files of a folder by their paths in it; undefined for a folder. Names of one file have the same Buffer. */
export type Files = ReadonlyMap<string, Buffer | undefined>;

/** The files that the next process finds. */
export function filesAfter(changes: Changes, kept: Kept): Files {
  const folders = new Map<number, Map<string, number>>();
  const apply = ({ folder, name, node }: Naming) => {
    const names = folders.get(folder) ?? new Map<string, number>();
    folders.set(folder, names);
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  };
  for (const naming of changes.before) apply(naming);
  for (const step of kept.steps) {
    const change = changes.steps[step];
    if (change?.kind === 'names') for (const naming of change.namings) apply(naming);
  }
  const files = new Map<string, Buffer | undefined>();
  const contents = new Map<number, Buffer>();
  const contentAt = (node: number) => {
    const content = contents.get(node) ?? contentOf(changes, kept, node);
    contents.set(node, content);
    return content;
  };
  const visit = (folder: number, path: string) => {
    for (const [name, node] of folders.get(folder) ?? []) {
      const isFolder = changes.nodes[node]?.isFolder;
      files.set(join(path, name), isFolder ? undefined : contentAt(node));
      if (isFolder) visit(node, join(path, name));
    }
  };
  visit(changes.root, '');
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Contents of earlier states, by what was kept of the file: most files are the same in most states. */
const known = new WeakMap<Changes, Map<string, Buffer>>();

/** So many are remembered of one recording; a content has some hundred kilobytes. */
const MOST_KNOWN = 400;

function contentOf(changes: Changes, { steps, torn }: Kept, node: number): Buffer {
  const contents = known.get(changes) ?? new Map<string, Buffer>();
  known.set(changes, contents);
  const before = changes.nodes[node]?.content ?? Buffer.alloc(0);
  const ofNode = [...steps].flatMap((step) => {
    const change = changes.steps[step];
    return (change?.kind === 'truncate' || change?.kind === 'write') && change.node === node ? [{ step, change }] : [];
  });
  if (ofNode.some(({ step }) => torn.has(step))) return written(before, ofNode, torn);
  const key = [node, ...ofNode.map(({ step }) => step)].join();
  const earlier = contents.get(key);
  if (earlier) return earlier;
  if (contents.size >= MOST_KNOWN) contents.clear();
  const content = written(before, ofNode, torn);
  contents.set(key, content);
  return content;
}

interface ContentStep {
  readonly step: number;
  readonly change: Extract<Change, { kind: 'truncate' | 'write' }>;
}

function written(before: Buffer, ofNode: readonly ContentStep[], torn: Kept['torn']): Buffer {
  const ends = ofNode.map(({ change }) =>
    change.kind === 'write' ? change.offset + change.bytes.length : change.size,
  );
  // As long as it ever was; what is behind its end is zero.
  const content = Buffer.alloc(Math.max(before.length, ...ends));
  before.copy(content);
  let size = before.length;
  for (const { step, change } of ofNode) {
    if (change.kind === 'truncate') {
      if (change.size < size) content.fill(0, change.size, size);
      size = change.size;
    } else {
      size = Math.max(size, change.offset + change.bytes.length);
      copySectors(content, change.offset, change.bytes, torn.get(step));
    }
  }
  return content.subarray(0, size);
}

/** A sector that was not kept has what was there before, or zeros behind the old end. */
function copySectors(content: Buffer, offset: number, bytes: Buffer, torn: Torn | undefined): void {
  if (!torn) {
    bytes.copy(content, offset);
    return;
  }
  for (let at = 0; at < bytes.length; ) {
    const sector = Math.floor((offset + at) / torn.bytes);
    const end = Math.min(bytes.length, (sector + 1) * torn.bytes - offset);
    if (torn.isKept(sector)) bytes.copy(content, offset + at, at, end);
    at = end;
  }
}

const hashes = new WeakMap<Buffer, string>();

function hashOf(content: Buffer): string {
  const hash = hashes.get(content) ?? createHash('sha1').update(content).digest('base64');
  hashes.set(content, hash);
  return hash;
}

/** One text for equal files. */
export function keyOf(files: Files): string {
  const hash = createHash('sha1');
  for (const [path, content] of files) {
    // SQLite makes it anew.
    if (!path.endsWith('-shm')) hash.update(`${path}\0${content && hashOf(content)}\0`);
  }
  return hash.digest('base64');
}

/** Writes them into an empty folder. */
export function writeFiles(files: Files, folder: string): void {
  const names = new Map<Buffer, string>();
  for (const [path, content] of files) {
    const to = join(folder, path);
    const name = content && names.get(content);
    if (content === undefined) mkdirSync(to, { mode: 0o700 });
    else if (name !== undefined) linkSync(name, to);
    else writeFileSync(to, content, { mode: 0o600 });
    if (content) names.set(content, to);
  }
}

/** Reads a folder as {@link filesAfter} gives it. */
export function filesIn(folder: string): Files {
  const files = new Map<string, Buffer | undefined>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    files.set(path.slice(folder.length + 1), entry.isDirectory() ? undefined : readFileSync(path));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}
