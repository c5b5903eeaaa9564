import { resolve } from 'node:path';
import { InvalidInputError } from '../errors.ts';

/** The name of a database in memory, which ends with its connection. */
export const MEMORY = ':memory:';

/**
 * The suffixes of a database's other files: its -shm, its -wal, and the -journal of a file that is not in WAL mode.
 * SQLite would apply a -wal or a -journal to any file with that name.
 * https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use
 */
export const SIDECARS = ['-shm', '-wal', '-journal'] as const;

/** Quotes a path for a shell. */
export function shellQuoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}

/** The maximum length of a name on most file systems, in bytes. */
const LONGEST_NAME = 255;

/**
 * SQLite opens paths of at most 512 bytes, including the suffix of a journal, on every system except Windows.
 * https://sqlite.org/src/file/src/os_unix.c (MAX_PATHNAME)
 */
const LONGEST_PATH = 504;

/** Returns true for a path that is too long for SQLite. */
export function isTooLong(path: string): boolean {
  return path.length * 3 > LONGEST_PATH && Buffer.byteLength(path) > LONGEST_PATH;
}

/** Returns the reason why the drivers would open a different file; each was measured on both drivers. */
function problemOf(path: string): string | undefined {
  if (path === '') return 'is empty, which SQLite reads as a temporary database that is deleted at exit';
  if (path.includes('\0')) return 'has a NUL byte, after which a driver stops reading';
  if (path !== path.trimEnd()) return 'ends with white space, which a driver would remove';
  if (path.startsWith('file:')) return 'is a file: URI, which the drivers read differently; pass a plain path';
  if (/^~[\w-]*(\/|$)/.test(path)) return 'starts with ~, which only a shell expands';
  if (/^\$\w|^\$\{/.test(path)) return 'starts with a variable, which only a shell expands';
  if (/^(["']).*\1$/.test(path)) return 'is in quotation marks, which would become part of the name';
  if (path.startsWith(':') && path !== MEMORY) return `starts with a colon, but is not ${MEMORY}`;
  if (!path.isWellFormed()) return 'has a lone surrogate';
  // A code unit takes at most three bytes in UTF-8.
  if (path.length * 3 > LONGEST_NAME && path.split(/[/\\]/).some((name) => Buffer.byteLength(name) > LONGEST_NAME))
    return `has a name of more than ${LONGEST_NAME} bytes, which no file can have`;
  return undefined;
}

/**
 * Returns the absolute path of a database file; `:memory:` is returned unchanged.
 *
 * @throws InvalidInputError if the drivers would open a different file.
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
 * Returns the user's home folder, the same on every runtime: `$HOME`, or else that of the system's list of users.
 * node:os is loaded only here, because it takes 2 % of Bun's start.
 *
 * @throws InvalidInputError if there is neither, e.g. in a container with a uid without a name.
 */
export function homeFolder(): string {
  const { homedir, userInfo } = process.getBuiltinModule('node:os');
  const home = process.platform === 'win32' ? homedir() : process.env.HOME || listedHome(userInfo);
  if (home) return resolve(home);
  throw new InvalidInputError('HOME', 'must be set, because the system lists no home folder for this user', {
    hint: 'Set HOME, or pass the path of the database.',
  });
}

function listedHome(userInfo: () => { readonly homedir: string }): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    return undefined;
  }
}
