import { linkSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { temporaryName } from '../copies/claim.ts';
import { type Kit, openingOf } from '../definition.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DatabaseBusyError, RestoreError } from '../errors.ts';
import { fsyncPath } from '../file/flush.ts';
import { freePath } from '../file/free-path.ts';
import { hasCode, isSameFile, isThere } from '../file/fs.ts';
import { openConnection } from '../file/open.ts';
import { bytesOf } from '../file/wal.ts';
import { planFor } from '../migrations/plan.ts';
import { stampOf } from '../time.ts';
import { refuseOpen, whileAlone, whileAloneAsFarAsKnown } from './exclusive.ts';
import { install, keepSet, linkOrCopy, removeSet, sidecarsOf, unfinishedAt } from './file-set.ts';
import type { Present } from './present.ts';

/** Matches the name of a folder with replaced files, e.g. `replaced-20261122T093000000Z`. */
export const REPLACED = /^replaced-\d{8}T\d{9}Z$/;

/**
 * Returns the temporary name of the new file. It is in the same folder, because a rename cannot move to another disk.
 */
export function stagedName(target: string): string {
  return `${target}.restored`;
}

/**
 * Replaces the database by the staged file.
 *
 * @param finish The command or call that finishes a killed restore.
 * @returns The folder with the previous files; undefined if there were none.
 */
export function putInPlace(
  adapter: Adapter,
  target: string,
  staged: string,
  { state }: Present,
  folder: string,
  finish: string,
): string | undefined {
  if (state === 'missing') {
    placeNew(target, staged);
    return undefined;
  }
  const kept = freePath((at) => join(folder, `replaced-${stampOf(at)}`));
  const swap = () => {
    keepSet(target, kept);
    installOrPutBack(target, staged, kept, finish);
    return join(kept, basename(target));
  };
  const undo = () => putBack(target, kept, finish);
  if (state === 'sound') whileAlone(adapter, target, staged, swap);
  else whileAloneAsFarAsKnown(target, swap, undo);
  return kept;
}

function installOrPutBack(target: string, staged: string, kept: string, finish: string): void {
  try {
    install(target, { main: staged, sidecars: {} }, kept, finish);
  } catch (cause) {
    putBackAfter(cause, target, kept, finish);
    throw cause;
  }
}

/**
 * Puts the previous files back because of an error.
 *
 * @throws RestoreError if that fails too: `UNFINISHED` if the next restore finishes it, `NOT_PROVED` if the restored
 * file is at the path.
 */
export function putBackAfter(cause: unknown, target: string, kept: string, finish: string): void {
  try {
    putBack(target, kept, finish);
  } catch {
    const state = stateAt(target, kept);
    if (state === 'previous') return;
    const failed = `the previous files could not be put back: they are in ${kept}.`;
    throw state === 'marker'
      ? new RestoreError('UNFINISHED', `The restore into ${target} was interrupted, and ${failed}`, {
          hint: `Check the disk and the folder, then finish it: ${finish}`,
          cause,
        })
      : new RestoreError('NOT_PROVED', `${target} has the restored file, which could not be proved, and ${failed}`, {
          hint: 'Check the disk and the folder, then open it, or restore again.',
          cause,
        });
  }
}

/** Returns which files are at a path after a put-back that failed. */
function stateAt(target: string, kept: string): 'previous' | 'marker' | 'restored' {
  try {
    if (isSameFile(join(kept, basename(target)), target)) return 'previous';
    return isThere(target) && unfinishedAt(target) === undefined ? 'restored' : 'marker';
  } catch {
    return 'marker';
  }
}

/**
 * Places a file without replacing a database that was created since the restore began, or is created now by another
 * process.
 */
function placeNew(target: string, staged: string): void {
  refuseOpen(target);
  if (bytesOf(target) > 0 || sidecarsOf(target).length > 0) throw createdMeanwhile(target);
  // An empty file is treated as missing.
  if (isThere(target)) rmSync(target);
  try {
    linkSync(staged, target);
    rmSync(staged);
  } catch (cause) {
    if (hasCode(cause, 'EEXIST')) throw createdMeanwhile(target, cause);
    // Some file systems have no links.
    renameSync(staged, target);
  }
  fsyncPath(dirname(target));
}

function createdMeanwhile(target: string, cause?: unknown): RestoreError {
  return new RestoreError('IN_USE', `${target} was created by another process. It was not changed.`, {
    hint: 'Stop the process that uses it, then try again.',
    retryable: true,
    cause,
  });
}

/** Puts the previous files back, whether or not they were replaced already, and removes their folder. */
export function putBack(target: string, kept: string, finish: string): void {
  const old = join(kept, basename(target));
  if (isSameFile(old, target)) {
    rmSync(kept, { recursive: true, force: true });
    return;
  }
  const sidecars = Object.fromEntries(sidecarsOf(old).map((suffix) => [suffix, old + suffix]));
  if (isThere(old)) {
    const main = temporaryName(stagedName(target));
    try {
      linkOrCopy(old, main);
      install(target, { main, sidecars, isUndo: true }, kept, finish);
    } catch (error) {
      // Another name of a kept file. If a marker names it already, the next restore takes the kept file instead.
      rmSync(main, { force: true });
      throw error;
    }
  } else {
    removeSet(target);
    for (const [suffix, path] of Object.entries(sidecars)) linkOrCopy(path, target + suffix);
  }
  rmSync(kept, { recursive: true, force: true });
}

/**
 * Opens the restored file like any other program will.
 *
 * @throws RestoreError if it does not open or lacks migrations.
 */
export function proveOpens({ adapter, definition }: Kit, target: string): void {
  const { history } = definition;
  try {
    using connection = openConnection(adapter, target, openingOf(definition));
    const { pending, problem } = planFor(connection, history);
    if (pending.length === 0 && !problem) return;
  } catch (error) {
    // Another process has already opened it.
    if (error instanceof DatabaseBusyError) return;
    throw error;
  }
  throw new RestoreError('NOT_CURRENT', `${target} lacks migrations after it was restored.`, {
    hint: 'Try again. If the error remains, please report it.',
  });
}
