import { basename, dirname, join } from 'node:path';
import { Making, whenDiscarded } from '../copies/making.ts';
import { type Definition, givenOrDefault, type Kit } from '../definition.ts';
import { InvalidInputError, RestoreError } from '../errors.ts';
import { backupFolder } from '../file/copy-name.ts';
import { removeIfEmpty } from '../file/create.ts';
import { realFile } from '../file/file.ts';
import { isThere } from '../file/fs.ts';
import { databasePath, MEMORY, shellQuoted } from '../file/path.ts';
import { assertReplaceable } from '../file/place.ts';
import { checkOwner } from '../hints.ts';
import { type Host, howTo } from '../host.ts';
import { flagArgument } from '../input.ts';
import { type OptionNames, optionsArgument } from '../options.ts';
import { isSystemError } from '../realm.ts';
import { startThread } from '../worker/thread.ts';
import { compareAsFarAsReadable, type RestoredTable } from './compare.ts';
import type { BackupProgress } from './copy.ts';
import { oneAtATime, refuseOpen } from './exclusive.ts';
import { failureOf } from './failure.ts';
import { removeSet } from './file-set.ts';
import { prepareFolder, requireFolder } from './folder.ts';
import { type Finished, finishInterrupted } from './interrupted.ts';
import { Listener } from './listener.ts';
import { processesWith } from './open-files.ts';
import { presentAt } from './present.ts';
import { assertRoomFor, stage } from './staged.ts';
import { proveOpens, putBackAfter, putInPlace, stagedName } from './swap.ts';
import { type VerifyReport, verify } from './verify.ts';

/** Options for `restore()`. */
export interface RestoreOptions {
  /**
   * The backup, a snapshot, or the main file of a set that was replaced by an earlier restore. Without it, only an
   * interrupted restore is finished.
   */
  readonly from?: string;
  /** The database. Default: the definition's default path. */
  readonly to?: string;
  /** True to report what it would do, without any change. Default false. */
  readonly dryRun?: boolean;
  /** True to verify the backup like `verifyBackup()` with `deep`. Default false. */
  readonly deep?: boolean;
  /**
   * Called ten times a second while the backup is copied. If it throws, `restore()` fails with that error after the
   * copying, and the previous files are unchanged.
   */
  readonly onProgress?: (progress: BackupProgress) => void;
}

const OPTIONS: OptionNames<RestoreOptions> = { from: true, to: true, dryRun: true, deep: true, onProgress: true };

/** The result of a restore, or of a dry run. */
export interface RestoreReport {
  /** The database, absolute. */
  readonly to: string;
  /** The verified backup; absent if an interrupted restore was finished. */
  readonly backup?: VerifyReport;
  /** The folder with the replaced files; absent if there were none. */
  readonly replaced?: string;
  /** Why the replaced file was unreadable, so that the losses are unknown. */
  readonly replacedProblem?: string;
  /** The migrations that were applied, because the backup is older. */
  readonly migrated: readonly string[];
  /** The restored tables, and the losses compared to the replaced file. */
  readonly tables: Readonly<Record<string, RestoredTable>>;
  /** True if a killed restore was finished first. */
  readonly finished: boolean;
  /** True if that restore was undone instead: the previous files are back. Absent if none was finished. */
  readonly putBack?: boolean;
  readonly dryRun: boolean;
  readonly durationMs: number;
}

/** The type of `restore()`. */
export interface Restore {
  /**
   * Restores a backup: verifies the whole backup, copies it next to the database, migrates the copy if it is older, and
   * verifies it again. Only then it replaces the database, which is moved to `backups/replaced-…` with its -wal and -shm.
   * When the promise resolves, both are on the disk. No process may have the database open, including this one. A killed
   * process leaves either the old files or the new one. If the old files are damaged and have a -wal, it may leave a
   * marker instead of a database; the next restore, or one without `from`, does the rest.
   *
   * @throws RestoreError with the reason as its code (`IN_USE` names the processes if the system reports them,
   * `NOT_OURS`, `NO_ROOM`, `MIGRATION_NEWER_DATABASE`, `RUNNING`). The previous files are unchanged. If the disk also
   * fails while they are put back, they are in the folder that the message names: `UNFINISHED` if the next restore
   * finishes it, `NOT_PROVED` if the restored file is at the path.
   * @throws BackupError if the backup is unusable.
   * @throws InvalidInputError for an invalid path, or for a flag that is not a boolean.
   * @throws UnsupportedRuntimeError if this runtime cannot run the driver.
   *
   * @example
   * ```ts
   * const { path } = await backup(db);
   * closeDb(db); // and every other process that has it open
   * const { tables, replaced } = await restore({ from: path });
   * ```
   */
  (options: RestoreOptions): Promise<RestoreReport>;
}

