import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BackupError,
  backup,
  ClosedError,
  closeDb,
  createDb,
  type Db,
  InvalidInputError,
  listBackups,
  pruneBackups,
  runMigrations,
  verifyBackup,
} from '#entry';
import { history } from '../../../drizzle/history.ts';
import { dork } from '../../../src/dork/db.ts';
import { verifyBackupWith } from '../../../src/engine/backup/verify.ts';
import { Making } from '../../../src/engine/copies/making.ts';
import { createDbWith } from '../../../src/engine/create-db.ts';
import { parseCopyName } from '../../../src/engine/file/copy-name.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { contents, deny, fileWith, rejects, SLOW_DISK_MS } from './support.ts';

/** Changes a copy through plain SQL, without opening it as a database of ours. */
function change(db: Db, path: string, sql: string): void {
  const connection = db.$client.sibling(path);
  connection.exec(sql);
  connection.close();
}

const PAGE = 4096;

/** Two pages in the midst of a table or an index that hold its rows. */
function leavesOf(db: Db, path: string, name: string): number[] {
  const connection = db.$client.sibling(path, { readonly: true });
  const pages = connection
    .prepare<{ pageno: number }>(
      "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path LIMIT 2 OFFSET 3",
    )
    .all(name);
  connection.close();
  return pages.map(({ pageno }) => pageno);
}

