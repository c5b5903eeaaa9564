import { lstatSync, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { realFile } from '../file/file.ts';
import { hasCode } from '../file/fs.ts';
import { MEMORY } from '../file/path.ts';
import { isError, isPlainObject } from '../realm.ts';

/** The membership of this machine. It is in a file of its own, because a copy of the database must not carry it along. */
export interface Mark {
  /** The random name of this machine's copy. */
  readonly id: string;
  /** The folder that all machines share, absolute. */
  readonly shared: string;
  /** The newest term that this machine has seen; 0 for none. An older one means that the folder is not the right one. */
  readonly term: number;
  /** The random name of the shared folder; absent in older marks. Another name means that it is not the right one. */
  readonly folder?: string;
}

/** Returns the path of the mark of a database. */
export function markPath(filename: string): string {
  return `${filename}.writer`;
}

/** With these errors the database itself cannot be opened, or its name is so long that there is no mark. */
const NO_MARK = ['EACCES', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR'];

/** Returns true if several machines have a copy of the database, so that only one of them may write. */
export function isShared(path: string): boolean {
  if (path === MEMORY) return false;
  try {
    return hasMark(realFile(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT', ...NO_MARK)) return false;
    if (isError(error) && hasCode(error.cause, ...NO_MARK)) return false;
    throw error;
  }
}

/** Is {@link isShared} for the real file. */
export function hasMark(filename: string): boolean {
  try {
    // A link that leads nowhere is a mark too, of which nothing is known.
    return lstatSync(markPath(filename), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (hasCode(error, ...NO_MARK)) return false;
    throw error;
  }
}

/** Reads the mark of a database; undefined if its content is not one, e.g. after a power failure. */
export function readMark(filename: string): Mark | undefined {
  let mark: unknown;
  try {
    mark = JSON.parse(readFileSync(markPath(filename), 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!isPlainObject(mark)) return undefined;
  const { id, shared, term, folder } = mark;
  if (typeof id !== 'string' || typeof shared !== 'string' || typeof term !== 'number') return undefined;
  if (id === '' || !isAbsolute(shared) || shared.includes('\0') || !Number.isSafeInteger(term)) return undefined;
  return { id, shared, term, ...(typeof folder === 'string' && { folder }) };
}
