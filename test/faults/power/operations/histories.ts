import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDb, importLegacy, migrationStatus, readHistory, repairLedger } from '#entry';
import { history } from '../../../../drizzle/history.ts';
import { contents } from '../../../engine/backup/support.ts';
import { writeFolder } from '../../../engine/migrations/support.ts';
import { ROOT } from '../../../support/runtime.ts';
import { Family } from '../../family.ts';
import { closedHome, fileIn } from '../../homes.ts';
import { assertSoundOften } from '../../oracle.ts';
import { assertTransactions, leftIn, type Operation } from '../operation.ts';
import { reportOf } from '../told.ts';

const FAMILY = new Family(60);
const familyIn = (home: string) => join(home, 'family.db');

const MIGRATE: Operation = {
  name: 'migrate',
  promise: 'A migration is done or not begun; its snapshot is whole before the file changes.',
  prepare: (home) => FAMILY.make(familyIn(home), join(home, 'drizzle')),
  job: 'power-migrate',
  args: (home) => ({ file: familyIn(home), folder: join(home, 'drizzle') }),
  judge: (home, told) => {
    const snapshots = FAMILY.assertSnapshotsWhole(familyIn(home));
    const isDone = FAMILY.goOn(familyIn(home));
    assert.ok(!isDone || snapshots > 0, 'the file was migrated, and its snapshot is gone');
    assert.ok(!reportOf(told) || isDone, 'the migration was reported, and is gone');
    // Where nothing is left to do, nobody sweeps.
    if (!isDone) assert.deepEqual(leftIn(home), []);
    return isDone ? 'after' : 'before';
  },
};

const olderIn = (home: string) => join(home, 'older');

const IMPORT: Operation = {
  name: 'import',
  promise: 'A source of the older home is in whole with its receipt or not at all, and its files are never changed.',
  prepare: (home) => {
    closedHome(home, 4);
    cpSync(join(ROOT, 'test', 'fixtures', 'legacy-home'), olderIn(home), { recursive: true });
  },
  job: 'power-import',
  args: (home) => ({ file: fileIn(home), home: olderIn(home) }),
  judge: (home, told) => {
    const before = contents(olderIn(home));
    using db = createDb(fileIn(home));
    assertSoundOften(db);
    const receipts = Number(db.$client.prepare('SELECT count(*) FROM legacy_imports').values()[0]);
    const report = reportOf<{ failed: number }>(told);
    const again = importLegacy(db, { home: olderIn(home) });
    assert.equal(again.failed, 0);
    if (report?.failed === 0) assert.equal(again.imported, 0, `${again.imported} rows of a reported import were gone`);
    assert.equal(importLegacy(db, { home: olderIn(home) }).imported, 0);
    assert.deepEqual(contents(olderIn(home)), before);
    assertSoundOften(db);
    return receipts === 0 ? 'no source' : report ? 'after the report' : 'some sources';
  },
};

const last = history.migrations.at(-1);

const REPAIR: Operation = {
  name: 'repair',
  promise: 'The repair of a ledger is done with its entry in the log, or not.',
  prepare: (home) => {
    closedHome(home, 4);
    mkdirSync(join(home, 'drizzle'));
    const migrations = history.migrations.map((each) =>
      each === last ? { ...each, sql: `${each.sql}\n-- edited\n` } : each,
    );
    writeFolder(join(home, 'drizzle'), { ...history, migrations });
  },
  job: 'power-repair',
  args: (home) => ({ file: fileIn(home), folder: join(home, 'drizzle'), tag: last?.tag }),
  judge: (home, told) => {
    const edited = readHistory(join(home, 'drizzle'));
    using db = createDb(fileIn(home), { migrations: 'skip' });
    assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
    assertTransactions(db, home, told);
    const { state } = migrationStatus(db, edited);
    assert.match(state, /^(edited|current)$/);
    assert.ok(state === 'current' || !reportOf(told), 'the repair was reported, and is gone');
    if (state === 'edited') repairLedger(db, last?.tag ?? '', { history: edited, by: 'bob', reason: 'again' });
    assert.equal(migrationStatus(db, edited).state, 'current');
    return state === 'edited' ? 'before' : 'after';
  },
};

export const HISTORIES = [MIGRATE, IMPORT, REPAIR];