describe(`verifyBackup on ${RUNTIME}`, () => {
  it('tells what a backup holds, and leaves it and what lies beside it as it is', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const path = folder.file('copy.db');
    {
      using db = createDb(folder.file('dork.db'));
      deny(db, 'a', 'b');
      await backup(db, { to: path });
    }
    const before = contents(folder.path);
    for (const deep of [false, true]) {
      const report = await verifyBackup(path, { deep });
      assert.equal(report.rows.agent_denials, 2);
      assert.equal(report.deep, deep);
      assert.equal(report.state, 'current');
      assert.equal(report.sha256?.length, 64);
    }
    // One that somebody opened is in WAL mode.
    fileWith(folder.file('wal-mode.db'), 'c');
    const withWalMode = contents(folder.path);
    await verifyBackup(folder.file('wal-mode.db'));
    assert.deepEqual(contents(folder.path), withWalMode);
    for (const name of Object.keys(before)) assert.equal(withWalMode[name], before[name]);
  });

  it('says by its code why a file is no backup, and changes none', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const good = folder.file('good.db');
    using db = createDb(folder.file('dork.db'));
    deny(db, ...Array.from({ length: 3000 }, (_, i) => `row-${i}`));
    db.$client.exec(`INSERT INTO pulse_schedules (id, name, cron, prompt, created_at, updated_at)
      VALUES ('s', 'n', '* * * * *', 'p', '2026-11-22T09:30:00.000Z', '2026-11-22T09:30:00.000Z')`);
    await backup(db, { to: good });
    const copy = (name: string) => {
      const path = folder.file(name);
      copyFileSync(good, path);
      return path;
    };

    writeFileSync(folder.file('text.db'), 'not a database'.repeat(100));
    writeFileSync(folder.file('empty.db'), '');
    truncateSync(copy('cut.db'), 40_960);
    writeFileSync(folder.file('no-tables.db'), '');
    change(db, folder.file('no-tables.db'), 'PRAGMA application_id = 1146049099; CREATE TABLE t (a); DROP TABLE t');
    change(db, copy('foreign.db'), 'PRAGMA application_id = 7');
    change(db, copy('no-ledger.db'), 'DROP TABLE __drizzle_migrations');
    change(
      db,
      copy('dangling.db'),
      `PRAGMA foreign_keys = OFF; INSERT INTO pulse_runs (id, schedule_id, status, started_at, created_at)
       VALUES ('r', 'nobody', 'failed', '2026-11-22T09:30:00.000Z', '2026-11-22T09:30:00.000Z')`,
    );
    const [leaf = 0] = leavesOf(db, good, 'agent_denials');
    const zeroed = readFileSync(good);
    zeroed.fill(0, (leaf - 1) * PAGE, leaf * PAGE);
    writeFileSync(folder.file('zeroed.db'), zeroed);
    // A write version of the future: SQLite reads such a file and never writes it.
    const future = readFileSync(good);
    future[18] = 18;
    writeFileSync(folder.file('future.db'), future);
    // One leaf of an index in the place of another: every page is sound, and entries are missing.
    const [one = 0, other = 0] = leavesOf(db, good, 'agent_denials_created');
    const index = readFileSync(good);
    index.copyWithin((other - 1) * PAGE, (one - 1) * PAGE, one * PAGE);
    writeFileSync(folder.file('index.db'), index);

    const before = contents(folder.path);
    for (const [name, code, deep] of [
      ['text.db', 'NOT_A_DATABASE', false],
      ['empty.db', 'FILE_MISSING', false],
      ['missing.db', 'FILE_MISSING', false],
      ['cut.db', 'TRUNCATED', false],
      ['no-tables.db', 'NO_TABLES', false],
      ['foreign.db', 'NOT_OURS', false],
      ['no-ledger.db', 'NO_LEDGER', false],
      ['zeroed.db', /^(DAMAGED|SQLITE_CORRUPT)/, false],
      ['future.db', 'DAMAGED', false],
      ['dangling.db', 'DANGLING_ROWS', true],
      ['index.db', /^(DAMAGED|SQLITE_CORRUPT)/, true],
    ] as const) {
      const error = await rejects(verifyBackup(folder.file(name), { deep }), BackupError, code);
      assert.ok(error.message.includes(name), error.message);
    }
    for (const name of ['dangling.db', 'index.db']) await verifyBackup(folder.file(name));
    assert.deepEqual(contents(folder.path), before);
    for (const path of ['', ':memory:x', 'file:x', '~/x']) await rejects(verifyBackup(path), InvalidInputError, /./);
  });

  it('tells the migrations that a restore will apply, and that a newer one cannot be opened', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const older = folder.file('older.db');
    {
      using db = createDb(older, { migrations: 'skip' });
      runMigrations(db, { history: { ...history, migrations: history.migrations.slice(0, 1), schema: undefined } });
    }
    const report = await verifyBackup(older);
    assert.equal(report.state, 'pending');
    assert.deepEqual(
      report.pending,
      history.migrations.slice(1).map(({ tag }) => tag),
    );
    {
      using db = createDb(older);
      db.$client.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('feed', 4102444800000)");
    }
    const newer = await verifyBackup(older);
    assert.equal(newer.state, 'newer_database');
    assert.match(newer.problem?.message ?? '', /newer/);
  });

  it('reads a set that was copied by hand together with its -wal, and moves nothing of it', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'in-the-wal');
    mkdirSync(folder.file('by-hand'));
    for (const suffix of ['', '-wal']) {
      copyFileSync(folder.file(`dork.db${suffix}`), folder.file(`by-hand/dork.db${suffix}`));
    }
    const set = () => ['', '-wal'].map((suffix) => readFileSync(folder.file(`by-hand/dork.db${suffix}`)));
    const before = set();
    const report = await verifyBackup(folder.file('by-hand/dork.db'));
    assert.equal(report.rows.agent_denials, 1);
    assert.equal(report.sha256, undefined);
    assert.deepEqual(set(), before);
  });

  it('works in this thread where the runtime has no other', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'a');
    const { path, sha256 } = await backup(db);
    const { adapter } = db.$client;
    const withoutThreads = { ...adapter, thread: { module: () => 'no-such-driver', open: '() => {}' } };
    const report = await verifyBackupWith({ adapter: withoutThreads, definition: dork })(path, { deep: true });
    assert.equal(report.sha256, sha256);
    assert.equal(report.rows.agent_denials, 1);
    using other = createDbWith({ adapter: withoutThreads, definition: dork })(folder.file('dork.db'));
    assert.equal((await backup(other)).rows.agent_denials, 1);
    const running = backup(other);
    other.$client.close();
    await rejects(running, ClosedError, 'CLOSED');
    assert.equal(listBackups(folder.file('backups')).length, 2);
    writeFileSync(folder.file('text.db'), 'x'.repeat(4096));
    await rejects(
      verifyBackupWith({ adapter: withoutThreads, definition: dork })(folder.file('text.db')),
      BackupError,
      'NOT_A_DATABASE',
    );
  });
});

