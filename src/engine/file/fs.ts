import { type Stats, statSync } from 'node:fs';
import { DatabaseOpenError } from '../errors.ts';
import { checkOwner } from '../hints.ts';
import { codeOf } from '../realm.ts';

/** Returns true for an error with one of these codes, e.g. `EEXIST`. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  const code = codeOf(error);
  return code !== undefined && codes.includes(code);
}

/** Codes of a path that does not exist; with any other error this is unknown. */
const NOT_THERE = ['ENOENT', 'ENOTDIR'];

/** Returns the error for a symbolic link that leads to itself. */
export function linkLoop(link: string, cause: unknown): DatabaseOpenError {
  const message = `${link} that leads to itself. Nothing was created or changed.`;
  return new DatabaseOpenError('LINK_LOOP', message, { hint: LOOP_HINT, cause });
}

export const LOOP_HINT = 'Remove the link, or let it point to a file.';

function orUndefined<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (cause) {
    if (hasCode(cause, ...NOT_THERE)) return undefined;
    if (hasCode(cause, 'ELOOP')) throw linkLoop(`The path ${path} has a link in it`, cause);
    throw new DatabaseOpenError('FILE_UNREADABLE', `It is unknown whether ${path} exists (${codeOf(cause)}).`, {
      hint: checkOwner('the folder and of those above it, and the disk'),
      cause,
    });
  }
}

/**
 * Returns the stat of a path, following links; undefined only if it does not exist.
 *
 * @throws DatabaseOpenError `FILE_UNREADABLE` if this is unknown, `LINK_LOOP` for a link that leads to itself.
 */
export function statOrUndefined(path: string): Stats | undefined {
  return orUndefined(path, () => statSync(path, { throwIfNoEntry: false }));
}

/**
 * Returns true if a path exists. `existsSync()` also returns false if the disk fails, and a file considered missing
 * would not be kept or protected.
 *
 * @throws DatabaseOpenError `FILE_UNREADABLE` if this is unknown, `LINK_LOOP` for a link that leads to itself.
 */
export function isThere(path: string): boolean {
  return statOrUndefined(path) !== undefined;
}

/**
 * Returns true for two names of the same file.
 *
 * @throws DatabaseOpenError `FILE_UNREADABLE` if this is unknown, `LINK_LOOP` for a link that leads to itself.
 */
export function isSameFile(a: string, b: string): boolean {
  const [one, other] = [statOrUndefined(a), statOrUndefined(b)];
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}
