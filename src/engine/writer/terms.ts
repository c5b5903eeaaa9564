import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fsyncPath } from '../file/flush.ts';
import { hasCode, isThere } from '../file/fs.ts';
import { isPlainObject } from '../realm.ts';

/** The time in which one machine writes. It ends when another one takes over. */
export interface Term {
  /** From 1. */
  readonly number: number;
  /** The id of the machine's mark; empty if the record is incomplete, so that no machine is the writer. */
  readonly id: string;
  readonly host: string;
  readonly since: string;
}

const RECORD = /^writer-(\d{6,})\.json$/;
const REPLICA = /^replica-(\d{6,})$/;

/** The name of a shared folder, which its first machine gives it. An unmounted mount point has none, or another one. */
const FOLDER_ID = 'writer-folder';

function padded(number: number): string {
  return String(number).padStart(6, '0');
}

function recordPath(shared: string, number: number): string {
  return join(shared, `writer-${padded(number)}.json`);
}

/**
 * Returns the folder for the replica of a term. Each term has its own, so that a machine that wakes up after another
 * one took over does not write into the replica in use.
 */
export function replicaPath(shared: string, number: number): string {
  return join(shared, `replica-${padded(number)}`);
}

/** Returns the newest term of a shared folder; undefined if there is none. */
export function newestTerm(shared: string): Term | undefined {
  const number = Math.max(0, ...numbersOf(RECORD, shared));
  return number === 0 ? undefined : readTerm(shared, number);
}

function readTerm(shared: string, number: number): Term {
  const nobody = { number, id: '', host: '', since: '' };
  let record: unknown;
  try {
    record = JSON.parse(readFileSync(recordPath(shared, number), 'utf8'));
  } catch (error) {
    // The machine died between creating the file and writing it.
    if (error instanceof SyntaxError) return nobody;
    throw error;
  }
  if (!isPlainObject(record)) return nobody;
  const { id, host, since } = record;
  return { number, id: String(id ?? ''), host: String(host ?? ''), since: String(since ?? '') };
}

/**
 * Begins a term. Only one machine can create the record of a number, because the file must not exist. It has the usual
 * mode, because the other machines may have other users, and it has no data.
 *
 * @returns False if another machine began this term.
 */
export function beginTerm(shared: string, { number, ...record }: Term): boolean {
  return create(shared, recordPath(shared, number), JSON.stringify(record));
}

/** Ends a term of this machine, as if it had not begun. */
export function withdrawTerm(shared: string, number: number): void {
  rmSync(recordPath(shared, number), { force: true });
}

/** Returns the random name of a shared folder; undefined if no machine has joined it. */
export function folderIdOf(shared: string): string | undefined {
  try {
    return readFileSync(join(shared, FOLDER_ID), 'utf8').trim();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Returns the random name of a shared folder, and gives it one if it has none. */
export function nameFolder(shared: string): string {
  if (folderIdOf(shared) === undefined) create(shared, join(shared, FOLDER_ID), crypto.randomUUID());
  return folderIdOf(shared) ?? '';
}

/**
 * Creates a file with a line. A file that cannot be written whole is removed again.
 *
 * @returns False if it exists.
 */
function create(shared: string, path: string, line: string): boolean {
  try {
    closeSync(openSync(path, 'wx'));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  try {
    writeFileSync(path, `${line}\n`);
    fsyncPath(path);
    fsyncPath(shared);
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
  return true;
}

/** Returns the newest replica of a term up to a number that is not empty; undefined if there is none. */
export function newestReplica(shared: string, number: number): string | undefined {
  return numbersOf(REPLICA, shared)
    .filter((at) => at <= number)
    .sort((x, y) => y - x)
    .map((at) => replicaPath(shared, at))
    .find((path) => isThere(path) && readdirSync(path).length > 0);
}

function numbersOf(name: RegExp, shared: string): number[] {
  return readdirSync(shared).flatMap((entry) => Number(name.exec(entry)?.[1] ?? []));
}
