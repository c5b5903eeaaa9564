import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from '../connection/connection.ts';
import { BUSY_TIMEOUT_MS } from '../connection/pragmas.ts';
import { copyDatabase } from '../copies/copy-database.ts';
import { isCopyName, namesIn, sweepSync } from '../copies/sweep.ts';
import { BackupError, DorkDbError, MigrationError } from '../errors.ts';
import {
  backupFolder,
  copyName,
  isAhead,
  isDisposable,
  isOf,
  migrationTag,
  newestFirst,
  parseCopyName,
  UNVERSIONED,
} from '../file/copy-name.ts';
import { createPrivateFolder, removeIfEmpty } from '../file/create.ts';
import { freePath } from '../file/free-path.ts';
import { giveTo, ownerOf } from '../file/owner.ts';
import { MEMORY } from '../file/path.ts';
import { messageOf } from '../realm.ts';
import type { History } from './history.ts';
import { readLedger } from './ledger.ts';
import { planFor } from './plan.ts';
import { countRows, type RowCounts } from './rows.ts';
import { schemaDrift } from './schema-state.ts';

/** Number of pre-migration snapshots to keep. */
export const SNAPSHOTS_KEPT = 10;

const KIND = 'pre-migration';

/**
 * Returns the pre-migration snapshots next to a file, newest first. Those dated in the future are last.
 *
 * @throws BackupError `FOLDER_UNREADABLE`
 */
export function listSnapshots(filename: string): string[] {
  return snapshotsOf(filename).map(({ path }) => path);
}

function snapshotsOf(filename: string) {
  if (filename === MEMORY) return [];
  const folder = backupFolder(filename);
  return namesIn(folder)
    .flatMap((file) => {
      const name = parseCopyName(file);
      return name?.kind === KIND && isOf(name, folder, filename) ? [{ path: join(folder, file), name }] : [];
    })
    .sort((a, b) => newestFirst(a.name, b.name));
}

/** A snapshot that was created. */
export interface Snapshot {
  readonly path: string;
  /** The folder, if it was created for the snapshot. */
  readonly createdFolder?: string | undefined;
}

/**
 * Copies the file into the folder `backups` next to it and verifies the copy. The caller holds the write lock, so the
 * snapshot is exactly the state before the migration.
 *
 * @param tag The newest migration of the file.
 * @throws MigrationError of kind `failed` if the snapshot cannot be created; the migration has not begun.
 */
export function takeSnapshot(connection: Connection, tag: string | undefined, rows: RowCounts): Snapshot {
  const { filename } = connection;
  const folder = backupFolder(filename);
  const nameAt = (at: Date) => copyName(folder, filename, KIND, at, migrationTag(tag ?? UNVERSIONED));
  let to = join(folder, nameAt(new Date()));
  let createdFolder: string | undefined;
  try {
    const owner = ownerOf(filename);
    if (createPrivateFolder(folder)) {
      createdFolder = folder;
      giveTo(owner, folder);
    }
    to = freePath((at) => join(folder, nameAt(at)));
    sweepSync(connection.adapter, folder, isCopyName);
    // VACUUM cannot run in the transaction that holds the lock, so a second connection runs it.
    using source = connection.sibling(filename, { readonly: true });
    source.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    const prove = (copy: Connection) => {
      const differs = differenceOf(connection, copy, rows);
      if (differs === undefined) return giveTo(owner, copy.filename);
      throw new BackupError(
        'COPY_DIFFERS',
        `The snapshot ${to} differs from ${filename} in ${differs}. It was removed.`,
        {
          hint: 'Check the disk of this folder.',
        },
      );
    };
    copyDatabase(source, to, prove, { createdFolder });
  } catch (cause) {
    const reason = messageOf(cause);
    throw new MigrationError(
      'failed',
      `No snapshot could be made before migrating ${filename}, so nothing was migrated. ${reason}`,
      {
        hint: 'Free some disk space or check the folder backups next to the file, then try again.',
        retryable: cause instanceof DorkDbError && cause.retryable,
        cause,
      },
    );
  }
  return { path: to, createdFolder };
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

/**
 * Keeps the ten newest snapshots, and always the latest one. A snapshot dated in the future is kept and not counted,
 * because its real age is unknown. Failures are ignored, because the migration does not depend on this.
 */
export function pruneSnapshots(filename: string, latest: string, { migrations }: History): void {
  try {
    const counted = snapshotsOf(filename).filter(
      ({ path, name }) => path !== latest && !isAhead(name) && isDisposable(name, migrations),
    );
    for (const { path } of counted.slice(SNAPSHOTS_KEPT - 1)) rmSync(path, { force: true });
  } catch {
    // The folder's owner may remove them.
  }
}

/** Removes a snapshot, and the folder if it was created for it. A failure is ignored. */
export function removeSnapshot({ path, createdFolder }: Snapshot): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder's owner may remove it.
  }
  if (createdFolder !== undefined) removeIfEmpty(createdFolder);
}

/** Returns the newest snapshot that this history can open, i.e. one without unknown migrations. */
export function fittingSnapshot(connection: Connection, history: History): string | undefined {
  return readableSnapshots(connection.filename).find((path) => {
    try {
      using snapshot = connection.sibling(path, { readonly: true });
      const { applied, problem } = planFor(snapshot, history);
      return applied.length > 0 && problem === undefined;
    } catch {
      return false;
    }
  });
}

/** Returns an empty list for an unreadable folder, so that the actual error is reported. */
function readableSnapshots(filename: string): string[] {
  try {
    return listSnapshots(filename);
  } catch {
    return [];
  }
}
