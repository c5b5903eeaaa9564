import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

const RECORD = /^writer-(\d{6})\.json$/;

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
  const numbers = readdirSync(shared).flatMap((name) => Number(RECORD.exec(name)?.[1] ?? []));
  const number = Math.max(0, ...numbers);
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
  const path = recordPath(shared, number);
  try {
    writeFileSync(path, `${JSON.stringify(record)}\n`, { flag: 'wx' });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
  fsyncPath(path);
  fsyncPath(shared);
  return true;
}

/** Returns the newest replica of a term up to a number that is not empty; undefined if there is none. */
export function newestReplica(shared: string, number: number): string | undefined {
  for (let at = number; at > 0; at--) {
    const path = replicaPath(shared, at);
    if (isThere(path) && readdirSync(path).length > 0) return path;
  }
  return undefined;
}
