import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { Connection } from '../connection/connection.ts';
import type { Making } from '../copies/making.ts';
import { assertRoom } from '../copies/room.ts';
import type { Kit } from '../definition.ts';
import { RestoreError } from '../errors.ts';
import { fsyncPath } from '../file/flush.ts';
import { migrate } from '../migrations/runner.ts';
import type { Thread } from '../worker/thread.ts';
import { type BackupProgress, fillFrom } from './copy.ts';
import { sidecarsOf } from './file-set.ts';
import type { Listener } from './listener.ts';
import { openThere, UNTRUSTING } from './look.ts';
import type { Present } from './present.ts';
import { type VerifyReport, verify } from './verify.ts';

/**
 * Creates the file that will replace the database: the backup's content, migrated if it is older, and completely
 * verified. The database itself is not changed.
 *
 * @returns The migrations that were applied.
 */
export async function stage(
  kit: Kit,
  thread: Thread,
  backup: VerifyReport,
  staged: Making,
  owner: Present['owner'],
  listener: Listener<BackupProgress>,
): Promise<string[]> {
  // VACUUM INTO counts as a write for query_only.
  const source = await openThere(thread, backup.path, UNTRUSTING);
  await fillFrom(source, staged, backup.bytes, owner, listener);
  await source.close();
  const migrated = backup.pending.length > 0 ? migrateCopy(kit, staged.path) : [];
  const { rows } = await verify(kit, thread, staged.path, false);
  const differs = Object.keys(backup.rows).find((table) => rows[table] !== backup.rows[table]);
  if (migrated.length > 0 || differs === undefined) return migrated;
  throw new RestoreError('COPY_DIFFERS', `The copy of ${backup.path} differs from it in the rows of ${differs}.`, {
    hint: 'Check the disk of the database.',
  });
}

function migrateCopy({ adapter, definition }: Kit, path: string): string[] {
  using connection = new Connection(adapter, path, { host: definition });
  connection.exec('PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF');
  // The backup serves as the snapshot.
  const { applied } = migrate(connection, definition.history, { snapshot: false });
  connection.close();
  fsyncPath(path);
  return applied.map(({ tag }) => tag);
}

/** @throws RestoreError `NO_ROOM` */
export function assertRoomFor(backup: VerifyReport, target: string, folder: string): void {
  // A migration that rebuilds a table writes it a second time.
  const staged = backup.bytes * (backup.pending.length > 0 ? 3 : 1);
  const isOneDisk = statSync(dirname(target)).dev === statSync(folder).dev;
  const set = ['', ...sidecarsOf(target)].map(
    (suffix) => statSync(target + suffix, { throwIfNoEntry: false })?.size ?? 0,
  );
  const kept = isOneDisk ? 0 : set.reduce((sum, bytes) => sum + bytes, 0);
  for (const [where, needed] of [
    [dirname(target), staged],
    [folder, kept],
  ] as const) {
    assertRoom(where, needed, `restoring ${backup.path}`, RestoreError, 'Nothing was restored.');
  }
}
