import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BackupError,
  type BackupProgress,
  backup,
  backupDaily,
  ClosedError,
  closeDb,
  createDb,
  InvalidInputError,
  listBackups,
  verifyBackup,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { deny, fatten, idsIn, idsOf, mode, rejects, SLOW_DISK_MS } from './support.ts';

describe(`backup on ${RUNTIME}`, () => {
  it('makes a file that holds what was committed, says what it read back, and leaves nothing else', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'a', 'b');
    const report = await backup(db);
    const bytes = readFileSync(report.path);
    assert.equal(dirname(report.path), folder.file('backups'));
    assert.match(basename(report.path), /^dork-backup-\d{8}T\d{9}Z\.db$/);
    assert.deepEqual(readdirSync(folder.file('backups')), [basename(report.path)]);
    assert.equal(report.bytes, bytes.length);
    assert.equal(report.sha256, createHash('sha256').update(bytes).digest('hex'));
    assert.equal(report.rows.agent_denials, 2);
    assert.equal(report.rows.agents, 0);
    assert.equal(report.state, 'current');
    assert.match(report.migration, /^\d{4}_/);
    assert.ok(report.durationMs > 0);
    assert.deepEqual(idsIn(report.path), ['a', 'b']);
  });

  it('holds the state of one moment while the same process goes on writing, and lets its loop turn', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    fatten(db, 8);
    let written = 0;
    const timer = setInterval(() => deny(db, `w${written++}`), 1);
    const { path } = await backup(db);
    const atItsEnd = written;
    clearInterval(timer);
    assert.ok(atItsEnd > 5, `${atItsEnd} writes while it ran`);
    const copied = idsIn(path);
    assert.ok(copied.length <= atItsEnd);
    assert.deepEqual(copied, Array.from({ length: copied.length }, (_, i) => `w${i}`).sort());
    assert.equal(idsOf(db).length, written);
    assert.equal(db.$client.pragma('wal_autocheckpoint', { simple: true }), 16384);
  });

  it('tells its progress by bytes, up to the size of the copy', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    fatten(db, 10);
    const seen: BackupProgress[] = [];
    const { bytes } = await backup(db, { onProgress: (progress) => seen.push(progress) });
    assert.deepEqual(seen.at(-1), { phase: 'verifying', bytes, totalBytes: bytes });
    for (const [i, progress] of seen.entries()) {
      assert.ok(progress.bytes <= progress.totalBytes);
      assert.ok(progress.bytes >= (seen[i - 1]?.bytes ?? 0));
    }
  });

  it('ends where the caller’s onProgress throws, with what it threw, and leaves nothing', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    fatten(db, 10);
    for (const stopAt of ['copying', 'verifying']) {
      const reason = new Error('enough');
      const onProgress = ({ phase }: BackupProgress) => {
        if (phase === stopAt) throw reason;
      };
      await assert.rejects(backup(db, { onProgress }), (error) => error === reason);
      assert.equal(existsSync(folder.file('backups')), false);
    }
  });

  it('refuses what is neither true nor false where it asks for one of them', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const deep = 'no' as never;
    await rejects(backup(db, { deep }), InvalidInputError, 'INVALID_INPUT');
    await rejects(backupDaily(db, undefined, { deep }), InvalidInputError, 'INVALID_INPUT');
    assert.equal(existsSync(folder.file('backups')), false);
    const { path } = await backup(db);
    await rejects(verifyBackup(path, { deep }), InvalidInputError, 'INVALID_INPUT');
  });

  it('names the missing folder in a command that a shell takes', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const { hint } = await rejects(backup(db, { to: folder.file("it's/x.db") }), BackupError, 'FOLDER_MISSING');
    execFileSync('sh', ['-c', hint.slice('Create it first: '.length)]);
    assert.equal(mode(folder.file("it's")), '700');
  });

  it('says of a path below a file that there is no folder', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const { message } = await rejects(backup(db, { to: folder.file('dork.db/x.db') }), BackupError, 'FOLDER_MISSING');
    assert.match(message, /dork\.db is not a folder\. No backup was made/);
  });

  it('takes a label into the name, and two backups of one moment get two names', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const [one, other] = await Promise.all([
      backup(db, { label: 'Before: the upgrade/2 ' }),
      backup(db, { label: 'Before: the upgrade/2 ' }),
    ]);
    assert.match(basename(one.path), /^dork-backup-\d{8}T\d{9}Z-Before-the-upgrade-2\.db$/);
    assert.notEqual(one.path, other.path);
    assert.deepEqual(
      listBackups(folder.file('backups')).map(({ label, verified }) => [label, verified]),
      [
        ['Before-the-upgrade-2', true],
        ['Before-the-upgrade-2', true],
      ],
    );
    for (const label of ['', ' /.. ', 'x'.repeat(61)])
      await rejects(backup(db, { label }), InvalidInputError, 'INVALID_INPUT');
  });

  it('never writes over a file, into a folder that is not there, or from a database in memory', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    writeFileSync(folder.file('there.db'), 'precious');
    await rejects(backup(db, { to: folder.file('there.db') }), BackupError, 'TARGET_EXISTS');
    await rejects(backup(db, { to: folder.file('dork.db') }), BackupError, 'TARGET_EXISTS');
    assert.equal(readFileSync(folder.file('there.db'), 'utf8'), 'precious');
    await rejects(backup(db, { to: folder.file('no/such/x.db') }), BackupError, 'FOLDER_MISSING');
    await rejects(backup(db, { dir: folder.file('not/mounted') }), BackupError, 'FOLDER_MISSING');
    await rejects(backup(db, { to: '' }), InvalidInputError, 'INVALID_INPUT');
    await rejects(backup(db, { to: folder.file('x.db'), label: 'x' }), InvalidInputError, 'INVALID_INPUT');
    await rejects(backup(db, { to: folder.file('x.db'), dir: folder.path }), InvalidInputError, 'INVALID_INPUT');
    using memory = createDb(':memory:');
    await rejects(backup(memory, { dir: folder.path }), BackupError, 'IN_MEMORY');
    assert.deepEqual(readdirSync(folder.path).sort(), ['dork.db', 'dork.db-shm', 'dork.db-wal', 'there.db']);
  });

  it('writes to a file of its own name and to a folder that it creates', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    assert.equal((await backup(db, { to: folder.file('mine.db') })).path, folder.file('mine.db'));
    const { path } = await backup(db, { dir: folder.file('made') });
    assert.equal(dirname(path), folder.file('made'));
    assert.equal(mode(folder.file('made')), '700');
  });

  it('works in the midst of a loop over rows, and of a transaction, of which it has nothing', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'a', 'b');
    const rows = db.$client.prepare<{ id: string }>('SELECT id FROM agent_denials').iterate();
    rows.next();
    assert.deepEqual(idsIn((await backup(db, { label: 'loop' })).path), ['a', 'b']);
    rows.return();
    db.$client.exec('BEGIN IMMEDIATE');
    db.$client.exec("DELETE FROM agent_denials WHERE id = 'a'");
    assert.deepEqual(idsIn((await backup(db, { label: 'transaction' })).path), ['a', 'b']);
    db.$client.exec('COMMIT');
    assert.deepEqual(idsIn((await backup(db)).path), ['b']);
    assert.equal(db.$client.pragma('wal_autocheckpoint', { simple: true }), 16384);
  });

  it('works from a read-only connection', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using writer = createDb(folder.file('dork.db'));
    deny(writer, 'a');
    using reader = createDb(folder.file('dork.db'), { readonly: true });
    assert.deepEqual(idsIn((await backup(reader)).path), ['a']);
  });

  it('ends with ClosedError and leaves no file when the database is closed meanwhile; closing twice is fine', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    const db = createDb(file);
    fatten(db, 8);
    deny(db, 'kept');
    for (const wait of [0, 1, 20]) {
      const again = createDb(file);
      const running = backup(again);
      const outcome = rejects(running, ClosedError, 'CLOSED');
      await new Promise((resolve) => setTimeout(resolve, wait));
      closeDb(again);
      closeDb(again);
      await outcome;
      assert.equal(existsSync(folder.file('backups')), false);
    }
    closeDb(db);
    await rejects(backup(db), ClosedError, 'CLOSED');
    assert.deepEqual(idsIn(file), ['kept']);
    using whole = createDb(file);
    assert.equal(whole.$client.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('leaves no backup and a whole database where the process ends while it runs', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      fatten(db, 8);
      deny(db, 'kept');
    }
    const fixture = start('test/engine/backup/fixtures/exit-while-backup.ts', [file]);
    await fixture.ended;
    assert.equal(fixture.child.exitCode, 7);
    assert.deepEqual(listBackups(folder.file('backups')), []);
    assert.equal(existsSync(folder.file('backups')), false);
    assert.deepEqual(idsIn(file), ['kept']);
  });

  it('fails with a typed error and leaves nothing where the files may not grow', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      fatten(db, 4);
    }
    const fixture = start('test/engine/backup/fixtures/backup.ts', [file], { before: `ulimit -f 2000; trap '' XFSZ;` });
    const error = await fixture.next<{ name: string; code: string; hint: string }>();
    await fixture.ended;
    assert.equal(error.name, 'BackupError');
    assert.match(error.code, /^SQLITE_(FULL|IOERR)/);
    assert.equal(existsSync(folder.file('backups')), false);
  });

  it('keeps files to 0600 and folders to 0700, whatever the umask', { timeout: SLOW_DISK_MS }, async () => {
    for (const umask of ['000', '022']) {
      using folder = temporaryFolder();
      const fixture = start('test/engine/backup/fixtures/modes.ts', [folder.path], { before: `umask ${umask};` });
      await fixture.next();
      await fixture.ended;
      const entries = readdirSync(folder.path, { recursive: true, withFileTypes: true });
      assert.ok(entries.length >= 8);
      for (const entry of entries) {
        const path = join(entry.parentPath, entry.name);
        assert.equal(mode(path), entry.isFile() ? '600' : '700', path);
      }
    }
  });
});

