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

/**
 * SQLite opens paths of at most 512 bytes, the ending of a journal included, on every system but Windows.
 * https://sqlite.org/src/file/src/os_unix.c (MAX_PATHNAME)
 */
const LONGEST_PATH = 504;

/** True for a path that is too long for SQLite. */
export function isTooLong(path: string): boolean {
  return path.length * 3 > LONGEST_PATH && Buffer.byteLength(path) > LONGEST_PATH;
}

/** A reason that the drivers would open something else than what was named, each measured on both. */
function problemOf(path: string): string | undefined {
  if (path === '') return 'is empty, which SQLite takes as a temporary database that is gone at exit';
  if (path.includes('\0')) return 'has a NUL byte, behind which a driver reads no further';
  if (path !== path.trimEnd()) return 'ends with white space, which a driver would cut off';
  if (path.startsWith('file:')) return 'is a file: URI, which the drivers read differently; give a plain path';
  if (path === '~' || path.startsWith('~/')) return 'starts with ~, which only a shell expands';
  if (/^\$\w|^\$\{/.test(path)) return 'starts with a variable, which only a shell expands';
  if (/^(["']).*\1$/.test(path)) return 'is in quotation marks, which would be a part of the name';
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
  if (path === MEMORY) return path;
  const absolute = resolve(path);
  if (isTooLong(absolute))
    throw new InvalidInputError(field, `is longer than the ${LONGEST_PATH} bytes that SQLite opens`);
  return absolute;
}

/**
 * Returns the user's home folder, the same on every runtime: `$HOME`, else what the system's list of users has. node:os is
 * loaded only here: it is a fiftieth of Bun's start.
 *
 * @throws InvalidInputError if neither exists, e.g. in a container with a uid that has no name.
 */
export function homeFolder(): string {
  const { homedir, userInfo } = process.getBuiltinModule('node:os');
  const home = process.platform === 'win32' ? homedir() : process.env.HOME || listedHome(userInfo);
  if (home) return resolve(home);
  throw new InvalidInputError('HOME', 'is not set, and the system lists no home folder for this user', {
    hint: 'Set HOME, or give the path of the database.',
  });
}

function listedHome(userInfo: () => { readonly homedir: string }): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}