/** Returns `restore()` for a driver and a definition. */
export function restoreWith(kit: Kit): Restore {
  return async (options) => {
    optionsArgument(options, OPTIONS);
    const started = performance.now();
    const dryRun = flagArgument(options.dryRun, 'options.dryRun');
    const deep = flagArgument(options.deep, 'options.deep');
    let target = '';
    let outcome: Outcome;
    try {
      // Only for the default path, like createDb().
      if (options.to === undefined && !dryRun) kit.definition.createDefaultFolder?.();
      target = targetOf(kit.definition, options.to);
      const source = sourceOf(options.from, target);
      assertReplaceable(target);
      kit.adapter.load();
      outcome = dryRun
        ? await rehearse(kit, target, source, deep)
        : await carryOut(kit, target, source, { ...options, deep });
    } catch (error) {
      if (!isSystemError(error)) throw error;
      throw failureOf(
        RestoreError,
        error,
        `Nothing was restored to ${target}; the previous files are in place.`,
        CHECK,
      );
    }
    return { to: target, dryRun, ...outcome, durationMs: performance.now() - started };
  };
}

type Outcome = Omit<RestoreReport, 'to' | 'dryRun' | 'durationMs'>;

/** Does everything except the change. */
async function rehearse(kit: Kit, target: string, source: string | undefined, deep: boolean): Promise<Outcome> {
  const { adapter } = kit;
  if (source === undefined) throw new InvalidInputError('options.from', 'is missing');
  refuseOpen(target);
  await using thread = await startThread(adapter);
  const backup = await verify(kit, thread, source, deep);
  refuseUnfit(backup);
  const { state, problem } = await presentAt(kit, thread, target);
  const tables = await compareAsFarAsReadable(thread, source, state === 'sound' ? target : undefined);
  return { backup, migrated: backup.pending, tables, finished: false, ...(problem && { replacedProblem: problem }) };
}

async function carryOut(
  kit: Kit,
  target: string,
  source: string | undefined,
  options: RestoreOptions,
): Promise<Outcome> {
  const { adapter } = kit;
  const folder = backupFolder(target);
  return await oneAtATime(adapter, target, () =>
    inFolder(folder, dirname(target), async () => {
      const finish = finishHint(kit.definition, target);
      const earlier = finishEarlier(target, folder, finish);
      if (source !== undefined) {
        const outcome = await restoreFrom(kit, target, source, folder, finish, options);
        return { ...outcome, finished: earlier !== undefined };
      }
      if (!earlier) throw nothingToFinish(target, kit.definition);
      await using thread = await startThread(adapter);
      if (earlier.isRestored) proveOpens(kit, target);
      const tables = await compareAsFarAsReadable(thread, target, undefined);
      const replaced = earlier.isRestored ? earlier.replaced : undefined;
      return { migrated: [], tables, finished: true, putBack: !earlier.isRestored, ...(replaced && { replaced }) };
    }),
  );
}

/**
 * Runs a function with the backup folder. If the folder was created for it and is empty after an error, it is removed.
 */
async function inFolder<T>(folder: string, beside: string, fn: () => Promise<T>): Promise<T> {
  const created = prepareFolder(folder, beside, RestoreError, 'Nothing was restored.');
  const undo = () => {
    if (created !== undefined) removeIfEmpty(created);
  };
  using _ = whenDiscarded(undo);
  try {
    return await fn();
  } catch (error) {
    undo();
    throw error;
  }
}

/** Returns the command or call that finishes a killed restore. */
function finishHint(host: Host, target: string): string {
  return howTo(host, `restore --db ${shellQuoted(target)}`, `restore({ to: ${shellQuoted(target)} })`);
}

