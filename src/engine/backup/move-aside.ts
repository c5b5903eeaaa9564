import { linkSync, lstatSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Claim } from '../copies/claim.ts';
import { Making } from '../copies/making.ts';
import { sweepSync, unfinishedIn } from '../copies/sweep.ts';
import type { Adapter } from '../driver/adapter.ts';
import { DorkDbError } from '../errors.ts';
import { freeAside } from '../file/aside.ts';
import { fsyncPath } from '../file/flush.ts';
import { hasCode, isSameFile, isThere } from '../file/fs.ts';
import { markerText, readMarker } from '../file/marker.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { assertReplaceable } from '../file/place.ts';
import { codeOf } from '../realm.ts';
import { inUse } from './exclusive.ts';
import { sidecarsOf } from './file-set.ts';
import { pidsWith, processesWith } from './open-files.ts';

/** The content of the journal of a move. */
interface Move {
  /** The new name of the main file, in the same folder. */
  readonly to: string;
}

/**
 * Renames a closed database in its folder, with all its files. No file is opened or copied, and every file always has
 * at least one name.
 *
 * The order of the steps keeps the database complete at every moment:
 * 1. The journal is written to the disk under its own name.
 * 2. All files get second names.
 * 3. The journal atomically replaces the main file, so that no program finds a database without its -wal.
 * 4. The first names of the other files are removed.
 * 5. The journal is removed.
 *
 * A process that is killed before step 3 leaves the database unchanged, and after it under its new name; {@link
 * finishMove} does the rest.
 *
 * @param finish The command or call that finishes a killed move.
 * @returns The new path of the main file.
 * @throws DorkDbError `IN_USE`, `MAY_BE_IN_USE`, `RUNNING`, `MOUNT_POINT`, `SYMBOLIC_LINK`, `NO_LINKS`; it was not
 * moved.
 */
export function moveAside(adapter: Adapter, filename: string, finish: string): string {
  finishMove(adapter, filename);
  refuseLink(filename);
  assertReplaceable(filename);
  refuseInUse(filename);
  using journal = new Making(adapter, journalOf(filename));
  refuseOther(adapter, filename, journal.path);
  const to = freeAside(filename);
  writeFileSync(journal.path, markerText('move', finish, { to: basename(to) } satisfies Move));
  giveTo(ownerOf(filename), journal.path);
  fsyncPath(journal.path);
  fsyncPath(dirname(filename));
  const suffixes = ['', ...sidecarsOf(filename)];
  giveSecondNames(filename, to, suffixes);
  journal.replace((path) => renameSync(path, filename));
  // A process that opened the database meanwhile has the files by their old names.
  if (isOpen(to) || !isSameSet(filename, to)) {
    undo(filename, to);
    throw inUse(filename);
  }
  endMove(filename, to);
  return to;
}

/**
 * Finishes a move that was killed, or undoes it if it had not reached step 3.
 *
 * @returns The new path of the main file; undefined if nothing was moved.
 * @throws DorkDbError `RUNNING` while another process moves it, `IN_USE`, `LOST_SET`.
 */
export function finishMove(adapter: Adapter, filename: string): string | undefined {
  const folder = dirname(filename);
  const journals = unfinishedIn(folder, (name) => name === basename(journalOf(filename)));
  for (const { path } of journals) undoNames(adapter, filename, path);
  sweepSync(adapter, folder, (name) => name === basename(journalOf(filename)));
  const to = targetOf(filename, filename);
  if (to === undefined) return undefined;
  if (!isThere(to)) {
    throw new DorkDbError('LOST_SET', `${filename} was being moved to ${to}, which is gone. Nothing was changed.`, {
      hint: `Restore ${to}, or remove ${filename}, which is a text file, to begin with an empty database.`,
    });
  }
  if (isOpen(to)) throw inUse(to);
  endMove(filename, to);
  return to;
}

function journalOf(filename: string): string {
  return `${filename}.moving`;
}

