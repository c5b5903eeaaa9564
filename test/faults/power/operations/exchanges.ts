import assert from 'node:assert/strict';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { backup, compact, createDb, recover, restore } from '#entry';
import { closedHome, crashedHome, fileIn, WRITERS } from '../../homes.ts';
import { acknowledgedIn, assertAcknowledged, assertSoundOften } from '../../oracle.ts';
import type { Bench } from '../../scenario.ts';
import { assertKeptAfterPower, leftIn, type Operation, transactionsIn } from '../operation.ts';
import { reportOf } from '../told.ts';

const THEN = new Map(WRITERS.map((name) => [name, 12]));
const backupIn = (home: string) => join(home, 'then', 'backup.db');

/** A database with a -wal, and a backup from before its last writer. */
async function liveHome(home: string, bench: Bench): Promise<void> {
  mkdirSync(join(home, 'then'));
  closedHome(home, 12);
  {
    using db = createDb(fileIn(home));
    await backup(db, { to: backupIn(home) });
  }
  await crashedHome(home, bench, 12, 8);
}

/** The folders of sets that were replaced and hold what was acknowledged. */
function keptSets(home: string): string[] {
  const backups = join(home, 'backups');
  if (!existsSync(backups)) return [];
  const now = acknowledgedIn(home);
  return readdirSync(backups).filter((name) => {
    if (!/^replaced-\w+$/.test(name)) return false;
    using db = createDb(join(backups, name, 'dork.db'));
    assertSoundOften(db);
    assertAcknowledged(db, now);
    return true;
  });
}

/** Finishes what the power ended, if a marker says so; gives true if it did. */
async function finish(home: string): Promise<boolean> {
  try {
    createDb(fileIn(home)).$client.close();
    return false;
  } catch (error) {
    assert.match(String((error as { hint?: string }).hint), /restore/, String(error));
    await restore({ to: fileIn(home) });
    return true;
  }
}

const RESTORE: Operation = {
  name: 'restore',
  promise: 'A restore leaves the old files or the new one; what it reported is there, and what it replaced.',
  prepare: liveHome,
  job: 'power-restore',
  args: (home) => ({ from: backupIn(home), to: fileIn(home) }),
  judge: async (home, told) => {
    const report = reportOf<{ replaced: string }>(told);
    assert.ok(!(await finish(home)) || !report, 'the restore was reported, and is not finished');
    let isNew: boolean;
    {
      using db = createDb(fileIn(home));
      assertSoundOften(db);
      isNew = transactionsIn(db, 'cyd') === 0;
      assertAcknowledged(db, isNew ? THEN : acknowledgedIn(home));
    }
    assert.ok(isNew || !report, 'what was restored is not there');
    if (isNew) assert.ok(keptSets(home).length > 0, 'the replaced files are gone');
    if (report) assert.ok(keptSets(home).includes(basename(report.replaced)));
    await goOn(home);
    return isNew ? 'the new file' : 'the old files';
  },
};

async function goOn(home: string): Promise<void> {
  await restore({ from: backupIn(home), to: fileIn(home) });
  using db = createDb(fileIn(home));
  assertSoundOften(db);
  assertAcknowledged(db, THEN);
  assert.deepEqual(leftIn(home), []);
}

/** Zeroes pages in the middle. */
function damage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0, 4096 * 4, 4096 * 12);
  bytes.fill(0xff, 0, 16);
  writeFileSync(file, bytes);
}

/** The folders that hold the damaged file and its -wal. */
function damagedSets(home: string): string[] {
  const backups = join(home, 'backups');
  return (existsSync(backups) ? readdirSync(backups) : []).filter((name) => {
    const file = join(backups, name, 'dork.db');
    return /^replaced-\w+$/.test(name) && existsSync(`${file}-wal`) && readFileSync(file)[0] === 0xff;
  });
}

const RESTORE_DAMAGED: Operation = {
  name: 'restore-damaged',
  promise: 'A restore over a damaged file and its -wal leaves them, a marker that is finished, or the new file.',
  prepare: async (home, bench) => {
    await liveHome(home, bench);
    damage(fileIn(home));
  },
  job: 'power-restore',
  args: RESTORE.args,
  judge: async (home, told) => {
    const report = reportOf<{ replaced: string }>(told);
    const isOld = () =>
      readFileSync(fileIn(home))
        .subarray(0, 16)
        .every((byte) => byte === 0xff);
    let met = isOld() ? 'the old files' : 'the new file';
    if (!isOld() && (await finish(home))) {
      assert.ok(!report, 'the restore was reported, and is not finished');
      met = isOld() ? 'a marker, put back' : 'a marker';
    }
    if (!isOld()) {
      using db = createDb(fileIn(home));
      assertSoundOften(db);
      assertAcknowledged(db, THEN);
    }
    assert.ok(!isOld() || !report, 'what was restored is not there');
    if (isOld()) assert.ok(existsSync(`${fileIn(home)}-wal`), 'the old file has lost its -wal');
    if (!isOld()) assert.ok(damagedSets(home).length > 0, 'the replaced files are gone');
    if (report) assert.ok(existsSync(join(home, 'backups', basename(report.replaced), 'dork.db-wal')));
    await goOn(home);
    return met;
  },
};

