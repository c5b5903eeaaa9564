import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BackupError,
  backup,
  createDb,
  DatabaseOpenError,
  InvalidInputError,
  migrationStatus,
  RestoreError,
  restore,
  runMigrations,
} from '#entry';
import { history } from '../../../drizzle/history.ts';
import { dork } from '../../../src/dork/db.ts';
import { install } from '../../../src/engine/backup/file-set.ts';
import { restoreWith } from '../../../src/engine/backup/restore.ts';
import { putInPlace } from '../../../src/engine/backup/swap.ts';
import type { Adapter } from '../../../src/engine/driver/adapter.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { start, startCommand } from '../../support/processes.ts';
import { RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { contents, deny, fileWith, idsIn, mode, rejects, SLOW_DISK_MS } from './support.ts';

/** What ends a restore that was killed. */
const FINISH = "dork-db restore --db 'x'";

/** A database with `old`, and a backup of it from when it had `kept` only. */
async function withBackup(folder: { file(name: string): string }) {
  const file = folder.file('dork.db');
  using db = createDb(file);
  deny(db, 'kept');
  const { path } = await backup(db);
  deny(db, 'later');
  db.$client.exec("UPDATE agent_denials SET reason = 'because' WHERE id = 'kept'");
  return { file, path };
}

/** Both runtimes restore a backup to a path for a second; what came of the calls, by outcome. */
function restoreOften(target: string, from: string): Promise<Record<string, number>>[] {
  return (['bun', 'node'] as const).map(async (runtime) => {
    const line = runtimeCommand('test/engine/file/fixtures/exchange.ts', runtime);
    const { outcomes } = await startCommand([...line, 'restore', target, '1000', from]).next<{
      outcomes: Record<string, number>;
    }>();
    return outcomes;
  });
}

/** The paths that a process has open; a file that was moved is shown by the name that it had. */
function openFilesOf(pid: number | undefined): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) =>
      readlinkSync(`/proc/${pid}/fd/${fd}`).replace(/ \(deleted\)$/, ''),
    );
  } catch {
    return [];
  }
}

/** Breaks a page in the middle of a table. */
function breakPage(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0xee, 4096, 3 * 4096);
  writeFileSync(file, bytes);
}

