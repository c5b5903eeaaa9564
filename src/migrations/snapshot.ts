import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../core/connection.ts';
import { copyDatabase } from '../core/copy.ts';
import { copyName, parseCopyName, wreckageAmong } from '../core/copy-name.ts';
import { BackupError, DorkDbError, MigrationError } from '../core/errors.ts';
import { backupFolder, createPrivateFolder, stemOf } from '../core/file.ts';
import { giveTo, ownerOf } from '../core/owner.ts';
import { MEMORY } from '../core/path.ts';
import { BUSY_TIMEOUT_MS } from '../core/pragmas.ts';
import { messageOf } from '../core/realm.ts';
import type { History } from './history.ts';
import { readLedger } from './ledger.ts';
import { planFor } from './plan.ts';
import { countRows, type RowCounts } from './rows.ts';
import { schemaDrift } from './schema-state.ts';

/** How many snapshots from before migrations stay. */
export const SNAPSHOTS_KEPT = 10;

const KIND = 'pre-migration';

/** True for the name of a snapshot of this file. */
function isSnapshotName(name: string, filename: string): boolean {
  const parsed = parseCopyName(name);
  return parsed?.kind === KIND && parsed.stem === stemOf(filename) && parsed.tag !== undefined;
}

/** The snapshots from before migrations beside a file, newest first. */
export function listSnapshots(filename: string): string[] {
  if (filename === MEMORY) return [];
  const folder = backupFolder(filename);
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter((name) => isSnapshotName(name, filename));
  } catch {
    // No folder, no snapshots.
  }
  return names
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * Copies the file into `backups/` beside it and reads the copy back. The caller holds the write lock, so that the
 * snapshot is the state that the migration begins with.
 *
 * @param tag The newest migration that the file has.
 * @returns The snapshot's path.
 * @throws MigrationError of kind `failed` where it cannot be made; the migration has not begun.
 */
export function takeSnapshot(connection: Connection, tag: string, rows: RowCounts): string {
  const { filename } = connection;
  const folder = backupFolder(filename);
  const to = join(folder, copyName(filename, KIND, new Date(), tag.replaceAll(/[^\w.-]+/g, '_')));
  try {
    const owner = ownerOf(filename);
    if (createPrivateFolder(folder)) giveTo(owner, folder);
    removeWreckage(filename);
    // A second connection: VACUUM cannot run in the transaction that holds the lock, but beside it.
    using source = connection.sibling(filename, { readonly: true });
    source.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    copyDatabase(source, to, (copy) => {
      const differs = differenceOf(connection, copy, rows);
      if (differs === undefined) return giveTo(owner, copy.filename);
      throw new BackupError(
        'COPY_DIFFERS',
        `The snapshot ${to} differs from ${filename} in ${differs}. It was removed.`,
        {
          hint: 'Look at the disk that the folder is on.',
        },
      );
    });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new MigrationError(
      'failed',
      `No snapshot could be made before migrating ${filename}, so nothing was migrated. ${reason}`,
      {
        hint: 'Make room in its folder, or look at the folder backups beside the file, then start again.',
        retryable: cause instanceof DorkDbError && cause.retryable,
        cause,
      },
    );
  }
  return to;
}

function differenceOf(connection: Connection, copy: Connection, rows: RowCounts): string | undefined {
  const counts = countRows(copy);
  const table = Object.keys(rows).find((name) => counts[name] !== rows[name]);
  if (table !== undefined) return `the rows of ${table}`;
  if (schemaDrift(copy, connection).length > 0) return 'its schema';
  const hashes = (of: Connection) =>
    readLedger(of)
      .map(({ hash }) => hash)
      .join();
  return hashes(copy) === hashes(connection) ? undefined : 'its ledger';
}

/** Removes what processes left that were killed while they made a snapshot of this file. */
function removeWreckage(filename: string): void {
  const folder = backupFolder(filename);
  const isOfFile = (name: string) => isSnapshotName(name, filename);
  for (const path of wreckageAmong(folder, readdirSync(folder), isOfFile)) rmSync(path, { force: true });
}

/** Keeps the ten newest, and the given one whatever the clock says. */
export function pruneSnapshots(filename: string, latest: string): void {
  const others = listSnapshots(filename).filter((path) => path !== latest);
  for (const old of others.slice(SNAPSHOTS_KEPT - 1)) removeSnapshot(old);
}

/** Removes a snapshot. One that cannot be removed is only in the way; the migration does not depend on it. */
export function removeSnapshot(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder's owner may take it away.
  }
}

/** The newest snapshot that this history can open: nothing in it is unknown to the history. */
export function fittingSnapshot(connection: Connection, history: History): string | undefined {
  return listSnapshots(connection.filename).find((path) => {
    try {
      using snapshot = connection.sibling(path, { readonly: true });
      const { applied, problem } = planFor(snapshot, history);
      return applied.length > 0 && problem === undefined;
    } catch {
      return false;
    }
  });
}