/** @throws RestoreError if the files of a killed restore cannot be read or moved. */
function finishEarlier(target: string, folder: string, finish: string): Finished | undefined {
  try {
    return finishInterrupted(target, folder, finish);
  } catch (error) {
    const what = `An interrupted restore into ${target} could not be finished.`;
    throw failureOf(RestoreError, error, what, `Check ${folder}, which has the replaced files, and try again.`);
  }
}

function nothingToFinish(target: string, host: Host): RestoreError {
  return new RestoreError('NOTHING_TO_FINISH', `No restore into ${target} was interrupted. Nothing was changed.`, {
    hint: `Name the backup: ${howTo(host, 'restore FILE', 'restore({ from })')}; ${howTo(host, 'backups', 'listBackups(folder)')} lists them.`,
  });
}

async function restoreFrom(
  kit: Kit,
  target: string,
  source: string,
  folder: string,
  finish: string,
  { deep = false, onProgress }: RestoreOptions,
): Promise<Omit<Outcome, 'finished'>> {
  const { adapter } = kit;
  refuseOpen(target);
  await using thread = await startThread(adapter);
  const backup = await verify(kit, thread, source, deep);
  refuseUnfit(backup);
  const listener = new Listener(onProgress);
  try {
    const present = await presentAt(kit, thread, target);
    assertRoomFor(backup, target, folder);
    await using staged = new Making(adapter, stagedName(target));
    const migrated = await stage(kit, thread, backup, staged, present.owner, listener);
    const replaced = putInPlace(adapter, target, staged.path, present, folder, finish);
    prove(kit, target, replaced);
    const old = replaced && present.state === 'sound' ? join(replaced, basename(target)) : undefined;
    const tables = await compared(() => compareAsFarAsReadable(thread, target, old), target, replaced);
    const { problem } = present;
    return { backup, migrated, tables, ...(replaced && { replaced }), ...(problem && { replacedProblem: problem }) };
  } catch (error) {
    if (listener.threw(error)) throw error;
    const what = `Nothing was restored to ${target}; the previous files are in place.`;
    throw failureOf(RestoreError, error, what, 'Check the folder of the database and its disk, then try again.');
  }
}

const CHECK = checkOwner('the folder, and the disk', 'try again');

/** Compares the files. Errors are reported separately, because the restore is done. */
async function compared<T>(compare: () => Promise<T>, target: string, replaced: string | undefined): Promise<T> {
  try {
    return await compare();
  } catch (cause) {
    const previous = replaced ? ` The previous files are in ${replaced}.` : '';
    throw new RestoreError(
      'NOT_COMPARED',
      `${target} was restored, but could not be compared with the replaced file.${previous}`,
      { hint: 'Nothing needs to be done again. Check the disk.', cause },
    );
  }
}

/** Checks that the restored file opens; otherwise the previous files are put back. */
function prove(kit: Kit, target: string, replaced: string | undefined): void {
  try {
    proveOpens(kit, target);
  } catch (cause) {
    const others = processesWith(target) ?? [];
    if (others.length === 0) {
      if (replaced) putBackAfter(cause, target, replaced, finishHint(kit.definition, target));
      else removeSet(target);
      throw cause;
    }
    throw new RestoreError(
      'NOT_PROVED',
      `${target} was restored but did not open, and ${others.join(', ')} has it open. The previous files are in ${replaced ?? 'no folder: there were none'}.`,
      { hint: 'Stop that process, then restore again.', cause },
    );
  }
}

/** @throws RestoreError if this code could not open the restored file. */
function refuseUnfit({ path, state, problem }: VerifyReport): void {
  if (!problem) return;
  throw new RestoreError(
    `MIGRATION_${state.toUpperCase()}`,
    `${path} cannot be restored by this version. ${problem.message}`,
    { hint: problem.hint },
  );
}

function targetOf(definition: Definition, to: unknown): string {
  const path = givenOrDefault(definition, to, 'options.to');
  if (path === MEMORY) throw new InvalidInputError('options.to', 'must be the path of a file');
  requireFolder(dirname(path), RestoreError, 'Nothing was restored.');
  return realFile(path);
}

function sourceOf(from: unknown, target: string): string | undefined {
  if (from === undefined) return undefined;
  const path = databasePath(from, 'options.from');
  const source = isThere(path) ? realFile(path) : path;
  if (source === target) throw new InvalidInputError('options.from', 'must not be the database itself');
  return source;
}
