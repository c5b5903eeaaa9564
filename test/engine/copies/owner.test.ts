/** Whose a copy is: databases that share a folder of backups, names, clocks, and folders that cannot be read. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BackupError,
  backup,
  backupDaily,
  closeDb,
  createDb,
  DatabaseOpenError,
  health,
  listBackups,
  pruneBackups,
} from '#entry';
import {
  copyName,
  databaseLabel,
  isAhead,
  isDisposable,
  isOf,
  parseCopyName,
} from '../../../src/engine/file/copy-name.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { errorForNobody } from '../../support/user.ts';
import { deny, fileWith, idsIn, rejects, SLOW_DISK_MS } from '../backup/support.ts';

const FEW = { daily: 1, weekly: 0 };

describe(`databases that share a folder of backups, on ${RUNTIME}`, () => {
  const shared = (folder: { file(name: string): string }): [where: string, files: string[], dir: string][] => {
    mkdirSync(folder.file('one'));
    mkdirSync(folder.file('two'));
    mkdirSync(folder.file('nas'));
    return [
      [
        'side by side',
        [folder.file('dork.db'), folder.file('dork.sqlite'), folder.file('dork')],
        folder.file('backups'),
      ],
      ['of two homes', [folder.file('one/dork.db'), folder.file('two/dork.db')], folder.file('nas')],
    ];
  };

  it('have a backup of the day each, and list, count and prune none but their own', {
    timeout: SLOW_DISK_MS * 2,
  }, async () => {
    using folder = temporaryFolder();
    for (const [where, files, dir] of shared(folder)) {
      const dbs = files.map((file) => createDb(file));
      for (const [i, db] of dbs.entries()) deny(db, `of-${i}`);
      const made = [];
      for (const db of dbs) made.push(await backupDaily(db, dir));
      assert.deepEqual(
        made.map(({ isNew }) => isNew),
        files.map(() => true),
        where,
      );
      for (const db of dbs) assert.equal((await backupDaily(db, dir)).isNew, false, where);
      for (const [i, { path }] of made.entries()) {
        assert.deepEqual(
          listBackups(dir, { database: files[i] }).map((entry) => entry.path),
          [path],
          where,
        );
        copyFileSync(path, path.replace(/\d{8}\.db$/, '20200101.db'));
        copyFileSync(path, path.replace(/\d{8}\.db$/, '20200102.db'));
      }
      assert.equal(listBackups(dir).length, files.length * 3);
      const [first = ''] = files;
      const { deleted, kept } = await pruneBackups(dir, FEW, { database: first });
      assert.deepEqual([deleted.length, kept.length], [2, 1], where);
      assert.equal(listBackups(dir).length, files.length * 3 - 2, 'those of the others stay');
      assert.equal((await pruneBackups(dir, FEW)).deleted.length, (files.length - 1) * 2, 'each by the policy');
      for (const [i, { path }] of made.entries()) assert.deepEqual(idsIn(path), [`of-${i}`], where);
      for (const db of dbs) closeDb(db);
    }
  });

  it('see in health() their own alone', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using one = createDb(folder.file('dork.db'));
    using two = createDb(folder.file('dork.sqlite'));
    deny(one, 'a');
    deny(two, 'b');
    const { path } = await backup(one);
    assert.equal(health(one).newestBackup?.path, path);
    assert.equal(health(two).newestBackup, null);
    assert.ok(health(two).findings.some(({ fact }) => fact.startsWith('There is no backup of')));
  });

  it('keep their backups when their home is moved, or is reached through a link', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('home'));
    const db = createDb(folder.file('home/dork.sqlite'));
    await backupDaily(db);
    closeDb(db);
    renameSync(folder.file('home'), folder.file('moved'));
    symlinkSync(folder.file('moved'), folder.file('linked'));
    using again = createDb(folder.file('linked/dork.sqlite'));
    assert.equal((await backupDaily(again)).isNew, false);
    assert.equal((await backupDaily(again, folder.file('linked/backups'))).isNew, false);
    assert.equal(listBackups(folder.file('linked/backups'), { database: folder.file('linked/dork.sqlite') }).length, 1);
  });
});

describe(`names of copies on ${RUNTIME}`, () => {
  it('of every database are listed, found by doctor, and refuse an empty file in its place', {
    timeout: SLOW_DISK_MS * 2,
  }, async () => {
    for (const name of [
      '.dork',
      '.db',
      '.db.db',
      'dork',
      'a b.db',
      'x-daily-20260101.db',
      'x~0a1b2c3d.db',
      'dörk.db3',
    ]) {
      using folder = temporaryFolder();
      const file = fileWith(folder.file(name), 'kept');
      const db = createDb(file);
      const { path } = await backup(db);
      const daily = await backupDaily(db);
      const found = listBackups(folder.file('backups'), { database: file }).map((entry) => entry.path);
      assert.deepEqual(found.sort(), [daily.path, path].sort(), name);
      assert.notEqual(health(db).newestBackup, null, name);
      closeDb(db);
      writeFileSync(file, '');
      assert.throws(
        () => createDb(file),
        (error) => error instanceof DatabaseOpenError && error.code === 'LOST_CONTENT',
        name,
      );
    }
  });

  it('differ for different databases, and are taken apart to the one that they are of', () => {
    const at = new Date('2026-11-22T09:30:00.123Z');
    const names = ['dork.db', 'dork', 'dork.sqlite', '.db', '.db.db', 'my-daily-20261122.db', 'my.db', 'a~0a1b2c3d.db'];
    const files = names.flatMap((name) => [`/home/one/${name}`, `/home/two/${name}`]);
    for (const folder of ['/home/one/backups', '/nas']) {
      const labels = files.map((file) => databaseLabel(folder, file));
      assert.equal(new Set(labels).size, files.length, folder);
      for (const file of files) {
        for (const kind of ['daily', 'backup', 'recovered'] as const) {
          const parsed = parseCopyName(copyName(folder, file, kind, at));
          assert.ok(parsed && isOf(parsed, folder, file), `${folder} ${file}`);
          assert.equal(parsed.kind, kind);
          assert.deepEqual(
            files.filter((other) => isOf(parsed, folder, other)),
            [file],
          );
        }
      }
    }
    assert.equal(copyName('/home/one/backups', '/home/one/dork.db', 'daily', at), 'dork-daily-20261122.db');
  });

  it('that a user gave are never ours to delete', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const dir = folder.file('backups');
    const { path } = await backupDaily(db);
    const mine = [
      'dork-daily-20200101-before-the-upgrade.db',
      'dork-daily-20200101 (copy).db',
      'dork-daily-20200101.db.bak',
      'dork-pre-migration-20200101T000000000Z-0000_consolidate-mine.db',
      'dork-recovered-20200101T000000000Z-mine.db',
    ];
    const ours = ['dork-daily-20200101.db', 'dork-pre-migration-20200101T000000000Z-0000_consolidate.db'];
    for (const name of [...mine, ...ours]) copyFileSync(path, join(dir, name));
    const { deleted } = await pruneBackups(dir, { daily: 1, weekly: 0, preMigration: 0 });
    assert.deepEqual(deleted.map((one) => basename(one)).sort(), ours);
    assert.deepEqual(readdirSync(dir).sort(), [...mine, basename(path)].sort());
    const history = [{ tag: '0001_x' }];
    const snapshot = (tag: string) => parseCopyName(`dork-pre-migration-20200101T000000000Z-${tag}.db`);
    assert.deepEqual(
      ['0001_x', '0001_x-keep', 'unversioned', '0002_y'].map((tag) => {
        const name = snapshot(tag);
        return name && isDisposable(name, history);
      }),
      [true, false, true, false],
    );
  });
});

describe(`copies dated in the future, on ${RUNTIME}`, () => {
  it('are named, come last, push no other one out, and hide no old one', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'a');
    const dir = folder.file('backups');
    const { path } = await backup(db, { to: folder.file('good.db') });
    mkdirSync(dir);
    const put = (name: string) => copyFileSync(path, join(dir, name));
    const future = Array.from({ length: 9 }, (_, i) => `dork-daily-2099010${i + 1}.db`);
    const past = ['dork-daily-20200101.db', 'dork-daily-20200102.db', 'dork-daily-20200103.db'];
    for (const name of [...future, ...past]) put(name);
    const list = listBackups(dir).map((entry) => [basename(entry.path), entry.isAhead]);
    assert.deepEqual(list, [
      ...past.toReversed().map((name) => [name, false]),
      ...future.toReversed().map((name) => [name, true]),
    ]);
    const { deleted, kept } = await pruneBackups(dir, { daily: 2, weekly: 0 });
    assert.deepEqual(
      deleted.map((one) => basename(one)),
      ['dork-daily-20200101.db'],
    );
    assert.equal(kept.length, 11);
    const { findings, newestBackup } = health(db);
    assert.equal(basename(newestBackup?.path ?? ''), 'dork-daily-20200103.db');
    const warnings = findings.filter(({ check, severity }) => check === 'backups' && severity === 'warning');
    assert.match(warnings.map(({ fact }) => fact).join('\n'), /9 of the backups are dated in the future/);
    assert.match(warnings.map(({ fact }) => fact).join('\n'), /newest usable backup is \d+ days old/);
    // The one of today is made all the same, and counts.
    assert.equal((await backupDaily(db)).isNew, true);
    assert.equal((await pruneBackups(dir, FEW)).kept.length, 10);
  });

  it('begin an hour ahead: a clock may be a little off', () => {
    const now = Date.parse('2026-11-22T23:30:00.000Z');
    const at = (name: string) => isAhead(parseCopyName(name) as never, now);
    assert.equal(at('dork-backup-20261123T001500000Z.db'), false);
    assert.equal(at('dork-backup-20261123T004500000Z.db'), true);
    assert.equal(at('dork-daily-20261123.db'), false);
    assert.equal(at('dork-daily-20261124.db'), true);
  });
});

describe(`a folder of backups that cannot be read, on ${RUNTIME}`, () => {
  it('is an error that names it, of every function, and a finding of health()', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const dir = folder.file('backups');
    // Of another kind than a folder, since a mode would not keep root out.
    writeFileSync(dir, 'not a folder');
    const isNamed = (error: unknown) =>
      error instanceof BackupError && error.code === 'FOLDER_UNREADABLE' && error.message.includes(dir);
    assert.throws(() => listBackups(dir), isNamed);
    await rejects(pruneBackups(dir), BackupError, 'FOLDER_UNREADABLE');
    await rejects(pruneBackups(dir, {}, { dryRun: true }), BackupError, 'FOLDER_UNREADABLE');
    const finding = health(db).findings.find(({ check }) => check === 'backups');
    assert.ok(finding?.severity === 'warning' && finding.fact.includes(dir), JSON.stringify(finding));
    assert.deepEqual(listBackups(folder.file('nowhere')), []);
    assert.equal(errorForNobody('listBackups', folder.path).code, 'FOLDER_UNREADABLE');
  });

  it('whose backups cannot be deleted is a typed error, and tells nothing as deleted', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const db = createDb(folder.file('dork.db'));
    const { path } = await backupDaily(db, folder.path);
    closeDb(db);
    copyFileSync(path, path.replace(/\d{8}\.db$/, '20200101.db'));
    const { chmodSync } = await import('node:fs');
    for (const name of readdirSync(folder.path)) chmodSync(folder.file(name), 0o644);
    chmodSync(folder.path, 0o755);
    const error = errorForNobody('pruneBackups', folder.path, FEW);
    assert.deepEqual([error.name, error.code], ['BackupError', 'EACCES']);
    assert.match(error.message ?? '', /could not be deleted.*Deleted before: 0\./);
    assert.ok(existsSync(path.replace(/\d{8}\.db$/, '20200101.db')));
  });
});

describe(`what a killed process left, on ${RUNTIME}`, () => {
  it('is named by health() and removed by the next backup, beside the file too', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    mkdirSync(folder.file('backups'), { mode: 0o700 });
    const left = [
      folder.file('dork.db.0a1b2c3d.partial'),
      folder.file('backups/dork-daily-20261122.db.0a1b2c3d.partial'),
    ];
    for (const path of left) writeFileSync(path, 'half', { mode: 0o600 });
    const named = health(db).findings.filter(({ check, fact }) => check === 'backups' && fact.includes('killed'));
    assert.equal(named.length, 2);
    for (const path of left)
      assert.ok(
        named.some(({ fact, hint }) => fact.includes(path) && hint),
        path,
      );
    await backup(db);
    assert.deepEqual(
      left.filter((path) => existsSync(path)),
      [],
    );
    assert.equal(health(db).findings.filter(({ fact }) => fact.includes('killed')).length, 0);
  });
});
