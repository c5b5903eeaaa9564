import { type Stats, statSync } from 'node:fs';
import { DatabaseOpenError } from '../errors.ts';
import { codeOf } from '../realm.ts';

/** True for an error of the system with one of these codes, e.g. `EEXIST`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Means that nothing is at a path; every other error means that nobody knows. */
const NOT_THERE = ['ENOENT', 'ENOTDIR'];

function orUndefined<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (cause) {
    if (hasCode(cause, ...NOT_THERE)) return undefined;
    throw new DatabaseOpenError(
      'FILE_UNREADABLE',
      `Whether ${path} exists could not be found out (${codeOf(cause)}).`,
      {
        hint: 'Check the disk, and the owner and permissions of the folder and of those above it.',
        cause,
      },
    );
  }
}

/**
 * Returns what is at a path, through links; undefined only if nothing is there.
 *
 * @throws DatabaseOpenError `FILE_UNREADABLE` if the system does not say.
 */
export function statOrUndefined(path: string): Stats | undefined {
  return orUndefined(path, () => statSync(path, { throwIfNoEntry: false }));
}

/**
 * True if something is at a path. `existsSync()` is also false if the disk fails, and what is taken for missing is then
 * neither kept nor protected.
 *
 * @throws DatabaseOpenError `FILE_UNREADABLE` if the system does not say.
 */
export function isThere(path: string): boolean {
  return statOrUndefined(path) !== undefined;
}

/**
 * True for two names of one file.
 *
 * @throws DatabaseOpenError `FILE_UNREADABLE` if the system does not say.
 */
export function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statOrUndefined(a), statOrUndefined(b)];
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}