/** Returns the new path in a journal; undefined if the file is not a complete journal. */
function targetOf(filename: string, journal: string): string | undefined {
  try {
    const move = readMarker('move', journal) as Move | undefined;
    return move && join(dirname(filename), basename(move.to));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Removes the second names of a move that was killed before step 3. */
function undoNames(adapter: Adapter, filename: string, journal: string): void {
  using claim = Claim.takeOver(adapter, journal);
  if (!claim) throw running(filename);
  const to = targetOf(filename, journal);
  if (to === undefined || (isThere(to) && !isSameFile(to, filename))) return;
  for (const suffix of [...sidecarsOf(to), '']) rmSync(to + suffix, { force: true });
  fsyncPath(dirname(filename));
}

/**
 * Refuses if another move is running. Two moves that begin together notice each other, because each creates its journal
 * before the check.
 */
function refuseOther(adapter: Adapter, filename: string, own: string): void {
  const isOther = (path: string) => {
    if (path === own) return false;
    using claim = Claim.takeOver(adapter, path);
    return claim === undefined;
  };
  const journals = unfinishedIn(dirname(filename), (name) => name === basename(journalOf(filename)));
  if (journals.some(({ path }) => isOther(path))) throw running(filename);
}

function running(filename: string): DorkDbError {
  return new DorkDbError('RUNNING', `Another process moves ${filename}. Nothing was changed.`, {
    hint: 'Wait for it to end, then try again.',
    retryable: true,
  });
}

function giveSecondNames(filename: string, to: string, suffixes: readonly string[]): void {
  try {
    for (const suffix of suffixes) linkSync(filename + suffix, to + suffix);
    fsyncPath(dirname(filename));
  } catch (cause) {
    for (const suffix of suffixes) rmSync(to + suffix, { force: true });
    // Another process has moved it meanwhile.
    if (hasCode(cause, 'ENOENT')) throw running(filename);
    if (!hasCode(cause, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) throw cause;
    throw new DorkDbError(
      'NO_LINKS',
      `${filename} cannot be moved in one step, because its file system has no hard links (${codeOf(cause)}). Nothing was changed.`,
      {
        hint: 'Rename it by hand, with its -wal and its -shm if they exist, while no program uses it.',
        cause,
      },
    );
  }
}

function isSameSet(filename: string, to: string): boolean {
  const [before, after] = [sidecarsOf(filename), sidecarsOf(to)];
  return String(before) === String(after) && before.every((suffix) => isSameFile(filename + suffix, to + suffix));
}

function undo(filename: string, to: string): void {
  renameSync(to, filename);
  for (const suffix of sidecarsOf(to)) rmSync(to + suffix, { force: true });
  fsyncPath(dirname(filename));
}

function endMove(filename: string, to: string): void {
  for (const suffix of sidecarsOf(filename)) {
    // For two names of one file, a rename would keep both.
    if (isSameFile(filename + suffix, to + suffix)) rmSync(filename + suffix, { force: true });
    else renameSync(filename + suffix, to + suffix);
  }
  fsyncPath(dirname(filename));
  rmSync(filename);
  fsyncPath(dirname(filename));
}

function refuseLink(filename: string): void {
  if (!lstatSync(filename, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  throw new DorkDbError('SYMBOLIC_LINK', `${filename} is a symbolic link, and is not moved. Nothing was changed.`, {
    hint: 'Pass the file that it leads to.',
  });
}

function isOpen(filename: string): boolean {
  if ((processesWith(filename) ?? []).length > 0) return true;
  return sidecarsOf(filename).some((suffix) => (pidsWith(filename + suffix) ?? []).length > 0);
}

/** Each connection to a file in WAL mode keeps a -shm next to it. */
function refuseInUse(filename: string): void {
  if (isOpen(filename)) throw inUse(filename);
  if (pidsWith(filename) !== undefined || !isThere(`${filename}-shm`)) return;
  throw new DorkDbError(
    'MAY_BE_IN_USE',
    `This system does not report which processes have ${filename} open. Nothing was changed.`,
    {
      hint: `Stop every process that may have it open, remove '${filename}-shm', which holds no data, and try again.`,
    },
  );
}
