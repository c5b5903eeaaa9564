import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { RestoreError } from '../errors.ts';
import { isSameFile, isThere } from '../file/fs.ts';
import { refuseOpen } from './exclusive.ts';
import { finishInstall, unfinishedAt } from './file-set.ts';
import { putBack, REPLACED, stagedName } from './swap.ts';

const HALF_REPLACED = /^replaced-\d{8}T\d{9}Z\.[0-9a-f]+\.partial$/;

/** The result of finishing a killed restore. */
export interface Finished {
  /** The folder with the files that it replaced. */
  readonly replaced: string;
  /** False if the previous files were put back, because the new file is gone or the restore was being undone. */
  readonly isRestored: boolean;
}

/**
 * Finishes a restore that was killed between two steps, and removes the leftovers of others that were killed earlier.
 * No other restore may run.
 */
export function finishInterrupted(target: string, folder: string, finish: string): Finished | undefined {
  const unfinished = unfinishedAt(target);
  if (unfinished) refuseOpen(target);
  const isWhole = unfinished !== undefined && isThere(unfinished.main);
  if (unfinished && !isWhole && !isThere(unfinished.replaced)) {
    throw new RestoreError(
      'LOST_SET',
      `A restore into ${target} was interrupted, and both ${unfinished.main} and ${unfinished.replaced} are gone. Nothing was changed.`,
      { hint: `Restore one of them to its path, or move ${target} away and restore a backup.` },
    );
  }
  if (unfinished && isWhole) finishInstall(target, unfinished);
  else if (unfinished) putBack(target, unfinished.replaced, finish);
  removeLeftovers(target, folder);
  return unfinished && { replaced: unfinished.replaced, isRestored: isWhole && !unfinished.isUndo };
}

function removeLeftovers(target: string, folder: string): void {
  rmSync(`${target}.marker`, { force: true });
  const staged = `${basename(stagedName(target))}.`;
  for (const name of readdirSync(dirname(target))) {
    if (name.startsWith(staged) && /^[0-9a-f]+\.partial(-\w+)?$/.test(name.slice(staged.length))) {
      rmSync(join(dirname(target), name), { force: true });
    }
  }
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    // Second names of the current files, kept by a restore that was not completed.
    const isSecondName = REPLACED.test(name) && isSameFile(join(path, basename(target)), target);
    if (HALF_REPLACED.test(name) || isSecondName) rmSync(path, { recursive: true, force: true });
  }
}
