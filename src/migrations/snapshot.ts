import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Connection } from '../core/connection.ts';
import { copyDatabase } from '../core/copy.ts';
import { BackupError, MigrationError } from '../core/errors.ts';
import { backupFolder, createPrivateFolder } from '../core/file.ts';
import { BUSY_TIMEOUT_MS } from '../core/pragmas.ts';
import type { History } from './history.ts';
import { ledgerText } from './ledger.ts';
import { countRows, type RowCounts } from './rows.ts';

/** How many snapshots from before migrations stay. */
export const SNAPSHOTS_KEPT = 10;

const LABEL = 'pre-migration';
const STAMP_AND_TAG = /^\d{8}T\d{9}Z-.+\.db$/;

/** `dork-pre-migration-20261122T093000000Z-0003_budgets.db`: the text order of the names is the order of time. */
function snapshotName(filename: string, tag: string): string {
  const stamp = new Date().toISOString().replaceAll(/[-:.]/g, '');
  return `${stemOf(filename)}-${LABEL}-${stamp}-${tag}.db`;
}

/** `dork` of `/home/me/.dork/dork.db`. */
export function stemOf(filename: string): string {
  return basename(filename).replace(/\.[^.]*$/, '');
}

/** The snapshots from before migrations beside a file, newest first. */
export function listSnapshots(filename: string): string[] {
  const folder = backupFolder(filename);
  const prefix = `${stemOf(filename)}-${LABEL}-`;
  let names: string[] = [];
  try {
    names = readdirSync(folder).filter(
      (name) => name.startsWith(prefix) && STAMP_AND_TAG.test(name.slice(prefix.length)),
    );
  } catch {
    // No folder, no snapshots.
  }
  return names
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

/**
 * Copies the file into `backups/` beside it and reads the copy back; the ten newest stay. The caller holds the write
 * lock, so that the snapshot is the state that the migration begins with.
 *
 * @param tag The newest migration that the file has.
 * @returns The snapshot's path.
 * @throws MigrationError of kind `failed` where it cannot be made; the migration has not begun.
 */
export function takeSnapshot(connection: Connection, tag: string, rows: RowCounts): string {
  const folder = backupFolder(connection.filename);
  const to = join(folder, snapshotName(connection.filename, tag));
  const ledger = ledgerText(connection);
  try {
    createPrivateFolder(folder);
    // A second connection: VACUUM cannot run in the transaction that holds the lock, but beside it.
    using source = connection.sibling(connection.filename, { readonly: true });
    source.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT_MS}`);
    copyDatabase(source, to, (copy) => {
      const counts = countRows(copy);
      const isSame = ledgerText(copy) === ledger && Object.entries(rows).every(([table, n]) => counts[table] === n);
      if (!isSame) {
        throw new BackupError(
          'COPY_DIFFERS',
          `The snapshot ${to} does not hold what ${connection.filename} holds. It was removed.`,
          {
            hint: 'Look at the disk that the folder is on.',
          },
        );
      }
    });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MigrationError(
      'failed',
      `No snapshot could be made before migrating ${connection.filename}, so nothing was migrated. ${reason}`,
      {
        hint: 'Make room in its folder, or look at the folder backups beside the file, then start again.',
        cause,
      },
    );
  }
  for (const old of listSnapshots(connection.filename).slice(SNAPSHOTS_KEPT)) rmSync(old, { force: true });
  return to;
}

/** The newest snapshot that this history can open: its ledger is the beginning of the history. */
export function fittingSnapshot(connection: Connection, history: History): string | undefined {
  const hashes = `${history.migrations.map(({ hash }) => hash).join(',')},`;
  return listSnapshots(connection.filename).find((path) => {
    try {
      using snapshot = connection.sibling(path, { readonly: true });
      return hashes.startsWith(`${ledgerText(snapshot)},`);
    } catch {
      return false;
    }
  });
}