describe(`listBackups on ${RUNTIME}`, () => {
  it('lists what this package named, newest first, with age, size, label, migration and whether it is good', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'a');
    const { path, bytes, migration } = await backup(db, { label: 'first' });
    const dir = folder.file('backups');
    const put = (name: string) => copyFileSync(path, join(dir, name));
    put('dork-daily-20200102.db');
    put('dork-pre-migration-20200101T000000000Z-0000_consolidate.db');
    put('my-db-daily-20190101.db');
    for (const name of ['dork.db', 'holiday.db', 'dork-daily-20201399.db', 'dork-daily-20200102.db.77.partial'])
      put(name);
    mkdirSync(join(dir, 'dork-daily-20200103.db'));
    writeFileSync(join(dir, 'dork-backup-20180101T000000000Z-cut.db'), readFileSync(path).subarray(0, 8192));
    utimesSync(join(dir, 'dork-daily-20200102.db'), new Date(), new Date('2020-01-02T05:00:00.000Z'));
    const entries = listBackups(dir);
    assert.deepEqual(
      entries.map(({ database, kind, label, at, verified }) => [database, kind, label, at.slice(0, 16), verified]),
      [
        ['dork', 'backup', 'first', new Date(Date.now() - (entries[0]?.ageMs ?? 0)).toISOString().slice(0, 16), true],
        ['dork', 'daily', undefined, '2020-01-02T05:00', true],
        ['dork', 'pre-migration', undefined, '2020-01-01T00:00', true],
        ['my-db', 'daily', undefined, '2019-01-01T00:00', true],
        ['dork', 'backup', 'cut', '2018-01-01T00:00', false],
      ],
    );
    assert.equal(entries[0]?.bytes, bytes);
    assert.equal(entries[0]?.migration, migration);
    assert.match(entries.at(-1)?.problem ?? '', /cut off/);
    assert.deepEqual(listBackups(folder.file('nowhere')), []);
    assert.throws(() => listBackups(''), InvalidInputError);
  });

  it('takes a name apart that it gave, and no other', () => {
    assert.deepEqual(parseCopyName('dork-backup-20261122T093000123Z-a-b.db'), {
      kind: 'backup',
      database: 'dork',
      day: '2026-11-22',
      at: '2026-11-22T09:30:00.123Z',
      tag: 'a-b',
    });
    assert.equal(parseCopyName('my-pre-migration-20261122T093000123Z-0001_x.db')?.database, 'my');
    for (const name of [
      'dork-backup-20261122.db',
      'dork-daily-20261122T093000123Z.db',
      'dork-backup-20260231T093000123Z.db',
      'dork-backup-20261122T993000123Z.db',
      'dork-weekly-20261122.db',
      'dork-backup-20261122T093000123Z.sqlite',
      '-backup-20261122T093000123Z.db',
    ]) {
      assert.equal(parseCopyName(name), undefined, name);
    }
  });
});

