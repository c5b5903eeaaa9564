import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { BackupError, backup, closeDb, createDb, RestoreError, recover, restore } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { contents, deny, fatten, idsIn, mode, rejects, SLOW_DISK_MS } from './support.ts';

/** A file system of 16 MB, where one may be mounted. */
function smallDisk(): (Disposable & { readonly path: string; leave(bytes: number): void; clear(): void }) | undefined {
  const path = mkdtempSync(join(tmpdir(), 'dorkos-db-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', path]).status === 0;
  const filler = join(path, 'filler');
  const disk = {
    path,
    leave(bytes: number) {
      const { bavail, bsize } = statfsSync(path);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - bytes));
    },
    clear: () => rmSync(filler, { force: true }),
    [Symbol.dispose]: () => {
      if (isMounted) spawnSync('umount', [path]);
      rmSync(path, { recursive: true, force: true });
    },
  };
  if (isMounted) return disk;
  disk[Symbol.dispose]();
  return undefined;
}

describe(`a disk without room on ${RUNTIME}`, () => {
  it('is said before anything is written; the file is unharmed, and it works when there is room', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using disk = smallDisk();
    // Where nothing may be mounted, the limit to the size of files in backup.test.ts stands for it.
    if (!disk) return;
    const file = join(disk.path, 'dork.db');
    const from = folder.file('backup.db');
    mkdirSync(join(disk.path, 'backups'));
    {
      using db = createDb(file);
      fatten(db, 3);
      deny(db, 'kept');
      await backup(db, { to: from });
    }
    disk.leave(statSync(file).size / 2);
    const before = contents(disk.path);
    const db = createDb(file);
    const error = await rejects(backup(db), BackupError, 'NO_ROOM');
    assert.match(error.message, /bytes free; a copy of .* may need \d+/);
    assert.equal(error.retryable, true);
    closeDb(db);
    await rejects(restore({ from, to: file }), RestoreError, 'NO_ROOM');
    await rejects(recover({ from: file }), BackupError, 'NO_ROOM');
    const after = contents(disk.path);
    assert.deepEqual(after, before);

    disk.clear();
    using again = createDb(file);
    const { path } = await backup(again);
    closeDb(again);
    await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
    assert.equal(readdirSync(join(disk.path, 'backups')).filter((name) => name.startsWith('replaced-')).length, 1);
  });

  it('does not matter where the backups are on another disk: the replaced set is copied there', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using disk = smallDisk();
    if (!disk) return;
    const file = folder.file('dork.db');
    symlinkSync(disk.path, folder.file('backups'));
    const db = createDb(file);
    deny(db, 'kept');
    const { path } = await backup(db);
    deny(db, 'later');
    closeDb(db);
    disk.leave(statSync(file).size / 2);
    await rejects(restore({ from: path, to: file }), RestoreError, 'NO_ROOM');
    assert.deepEqual(idsIn(file), ['kept', 'later']);
    disk.clear();
    const { replaced = '' } = await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
    assert.notEqual(statSync(replaced).dev, statSync(file).dev);
    assert.deepEqual([mode(replaced), mode(join(replaced, 'dork.db'))], ['700', '600']);
    assert.deepEqual(idsIn(join(replaced, 'dork.db')), ['kept', 'later']);
  });
});
