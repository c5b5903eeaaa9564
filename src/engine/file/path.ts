import { resolve } from 'node:path';
import { InvalidInputError } from '../errors.ts';

/** The name of a database that lives in memory and ends with its connection. */
export const MEMORY = ':memory:';

/** A path as a shell takes it. */
export function shellQuoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** What most file systems allow for one name, in bytes. */
const LONGEST_NAME = 255;

/** A reason that the drivers would open something else than what was named, each measured on both. */
function problemOf(path: string): string | undefined {
  if (path === '') return 'is empty, which SQLite takes as a temporary database that is gone at exit';
  if (path.includes('\0')) return 'has a NUL byte, behind which a driver reads no further';
  if (path !== path.trimEnd()) return 'ends with white space, which a driver would cut off';
  if (path.startsWith('file:')) return 'is a file: URI, which the drivers read differently; give a plain path';
  if (path === '~' || path.startsWith('~/')) return 'starts with ~, which only a shell expands';
  if (path.startsWith(':') && path !== MEMORY) return `starts with a colon; only ${MEMORY} means something`;
  if (!path.isWellFormed()) return 'has a lone surrogate';
  // A code unit is at most three bytes of UTF-8.
  if (path.length * 3 > LONGEST_NAME && path.split(/[/\\]/).some((name) => Buffer.byteLength(name) > LONGEST_NAME))
    return `has a name of more than ${LONGEST_NAME} bytes, which no file can have`;
  return undefined;
}

/**
 * The absolute path of a database file; `:memory:` stays as it is.
 *
 * @throws InvalidInputError where the drivers would open something else than what is named.
 */
export function databasePath(path: unknown, field = 'path'): string {
  if (typeof path !== 'string')
    throw new InvalidInputError(field, `is ${path === null ? 'null' : typeof path}, not the path of a file`);
  const problem = problemOf(path);
  if (problem) throw new InvalidInputError(field, problem);
  return path === MEMORY ? path : resolve(path);
}