describe(`restore on ${RUNTIME}`, () => {
  it('brings the backup back, keeps what was there, and says what came back and what is lost', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const report = await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
    assert.equal(report.to, file);
    assert.equal(report.backup?.path, path);
    assert.deepEqual(report.tables.agent_denials, {
      rows: 1,
      newest: '2026-11-22T09:30:00.000Z',
      replaced: { rows: 2, newest: '2026-11-22T09:30:00.000Z', lost: 1, changed: 1 },
    });
    assert.deepEqual(report.migrated, []);
    assert.match(report.replaced ?? '', /\/backups\/replaced-\d{8}T\d{9}Z$/);
    assert.deepEqual(readdirSync(report.replaced ?? ''), ['dork.db']);
    assert.deepEqual(readdirSync(folder.path).sort(), ['backups', 'dork.db']);
    assert.deepEqual(
      [mode(file), mode(report.replaced ?? ''), mode(join(report.replaced ?? '', 'dork.db'))],
      ['600', '700', '600'],
    );
    using db = createDb(file);
    assert.equal(migrationStatus(db).state, 'current');
    assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('is undone by restoring what it replaced', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const { replaced = '' } = await restore({ from: path, to: file });
    await restore({ from: join(replaced, 'dork.db'), to: file });
    assert.deepEqual(idsIn(file), ['kept', 'later']);
  });

  it('changes nothing when it rehearses, and tells the same', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const before = contents(folder.path);
    const plan = await restore({ from: path, to: file, dryRun: true });
    assert.deepEqual(contents(folder.path), before);
    const done = await restore({ from: path, to: file });
    assert.deepEqual(plan.tables, done.tables);
    assert.equal(plan.dryRun, true);
    assert.equal(plan.replaced, undefined);
  });

  it('keeps a set that a crash left, and all that was committed to its -wal', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'in-the-wal']);
    await holder.next();
    await holder.kill();
    assert.ok(statSync(`${file}-wal`).size > 0);
    const report = await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
    assert.equal(report.tables.agent_denials?.replaced?.lost, 2);
    assert.deepEqual(idsIn(join(report.replaced ?? '', 'dork.db')), ['in-the-wal', 'kept', 'later']);
  });

  it('does what copying a backup over the file by hand does not: a -wal that lies there is not played into it', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'in-the-wal']);
    await holder.next();
    await holder.kill();
    const byHand = folder.file('by-hand');
    mkdirSync(byHand);
    for (const suffix of ['', '-wal', '-shm']) copyFileSync(file + suffix, join(byHand, `dork.db${suffix}`));
    copyFileSync(path, join(byHand, 'dork.db'));
    let undone: unknown;
    try {
      // Pages of the -wal take the place of whatever pages have their numbers in the backup.
      using db = createDb(join(byHand, 'dork.db'), { migrations: 'skip' });
      const ids = db.$client.prepare('SELECT id FROM agent_denials').values().flat();
      undone = [ids, db.$client.pragma('integrity_check', { simple: true })];
    } catch (error) {
      undone = error;
    }
    assert.notDeepEqual(undone, [['kept'], 'ok']);
    await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
  });

  it('refuses while a process holds the file, and names it', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    for (const runtime of ['bun', 'node'] as const) {
      const holder = start('test/engine/backup/fixtures/hold.ts', [file, `by-${runtime}`], { runtime });
      await holder.next();
      const before = contents(folder.path);
      const error = await rejects(restore({ from: path, to: file }), RestoreError, 'IN_USE');
      if (process.platform === 'linux') assert.match(error.message, new RegExp(`open by \\d+ \\(${runtime}`));
      await rejects(restore({ from: path, to: file, dryRun: true }), RestoreError, 'IN_USE');
      const after = contents(folder.path);
      assert.deepEqual(after, before);
      await holder.kill();
    }
    {
      using _db = createDb(file);
      const error = await rejects(restore({ from: path, to: file }), RestoreError, 'IN_USE');
      if (process.platform === 'linux') assert.match(error.message, /open by this process/);
    }
    assert.deepEqual(idsIn(file), ['by-bun', 'by-node', 'kept', 'later']);
    await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
  });

  it('keeps a damaged file and its -wal byte for byte', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'in-the-wal']);
    await holder.next();
    await holder.kill();
    rmSync(`${file}-shm`);
    breakPage(file);
    const set = [readFileSync(file), readFileSync(`${file}-wal`)];
    const report = await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
    assert.match(report.replacedProblem ?? '', /damaged|malformed/);
    assert.equal(report.tables.agent_denials?.replaced, undefined);
    const kept = join(report.replaced ?? '', 'dork.db');
    assert.deepEqual([readFileSync(kept), readFileSync(`${kept}-wal`)], set);
  });

  it('replaces what is no database any more, and what is left of one whose main file is gone', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    writeFileSync(file, 'a shopping list');
    const { replaced = '' } = await restore({ from: path, to: file });
    assert.equal(readFileSync(join(replaced, 'dork.db'), 'utf8'), 'a shopping list');
    assert.deepEqual(idsIn(file), ['kept']);

    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'in-the-wal']);
    await holder.next();
    await holder.kill();
    rmSync(file);
    rmSync(`${file}-shm`);
    const wal = readFileSync(`${file}-wal`);
    const second = await restore({ from: path, to: file });
    assert.deepEqual(readdirSync(second.replaced ?? ''), ['dork.db-wal']);
    assert.deepEqual(readFileSync(join(second.replaced ?? '', 'dork.db-wal')), wal);
    assert.deepEqual(idsIn(file), ['kept']);
  });

  it('restores to where nothing is, and through a link to the file itself', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { path } = await withBackup(folder);
    const fresh = folder.file('fresh.db');
    assert.equal((await restore({ from: path, to: fresh })).replaced, undefined);
    assert.deepEqual(idsIn(fresh), ['kept']);
    writeFileSync(folder.file('empty.db'), '');
    await restore({ from: path, to: folder.file('empty.db') });
    mkdirSync(folder.file('real'));
    fileWith(folder.file('real/there.db'), 'other');
    symlinkSync(folder.file('real/there.db'), folder.file('link.db'));
    const { to, replaced = '' } = await restore({ from: path, to: folder.file('link.db') });
    assert.equal(to, folder.file('real/there.db'));
    assert.ok(replaced.startsWith(folder.file('real/backups/')));
    assert.deepEqual(idsIn(folder.file('link.db')), ['kept']);
    await rejects(restore({ from: path, to: folder.file('no/where.db') }), RestoreError, 'FOLDER_MISSING');
  });

  it('refuses another program’s database, the file itself, and what is no backup', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const foreign = folder.file('foreign.db');
    {
      using db = createDb(file);
      db.$client.prepare('VACUUM INTO ?').run(foreign);
      const other = db.$client.sibling(foreign);
      other.exec('PRAGMA application_id = 7');
      other.close();
    }
    writeFileSync(folder.file('text.db'), 'x'.repeat(5000));
    const before = contents(folder.path);
    await rejects(restore({ from: path, to: foreign }), RestoreError, 'NOT_OURS');
    await rejects(restore({ from: file, to: file }), InvalidInputError, 'INVALID_INPUT');
    await rejects(restore({ from: foreign, to: file }), BackupError, 'NOT_OURS');
    await rejects(restore({ from: folder.file('text.db'), to: file }), BackupError, 'NOT_A_DATABASE');
    await rejects(restore({ from: folder.file('nothing.db'), to: file }), BackupError, 'FILE_MISSING');
    await rejects(restore({ to: file }), RestoreError, 'NOTHING_TO_FINISH');
    for (const path_ of ['', ':memory:', '~/x']) {
      await rejects(restore({ from: path, to: path_ }), InvalidInputError, 'INVALID_INPUT');
    }
    const after = contents(folder.path);
    assert.deepEqual(after, before);
  });

  it('migrates an older backup on the way, and refuses one of a newer version', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const older = folder.file('older.db');
    const file = fileWith(folder.file('dork.db'), 'now');
    {
      using db = createDb(older, { migrations: 'skip' });
      runMigrations(db, { history: { ...history, migrations: history.migrations.slice(0, 1), schema: undefined } });
      deny(db, 'older');
    }
    const { migrated } = await restore({ from: older, to: file });
    assert.deepEqual(
      migrated,
      history.migrations.slice(1).map(({ tag }) => tag),
    );
    assert.deepEqual(idsIn(file), ['older']);
    assert.equal(migrationStatus(file).state, 'current');
    assert.deepEqual(
      readdirSync(folder.file('backups')).filter((name) => name.includes('pre-migration')),
      [],
    );

    const newer = fileWith(folder.file('newer.db'), 'newer');
    {
      using db = createDb(newer);
      db.$client.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('feed', 4102444800000)");
    }
    await rejects(restore({ from: newer, to: file }), RestoreError, 'MIGRATION_NEWER_DATABASE');
    assert.deepEqual(idsIn(file), ['older']);
  });

  it('puts the old set back where the new file does not open in its place', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const before = idsIn(file);
    using probe = createDb(':memory:');
    const { adapter } = probe.$client;
    const inode = statSync(file).ino;
    const failing: Adapter = {
      ...adapter,
      open(filename, options) {
        if (filename === file && statSync(file).ino !== inode) throw new Error('the disk is gone');
        return adapter.open(filename, options);
      },
    };
    await rejects(
      restoreWith({ adapter: failing, definition: dork })({ from: path, to: file }),
      RestoreError,
      'FAILED',
    );
    assert.deepEqual(idsIn(file), before);
    assert.deepEqual(
      readdirSync(folder.file('backups')).filter((name) => name.startsWith('replaced-')),
      [],
    );
    assert.deepEqual(readdirSync(folder.path).sort(), ['backups', 'dork.db']);
    const fresh = folder.file('fresh.db');
    const failingFresh: Adapter = {
      ...adapter,
      open(filename, options) {
        if (filename === fresh) throw new Error('the disk is gone');
        return adapter.open(filename, options);
      },
    };
    await rejects(
      restoreWith({ adapter: failingFresh, definition: dork })({ from: path, to: fresh }),
      RestoreError,
      'FAILED',
    );
    assert.equal(existsSync(fresh), false);
  });

  it('gives the file back to a process that opened it at the last moment', { timeout: SLOW_DISK_MS }, async () => {
    // Only Linux tells who has a file open that waits for a lock.
    if (process.platform !== 'linux') return;
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    using probe = createDb(':memory:');
    const { adapter } = probe.$client;
    let late: ChildProcess | undefined;
    const racing: Adapter = {
      ...adapter,
      open(filename, options) {
        const database = adapter.open(filename, options);
        const exec = (sql: string) => {
          database.exec(sql);
          if (sql !== 'BEGIN EXCLUSIVE' || filename !== file) return;
          late = spawn('sh', ['-c', 'exec 9<"$1"; exec sleep 60', 'sh', file]);
          while (!openFilesOf(late.pid).includes(file)) execFileSync('sleep', ['0.01']);
        };
        return {
          ...database,
          exec,
          prepare: (sql, names) => database.prepare(sql, names),
          close: () => database.close(),
        };
      },
    };
    const error = await rejects(
      restoreWith({ adapter: racing, definition: dork })({ from: path, to: file }),
      RestoreError,
      'IN_USE',
    );
    assert.match(error.message, new RegExp(`${late?.pid}`));
    assert.ok(openFilesOf(late?.pid).includes(file));
    late?.kill('SIGKILL');
    assert.deepEqual(idsIn(file), ['kept', 'later']);
    assert.deepEqual(
      readdirSync(folder.file('backups')).filter((name) => name.startsWith('replaced-')),
      [],
    );
    await restore({ from: path, to: file });
    assert.deepEqual(idsIn(file), ['kept']);
  });

  it('puts a set back byte for byte where it fails between two steps', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file } = await withBackup(folder);
    writeFileSync(`${file}-wal`, 'its wal');
    const before = contents(folder.path);
    using probe = createDb(':memory:');
    const present = { state: 'damaged', owner: statSync(file) } as const;
    // The file that is to be put in place is gone when everything else is done.
    const swap = () =>
      putInPlace(probe.$client.adapter, file, folder.file('gone.partial'), present, folder.file('backups'), FINISH);
    assert.throws(swap, /ENOENT/);
    assert.deepEqual(contents(folder.path), before);
    rmSync(file);
    const withoutMain = contents(folder.path);
    assert.throws(swap, /ENOENT/);
    assert.deepEqual(contents(folder.path), withoutMain);
  });

  it('ends where the caller’s onProgress throws, with what it threw, and leaves the old file', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const reason = new Error('enough');
    const onProgress = () => {
      throw reason;
    };
    await assert.rejects(restore({ from: path, to: file, onProgress }), (error) => error === reason);
    assert.deepEqual(idsIn(file), ['kept', 'later']);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.includes('restored')),
      [],
    );
  });

  it('refuses what is neither true nor false where it asks for one of them', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const before = contents(folder.path);
    for (const wrong of [{ dryRun: 0 }, { dryRun: 'yes' }, { deep: 1 }])
      await rejects(restore({ from: path, to: file, ...(wrong as object) }), InvalidInputError, 'INVALID_INPUT');
    assert.deepEqual(contents(folder.path), before);
  });

  it('leaves the old file where it cannot keep it, and where another restore runs', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, path } = await withBackup(folder);
    const [one, other] = await Promise.allSettled([
      restore({ from: path, to: file }),
      restore({ from: path, to: file }),
    ]);
    assert.deepEqual([one.status, other.status].sort(), ['fulfilled', 'rejected']);
    const refused = [one, other].find(({ status }) => status === 'rejected') as PromiseRejectedResult;
    assert.equal(refused.reason.code, 'RUNNING');
    const elsewhere = folder.file('x/dork.db');
    mkdirSync(folder.file('x'));
    fileWith(elsewhere, 'mine');
    writeFileSync(folder.file('x/backups'), 'a file where the folder should be');
    const { message } = await rejects(restore({ from: path, to: elsewhere }), RestoreError, 'FOLDER_MISSING');
    assert.match(message, /is not a folder\. Nothing was restored/);
    assert.deepEqual(idsIn(elsewhere), ['mine']);
  });
});

