import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  backup,
  checkpoint,
  closeDb,
  compact,
  createDb,
  listBackups,
  pruneBackups,
  restore,
  verifyBackup,
} from '#entry';
import { closedHome, crashedHome, fatten, fileIn, WRITERS } from '../homes.ts';
import { acknowledgedIn, assertAcknowledged, assertKept, assertNoWreckage, assertSound } from '../oracle.ts';
import { killed, type Moment, wreckageIn } from './kill.ts';

function kept(home: string): undefined {
  assertKept(fileIn(home), home);
  assertNoWreckage(home);
}

const OPEN: Moment = {
  name: 'open',
  promise: 'A new file that is killed while it is made is made by the next opening.',
  job: 'open',
  model: () => {},
  args: (home) => ({ file: fileIn(home) }),
  rounds: { quick: 3, usual: 30 },
  check: (home) => {
    kept(home);
    // And again, now that it is there.
    kept(home);
  },
};

const RECOVERY: Moment = {
  ...OPEN,
  name: 'wal-recovery',
  promise: 'An opening that is killed while it recovers the -wal of an earlier crash loses nothing of it.',
  model: crashedHome,
  check: kept,
};

const WAL_SWITCH: Moment = {
  ...OPEN,
  name: 'wal-switch',
  promise: 'An opening that is killed while it changes the file to WAL mode loses nothing.',
  model: (home) => {
    closedHome(home);
    using db = createDb(fileIn(home));
    assert.equal(db.$client.pragma('journal_mode = delete', { simple: true }), 'delete');
  },
  check: kept,
};

const WRITE: Moment = {
  name: 'write',
  promise: 'Every acknowledged commit is there, of each transaction all or nothing.',
  job: 'write',
  model: (home) => closedHome(home),
  args: (home) => ({ file: fileIn(home), logs: home, writer: 'ada', transactions: 150 }),
  rounds: { quick: 6, usual: 60 },
  check: kept,
};

const CHECKPOINT: Moment = {
  name: 'checkpoint',
  promise: 'A checkpoint that is killed loses nothing, and the next one goes on.',
  job: 'checkpoint',
  model: crashedHome,
  args: (home) => ({ file: fileIn(home) }),
  check: (home) => {
    kept(home);
    using db = createDb(fileIn(home));
    assert.equal(checkpoint(db).busy, false);
  },
};

const CLOSE: Moment = {
  name: 'close',
  promise: 'A close that is killed loses nothing.',
  job: 'close',
  model: crashedHome,
  args: (home) => ({ file: fileIn(home) }),
  check: kept,
};

const BACKUP: Moment = {
  name: 'backup',
  promise: 'A backup that is killed is never listed, is cleaned up by name, and the database is as it was.',
  job: 'backup',
  model: async (home, bench) => {
    await crashedHome(home, bench);
    fatten(home);
  },
  args: (home) => ({ file: fileIn(home), deep: true }),
  check: async (home) => {
    const backups = join(home, 'backups');
    const acknowledged = acknowledgedIn(home);
    const wreckage = existsSync(backups) ? wreckageIn(backups) : [];
    const listed = existsSync(backups) ? listBackups(backups) : [];
    for (const { path, verified } of listed) {
      assert.ok(verified, `${path} is listed`);
      await verifyBackup(path, { deep: true });
      using copy = createDb(path);
      assertAcknowledged(copy, acknowledged);
    }
    assert.ok(listed.length <= 1);
    assertKept(fileIn(home), home);
    if (existsSync(backups)) await pruneBackups(backups);
    assertNoWreckage(home);
    using db = createDb(fileIn(home));
    await backup(db);
    if (wreckage.length > 0) return 'half a backup';
  },
  mustMeet: ['half a backup'],
};

const RESTORE: Moment = {
  name: 'restore',
  promise: 'A restore that is killed leaves the old files or the new one; what was replaced is kept.',
  job: 'restore',
  model: async (home, bench) => {
    mkdirSync(join(home, 'then'));
    closedHome(home);
    fatten(home, 1);
    {
      using db = createDb(fileIn(home));
      await backup(db, { to: join(home, 'then', 'backup.db') });
    }
    // What was acknowledged when the backup was made is beside it.
    for (const [writer, transactions] of acknowledgedIn(home)) assert.equal(transactions, 40, writer);
    await crashedHome(home, bench);
  },
  args: (home) => ({ from: join(home, 'then', 'backup.db'), to: fileIn(home) }),
  check: async (home) => {
    const then = new Map(WRITERS.map((name) => [name, 40]));
    const now = acknowledgedIn(home);
    const isNew = isRestored(home);
    assertKept(fileIn(home), home, isNew ? then : now);
    if (isNew) assertReplacedIsKept(home, now);
    await restore({ from: join(home, 'then', 'backup.db'), to: fileIn(home) });
    assertKept(fileIn(home), home, then);
    assertReplacedIsKept(home, isNew ? then : now);
    assertNoWreckage(home);
    return isNew ? 'the new file' : 'the old files';
  },
  mustMeet: ['the old files|the new file'],
};

/** The third writer began after the backup. */
function isRestored(home: string): boolean {
  using db = createDb(fileIn(home));
  return db.$client.prepare("SELECT 1 FROM agents WHERE id = 'cyd'").get() === undefined;
}

/** A set that was replaced holds everything that was acknowledged in it. */
function assertReplacedIsKept(home: string, acknowledged: ReadonlyMap<string, number>): void {
  const backups = join(home, 'backups');
  const sets = readdirSync(backups).filter((name) => name.startsWith('replaced-'));
  assert.ok(
    sets.some((name) => {
      using db = createDb(join(backups, name, 'dork.db'));
      try {
        assertSound(db);
        assertAcknowledged(db, acknowledged);
        return true;
      } catch {
        return false;
      }
    }),
    `${sets.length} replaced sets, and none holds what was acknowledged`,
  );
}

const COMPACT: Moment = {
  name: 'compact',
  promise: 'A compaction that is killed leaves the old or the new file, and the next one removes what it left.',
  job: 'compact',
  model: async (home, bench) => {
    await crashedHome(home, bench);
    fatten(home);
    using db = createDb(fileIn(home));
    db.$client.exec("DELETE FROM agent_denials WHERE denier = 'fat' AND rowid % 3 > 0");
    closeDb(db);
  },
  args: (home) => ({ file: fileIn(home) }),
  check: (home) => {
    assertKept(fileIn(home), home);
    const left = wreckageIn(home);
    const { rows } = compact(fileIn(home));
    assert.ok(rows.relay_index);
    kept(home);
    if (left.length > 0) return 'half a copy';
  },
  mustMeet: ['killed|half a copy'],
};

export const KILL_MOMENTS = [OPEN, RECOVERY, WAL_SWITCH, WRITE, CHECKPOINT, CLOSE, BACKUP, RESTORE, COMPACT].map(
  killed,
);
