import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, backupDaily, createDb, listBackups, pruneBackups } from '#entry';
import { closedHome, fileIn } from '../../homes.ts';
import { acknowledgedIn } from '../../oracle.ts';
import { assertBackupsWhole, assertBackupWhole, assertKeptAfterPower, leftIn, type Operation } from '../operation.ts';
import type { Told } from '../told.ts';

/** What a backup that was reported must hold. */
function reported({ lines }: Told): Map<string, number> {
  const least = new Map<string, number>();
  for (const { writer, commit, backup: path } of lines) {
    if (path !== undefined) return least;
    if (writer !== undefined && commit !== undefined) least.set(writer, commit + 1);
  }
  return new Map();
}

/** The reported backup is whole under its name; no listed file is half of one; the next backup works. */
async function judge(home: string, told: Told): Promise<string> {
  const before = acknowledgedIn(home);
  const path = told.lines.find((line) => line.backup !== undefined)?.backup;
  const listed = await assertBackupsWhole(home, before);
  if (path !== undefined) {
    assert.ok(listed.includes(join(home, 'backups', path.split('/').at(-1) ?? '')), `${path} is not listed`);
    await assertBackupWhole(join(home, 'backups', path.split('/').at(-1) ?? ''), reported(told));
  }
  assertKeptAfterPower(home, told);
  using db = createDb(fileIn(home));
  await backup(db, { label: 'after' });
  assert.deepEqual(leftIn(home), []);
  return path === undefined ? 'before the report' : 'after the report';
}

const BACKUP: Operation = {
  name: 'backup',
  promise: 'A backup that was reported is whole under its name; half of one is never listed.',
  prepare: (home) => closedHome(home, 12),
  job: 'power-backup',
  args: (home, logs) => ({ file: fileIn(home), logs }),
  judge,
};

const DAILY: Operation = {
  name: 'daily',
  promise: 'The backup of the day is whole under its name, and pruning keeps what it must keep.',
  prepare: async (home) => {
    closedHome(home, 12);
    using db = createDb(fileIn(home));
    const { path } = await backupDaily(db);
    const bytes = readFileSync(path);
    // Those of earlier days, and one of today that is no good any more.
    for (const day of ['20260101', '20260102', '20260103'])
      writeFileSync(path.replace(/\d{8}/, day), bytes, { mode: 0o600 });
    writeFileSync(path, bytes.subarray(0, 8192));
  },
  job: 'power-daily',
  args: (home, logs) => ({ file: fileIn(home), logs }),
  judge: async (home, told) => {
    const folder = join(home, 'backups');
    mkdirSync(folder, { recursive: true });
    const whole = listBackups(folder).filter(({ verified }) => verified);
    assert.ok(whole.length >= 2, `${whole.length} backups are left of the two newest`);
    const path = told.lines.find((line) => line.backup !== undefined)?.backup;
    for (const entry of whole) await assertBackupWhole(entry.path, acknowledgedIn(home));
    if (path !== undefined) await assertBackupWhole(join(folder, path.split('/').at(-1) ?? ''), reported(told));
    assertKeptAfterPower(home, told);
    using db = createDb(fileIn(home));
    const { path: again } = await backupDaily(db);
    await assertBackupWhole(again, acknowledgedIn(home));
    await pruneBackups(folder, { daily: 2, weekly: 0 });
    assert.equal(listBackups(folder).length, 2);
    assert.deepEqual(leftIn(home), []);
    return path === undefined ? 'before the report' : 'after the report';
  },
};

export const COPIES = [BACKUP, DAILY];