describe(`a restore to where nothing is, on ${RUNTIME}`, () => {
  it('leaves no folder where it is refused, also while both runtimes try', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('x'));
    const target = folder.file('x/dork.db');
    const broken = folder.file('broken.db');
    writeFileSync(broken, 'no backup');
    await rejects(restore({ from: broken, to: target }), BackupError, 'NOT_A_DATABASE');
    await rejects(restore({ to: target }), RestoreError, 'NOTHING_TO_FINISH');
    assert.deepEqual(readdirSync(folder.file('x')), []);
    const outcomes = await Promise.all(restoreOften(target, broken));
    for (const { NOT_A_DATABASE: _refused, RUNNING: _, ...others } of outcomes) assert.deepEqual(others, {});
    assert.ok(outcomes.some(({ NOT_A_DATABASE = 0 }) => NOT_A_DATABASE > 0));
    assert.deepEqual(readdirSync(folder.file('x')), []);
  });

  it('is done by one of two runtimes at a time', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('x'));
    const target = folder.file('x/dork.db');
    const { path } = await withBackup(folder);
    const outcomes = await Promise.all(restoreOften(target, path));
    for (const { done: _done, RUNNING: _, IN_USE: _used, ...others } of outcomes) assert.deepEqual(others, {});
    assert.ok(outcomes.some(({ done = 0 }) => done > 0));
    assert.deepEqual(idsIn(target), ['kept']);
  });

  it('leaves a database alone that is made there meanwhile', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { path } = await withBackup(folder);
    const target = folder.file('elsewhere.db');
    let isMade = false;
    const restoring = restore({
      from: path,
      to: target,
      onProgress: () => {
        if (isMade) return;
        isMade = true;
        using made = createDb(target);
        deny(made, 'of another');
      },
    });
    await rejects(restoring, RestoreError, 'IN_USE');
    assert.ok(isMade);
    assert.deepEqual(idsIn(target), ['of another']);
  });
});