describe(`pruneBackups on ${RUNTIME}`, () => {
  const DAY_MS = 86_400_000;

  /** A folder with a good backup under every given name. */
  async function withBackups(folder: { file(name: string): string }, names: readonly string[]): Promise<string> {
    const dir = folder.file('backups');
    mkdirSync(dir);
    const db = createDb(folder.file('dork.db'));
    deny(db, 'a');
    await backup(db, { to: folder.file('good.db') });
    closeDb(db);
    for (const name of names) copyFileSync(folder.file('good.db'), join(dir, name));
    return dir;
  }

  const daily = (daysAgo: number) =>
    `dork-daily-${new Date(Date.UTC(2026, 10, 22) - daysAgo * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}.db`;
  const snapshot = (i: number) =>
    `dork-pre-migration-20261122T0930${String(i).padStart(2, '0')}000Z-0001_relay_metrics.db`;

  it('keeps 10 from before migrations, 7 days and 4 weeks, and all that were made by hand', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const dailies = Array.from({ length: 60 }, (_, i) => daily(i));
    const snapshots = Array.from({ length: 14 }, (_, i) => snapshot(i));
    const byHand = ['dork-backup-20200101T000000000Z.db', 'dork-backup-20200101T000000001Z-x.db'];
    const recovered = 'dork-recovered-20200101T000000000Z.db';
    const foreign = ['dork.db', 'notes.txt', 'dork-daily-20200101.db.bak', 'Dork daily 20200101.db'];
    const dir = await withBackups(folder, [...dailies, ...snapshots, ...byHand, recovered, ...foreign]);
    const rehearsed = await pruneBackups(dir, {}, { dryRun: true });
    const before = contents(dir);
    assert.equal(Object.keys(before).length, 60 + 14 + 3 + 4);
    const report = await pruneBackups(dir);
    assert.deepEqual({ ...rehearsed, dryRun: false }, report);
    // 22 November 2026 is a Sunday: its week, and the three before, each by its Sunday.
    const weekly = [0, 7, 14, 21].map(daily);
    const wanted = [...dailies.slice(0, 7), ...weekly, ...snapshots.slice(4), ...byHand, recovered, ...foreign];
    assert.deepEqual(Object.keys(contents(dir)), [...new Set(wanted)].sort());
    assert.equal(report.deleted.length, 60 - 10 + 4);
    assert.deepEqual(report.spared, []);
    assert.equal((await pruneBackups(dir)).deleted.length, 0);
  });

  it('lets at least one stay that is good, whatever the policy, of each database', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const dir = await withBackups(folder, [daily(0), daily(1), daily(2), 'other-daily-20260101.db']);
    for (const broken of [0, 1]) writeFileSync(join(dir, daily(broken)), 'broken'.repeat(2000));
    const report = await pruneBackups(dir, { daily: 0, weekly: 0, preMigration: 0 });
    assert.deepEqual(report.spared, [join(dir, daily(2)), join(dir, 'other-daily-20260101.db')]);
    assert.deepEqual(Object.keys(contents(dir)), [daily(2), 'other-daily-20260101.db'].sort());

    const bad = join(dir, daily(2));
    writeFileSync(bad, 'broken'.repeat(2000));
    writeFileSync(join(dir, daily(3)), 'broken'.repeat(2000));
    const nothing = await pruneBackups(dir, { daily: 1, weekly: 1 });
    assert.deepEqual(nothing.deleted, []);
  });

  it('does not take a kept one for good that is not: an older good one stays too', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const dir = await withBackups(folder, [daily(0), daily(1), daily(2)]);
    const bytes = readFileSync(join(dir, daily(0)));
    // A page of a table: its header, size, tables and ledger are those of a backup.
    bytes.fill(0xee, bytes.length - 4096);
    writeFileSync(join(dir, daily(0)), bytes);
    const { deleted, spared } = await pruneBackups(dir, { daily: 1, weekly: 0 });
    assert.deepEqual([deleted, spared], [[join(dir, daily(2))], [join(dir, daily(1))]]);
  });

  it('removes what dead makers left, and nothing that is being made', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const dir = await withBackups(folder, [daily(0)]);
    using db = createDb(folder.file('dork.db'));
    using making = new Making(db.$client.adapter, join(dir, daily(1)));
    const left = [`${daily(1)}.0a1b2c3d.partial`, `${daily(1)}.0a1b2c3d.partial-journal`, `${daily(2)}.77.partial`];
    const foreign = ['holiday.db.0a1b2c3d.partial', `${daily(2)}.0a1b2c3d.partial.keep`];
    for (const name of [...left, ...foreign]) writeFileSync(join(dir, name), 'half');
    writeFileSync(join(dir, `${daily(1)}.0a1b2c3d.partial-lock`), '');
    const { wreckage } = await pruneBackups(dir, {}, { dryRun: true });
    const report = await pruneBackups(dir);
    assert.deepEqual([...report.wreckage].sort(), left.map((name) => join(dir, name)).sort());
    assert.deepEqual(wreckage, report.wreckage);
    const living = [basename(making.path), `${basename(making.path)}-lock`];
    assert.deepEqual(Object.keys(contents(dir)), [...living, ...foreign, daily(0)].sort());
  });

  it('refuses a policy that is none', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const dir = await withBackups(folder, [daily(0), daily(1)]);
    for (const policy of [{ daily: -1 }, { weekly: 1.5 }, { preMigration: Number.NaN }, { monthly: 3 } as object]) {
      await rejects(pruneBackups(dir, policy), InvalidInputError, 'INVALID_INPUT');
    }
    for (const dryRun of [0, 'no']) {
      await rejects(pruneBackups(dir, { daily: 0 }, { dryRun: dryRun as never }), InvalidInputError, 'INVALID_INPUT');
    }
    assert.equal(Object.keys(contents(dir)).length, 2);
    assert.deepEqual((await pruneBackups(folder.file('nowhere'))).kept, []);
  });
});