const RESTORE_MISSING: Operation = {
  name: 'restore-missing',
  promise: 'A restore to where nothing is leaves nothing or the new file.',
  prepare: async (home, bench) => {
    await liveHome(home, bench);
    for (const suffix of ['', '-wal', '-shm']) rmSync(fileIn(home) + suffix, { force: true });
  },
  job: 'power-restore',
  args: RESTORE.args,
  judge: async (home, told) => {
    const isThere = existsSync(fileIn(home));
    assert.ok(isThere || !reportOf(told), 'what was restored is not there');
    if (isThere) {
      using db = createDb(fileIn(home));
      assertSoundOften(db);
      assertAcknowledged(db, THEN);
    }
    await goOn(home);
    return isThere ? 'the new file' : 'nothing';
  },
};

const COMPACT: Operation = {
  name: 'compact',
  promise: 'A compaction leaves the old or the new file with every row, and what it reported is the new one.',
  prepare: (home, bench) => crashedHome(home, bench, 12, 8),
  job: 'compact',
  args: (home) => ({ file: fileIn(home) }),
  judge: (home, told) => {
    const isDone = reportOf(told) !== undefined;
    {
      using db = createDb(fileIn(home));
      if (isDone) assert.equal(db.$client.pragma('freelist_count', { simple: true }), 0);
    }
    assertKeptAfterPower(home, told);
    compact(fileIn(home));
    assertKeptAfterPower(home, told);
    assert.deepEqual(leftIn(home), []);
    return isDone ? 'after the report' : 'before the report';
  },
};

/** Puts the -journal of a process that was killed in the middle of a transaction next to a file that is not in WAL mode. */
function leaveHotJournal(file: string): void {
  const live = `${file}-live`;
  copyFileSync(file, live);
  {
    using memory = createDb(':memory:');
    using connection = memory.$client.sibling(live);
    // With a small cache SQLite writes pages of the transaction into the file before its end.
    connection.exec('PRAGMA journal_mode = DELETE; PRAGMA cache_size = 2; BEGIN IMMEDIATE');
    connection.exec("UPDATE relay_index SET payload = payload || 'lost'; UPDATE relay_traces SET subject = 'lost'");
    for (const suffix of ['', '-journal']) copyFileSync(live + suffix, file + suffix);
  }
  rmSync(live);
  assert.ok(statSync(`${file}-journal`).size > 0);
}

const COMPACT_JOURNAL: Operation = {
  ...COMPACT,
  name: 'compact-journal',
  promise: 'A compaction beside the -journal of a crash never rolls it into the new file.',
  prepare: (home) => {
    closedHome(home, 12);
    leaveHotJournal(fileIn(home));
  },
};

const RECOVER: Operation = {
  name: 'recover',
  promise: 'A recovered file that was reported is whole under its name; the damaged one is never changed.',
  prepare: (home) => {
    closedHome(home, 12);
    damage(fileIn(home));
  },
  job: 'power-recover',
  args: (home) => ({ from: fileIn(home) }),
  judge: async (home, told) => {
    const report = reportOf<{ to: string }>(told);
    const damaged = readFileSync(fileIn(home));
    assert.ok(damaged.subarray(0, 16).every((byte) => byte === 0xff));
    const backups = join(home, 'backups');
    const there = existsSync(backups) ? readdirSync(backups).filter((name) => name.endsWith('.db')) : [];
    for (const name of there) {
      using db = createDb(join(backups, name), { readonly: true, migrations: 'skip' });
      assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
    }
    if (report) assert.ok(there.includes(basename(report.to)), `${report.to} is gone`);
    rmSync(backups, { recursive: true, force: true });
    await recover({ from: fileIn(home) });
    assert.deepEqual(readFileSync(fileIn(home)), damaged);
    assert.deepEqual(leftIn(home), []);
    return report ? 'after the report' : 'before the report';
  },
};

export const EXCHANGES = [RESTORE, RESTORE_DAMAGED, RESTORE_MISSING, COMPACT, COMPACT_JOURNAL, RECOVER];