describe(`an interrupted restore on ${RUNTIME}`, () => {
  /** The state between the marker and the last step: what install() leaves where its last rename fails. */
  async function interrupted(folder: { file(name: string): string }) {
    const { file, path } = await withBackup(folder);
    const staged = `${file}.restored.1.partial`;
    const replaced = folder.file('backups/replaced-20261122T093000000Z');
    mkdirSync(replaced);
    copyFileSync(file, join(replaced, 'dork.db'));
    writeFileSync(join(replaced, 'dork.db-wal'), 'its wal');
    writeFileSync(`${file}-wal`, 'its wal');
    assert.throws(() => install(file, { main: staged, sidecars: {} }, replaced, FINISH), /ENOENT/);
    return { file, path, staged, replaced };
  }

  it('refuses to open and says what to do; nothing is created', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file } = await interrupted(folder);
    const before = contents(folder.path);
    assert.throws(
      () => createDb(file),
      (error) => {
        assert.ok(error instanceof DatabaseOpenError);
        assert.equal(error.code, 'RESTORE_UNFINISHED');
        assert.match(error.hint, /dork-db restore --db/);
        return true;
      },
    );
    assert.deepEqual(contents(folder.path), before);
  });

  it('is seen and finished beside a -shm that a loss of power brought back', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file, path, staged } = await interrupted(folder);
    writeFileSync(`${file}-shm`, Buffer.alloc(32768));
    assert.throws(() => createDb(file), { code: 'RESTORE_UNFINISHED' });
    copyFileSync(path, staged);
    assert.equal((await restore({ to: file })).finished, true);
    assert.deepEqual(idsIn(file), ['kept']);
  });

  it('says what is wrong where what it left cannot be read', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const { file } = await interrupted(folder);
    const marker = readFileSync(file, 'utf8').trimEnd();
    writeFileSync(file, marker.slice(0, -10));
    const before = contents(folder.path);
    const { message } = await rejects(restore({ to: file }), RestoreError, /./);
    assert.match(message, /could not be finished/);
    assert.deepEqual(contents(folder.path), before);
  });

  it('is brought to its end by a restore without a backup, and by any other', { timeout: SLOW_DISK_MS }, async () => {
    for (const isAnother of [false, true]) {
      using folder = temporaryFolder();
      const { file, path, staged, replaced } = await interrupted(folder);
      copyFileSync(path, staged);
      // A -wal that was not yet taken away when the process died.
      writeFileSync(`${file}-wal`, 'its wal');
      const report = await restore(isAnother ? { from: path, to: file } : { to: file });
      assert.equal(report.finished, true);
      if (!isAnother) assert.equal(report.replaced, replaced);
      assert.deepEqual(idsIn(file), ['kept']);
      assert.equal(readFileSync(join(replaced, 'dork.db-wal'), 'utf8'), 'its wal');
      assert.deepEqual(readdirSync(folder.path).sort(), ['backups', 'dork.db']);
    }
  });

  it('is undone where the new file is gone, and left alone where the old set is gone too', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const { file, replaced } = await interrupted(folder);
    rmSync(join(replaced, 'dork.db-wal'));
    const report = await restore({ to: file });
    assert.equal(report.finished, true);
    assert.equal(report.replaced, undefined);
    assert.deepEqual(idsIn(file), ['kept', 'later']);

    using other = temporaryFolder();
    const lost = await interrupted(other);
    rmSync(lost.replaced, { recursive: true });
    const before = contents(other.path);
    await rejects(restore({ to: lost.file }), RestoreError, 'LOST_SET');
    const after = contents(other.path);
    assert.deepEqual(after, before);
  });

  it('may be moved with its folder before it is finished', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('home'));
    const inHome = { file: (name: string) => folder.file(`home/${name}`) };
    const { path, staged } = await interrupted(inHome);
    copyFileSync(path, staged);
    renameSync(folder.file('home'), folder.file('moved'));
    await restore({ to: folder.file('moved/dork.db') });
    assert.deepEqual(idsIn(folder.file('moved/dork.db')), ['kept']);
  });
});