describe(`backupDaily on ${RUNTIME}`, () => {
  it('leaves the backup of the day where it only cannot be looked at now', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const { path } = await backupDaily(db);
    {
      using holder = db.$client.sibling(path);
      holder.exec('BEGIN EXCLUSIVE');
      await rejects(backupDaily(db), BackupError, /^SQLITE_BUSY/);
    }
    assert.deepEqual(readdirSync(dirname(path)), [basename(path)]);
    assert.equal((await backupDaily(db)).isNew, false);
  });

  it('makes one a day, however often and from however many processes it is called', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    using other = createDb(file);
    deny(db, 'a');
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    const processes = [
      start('test/engine/backup/fixtures/daily.ts', [file], { runtime: 'bun' }),
      start('test/engine/backup/fixtures/daily.ts', [file], { runtime: 'node' }),
    ];
    const reports = await Promise.all([
      ...processes.map((process) => process.next<{ path: string; isNew: boolean }>()),
      backupDaily(db),
      backupDaily(other),
    ]);
    await Promise.all(processes.map(({ ended }) => ended));
    const path = folder.file(`backups/dork-daily-${day}.db`);
    assert.deepEqual(new Set(reports.map((report) => report.path)), new Set([path]));
    assert.equal(reports.filter(({ isNew }) => isNew).length, 1);
    assert.equal((await backupDaily(db)).isNew, false);
    assert.deepEqual(readdirSync(folder.file('backups')), [basename(path)]);
    assert.deepEqual(idsIn(path), ['a']);
  });

  it('sets aside one of this day that is no good any more, and makes another', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    deny(db, 'a');
    const dir = folder.file('elsewhere');
    mkdirSync(dir);
    const { path } = await backupDaily(db, dir);
    writeFileSync(path, readFileSync(path).subarray(0, 8192));
    assert.equal((await backupDaily(db, dir)).isNew, true);
    assert.deepEqual(idsIn(path), ['a']);
    assert.equal(readdirSync(dir).filter((name) => name.endsWith('.damaged')).length, 1);
    assert.equal(listBackups(dir).length, 1);
    await verifyBackup(path, { deep: true });
  });
});
