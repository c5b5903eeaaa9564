import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { Making } from '../../../src/engine/copies/making.ts';
import { InvalidInputError, MigrationError } from '../../../src/engine/errors.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { listSnapshots, SNAPSHOTS_KEPT } from '../../../src/engine/migrations/snapshot.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { fileLimit, start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { NOBODY } from '../../support/user.ts';
import {
  count,
  FAMILY,
  fillFamily,
  historyOf,
  ledgerHashes,
  migration,
  open,
  REBUILD_PARENTS,
  writeFolder,
} from './support.ts';

const HISTORY = historyOf(FAMILY, REBUILD_PARENTS);
const FAILING = historyOf(FAMILY, migration('0001_fails', 'ALTER TABLE parents ADD COLUMN x', 'SELECT nothing'));

/** Makes a file at the first migration, closed. */
function makeFile(path: string, parents = 10): void {
  using connection = open(path);
  migrate(connection, historyOf(FAMILY));
  fillFamily(connection, parents);
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

describe(`the snapshot before a migration, on ${RUNTIME}`, () => {
  it('holds the file as it was, is private, and lies in backups/ beside the file', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    using connection = open(path);
    const { snapshot = '' } = migrate(connection, HISTORY);
    assert.match(basename(snapshot), /^family-pre-migration-\d{8}T\d{9}Z-0000_family\.db$/);
    assert.deepEqual(readdirSync(folder.file('backups')), [basename(snapshot)]);
    assert.deepEqual([mode(snapshot), mode(folder.file('backups'))], ['600', '700']);
    assert.deepEqual(listSnapshots(path), [snapshot]);
    using copy = open(snapshot);
    assert.deepEqual(ledgerHashes(copy), [FAMILY.hash]);
    assert.deepEqual([count(copy, 'parents'), count(copy, 'children')], [10, 30]);
    assert.equal(copy.pragma('integrity_check', { simple: true }), 'ok');
  });

  it('is made of what other connections have committed and not yet moved out of the -wal', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    using other = open(path);
    other.exec("INSERT INTO parents VALUES ('late', 'in the -wal')");
    using connection = open(path);
    const { snapshot = '' } = migrate(connection, HISTORY);
    using copy = open(snapshot);
    assert.equal(count(copy, "parents WHERE id = 'late'"), 1);
  });

  it('lies beside the real file where the path is a link', () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('real'));
    mkdirSync(folder.file('links'));
    makeFile(join(folder.file('real'), 'family.db'));
    symlinkSync(join(folder.file('real'), 'family.db'), join(folder.file('links'), 'family.db'));
    using connection = open(join(folder.file('links'), 'family.db'));
    assert.equal(migrate(connection, HISTORY).snapshot?.startsWith(folder.file('real/backups')), true);
    assert.deepEqual(readdirSync(folder.file('links')), ['family.db']);
  });

  it('is not made where there are no rows, nothing is pending, or it is switched off', () => {
    using folder = temporaryFolder();
    using empty = open(folder.file('empty.db'));
    migrate(empty, historyOf(FAMILY));
    migrate(empty, HISTORY);
    using copy = open(folder.file('copy.db'));
    migrate(copy, historyOf(FAMILY));
    fillFamily(copy);
    migrate(copy, historyOf(FAMILY));
    migrate(copy, HISTORY, { snapshot: false });
    assert.ok(!existsSync(folder.file('backups')));
  });

  it('does not stay where the migration was rolled back', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    using connection = open(path);
    assert.throws(() => migrate(connection, FAILING), MigrationError);
    assert.equal(existsSync(folder.file('backups')), false);
    mkdirSync(folder.file('backups'));
    assert.throws(() => migrate(connection, FAILING), MigrationError);
    assert.deepEqual(readdirSync(folder.file('backups')), [], 'a folder that was there stays');
  });

  it(`leaves the ${SNAPSHOTS_KEPT} newest, and touches nothing else in the folder`, () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    mkdirSync(folder.file('backups'));
    const file = (name: string) => join(folder.file('backups'), name);
    const old = Array.from({ length: 12 }, (_, i) => `family-pre-migration-202501${10 + i}T000000000Z-0000_family.db`);
    const others = [
      'family-2025-01-01.db',
      'other-pre-migration-20250110T000000000Z-0000_family.db',
      'family-pre-migration-notes.txt',
      'family-pre-migration-20250101T000000000Z-0000_family.db.99999999.partial.keep',
      'family-pre-migration-20250101T000000000Z-0000_family-keep.db',
    ];
    for (const name of [...old, ...others]) writeFileSync(file(name), 'x');
    using connection = open(path);
    assert.throws(() => migrate(connection, FAILING), MigrationError);
    assert.equal(readdirSync(folder.file('backups')).length, 17);
    const { snapshot = '' } = migrate(connection, HISTORY);
    assert.deepEqual(
      readdirSync(folder.file('backups')).sort(),
      [...others, ...old.slice(-(SNAPSHOTS_KEPT - 1)), basename(snapshot)].sort(),
    );
  });

  it('is not pushed out by those dated in the future, and pushes none of them out', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    mkdirSync(folder.file('backups'));
    const put = (stamp: string) => {
      const name = `family-pre-migration-${stamp}T000000000Z-0000_family.db`;
      writeFileSync(join(folder.file('backups'), name), 'x');
      return name;
    };
    const future = Array.from({ length: 12 }, (_, i) => put(`299901${10 + i}`));
    const past = Array.from({ length: SNAPSHOTS_KEPT - 1 }, (_, i) => put(`202501${10 + i}`));
    using connection = open(path);
    const { snapshot = '' } = migrate(connection, HISTORY);
    assert.deepEqual(readdirSync(folder.file('backups')).sort(), [...past, ...future, basename(snapshot)].sort());
    assert.equal(listSnapshots(path)[0], snapshot, 'the newest of a known time comes first');
  });

  it('removes what dead makers left, and nothing that is being made', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    mkdirSync(folder.file('backups'));
    const file = (end: string) => folder.file(`backups/family-pre-migration-20250101T000000000Z-0000_family.db${end}`);
    for (const end of ['.0a1b2c3d.partial', '.0a1b2c3d.partial-journal', '.4711.partial'])
      writeFileSync(file(end), 'x');
    using connection = open(path);
    using making = new Making(connection.adapter, file(''));
    const { snapshot = '' } = migrate(connection, HISTORY);
    assert.deepEqual(
      readdirSync(folder.file('backups')).sort(),
      [basename(making.path), `${basename(making.path)}-lock`, basename(snapshot)].sort(),
    );
  });

  it('stops the migration where it cannot be made, and says so', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    writeFileSync(folder.file('backups'), 'a file where the folder should be');
    using connection = open(path);
    assert.throws(
      () => migrate(connection, HISTORY),
      (error) =>
        error instanceof MigrationError &&
        error.kind === 'failed' &&
        /No snapshot could be made .* nothing was migrated/.test(error.message),
    );
    assert.deepEqual(ledgerHashes(connection), [FAMILY.hash]);
    assert.deepEqual(readdirSync(folder.path).sort(), ['backups', 'family.db', 'family.db-shm', 'family.db-wal']);
  });

  it('belongs to whoever the file belongs to, with its folder', {
    skip: process.getuid?.() !== 0 && 'only root makes files for others',
  }, () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    chownSync(folder.path, NOBODY, NOBODY);
    chownSync(path, NOBODY, NOBODY);
    using connection = open(path);
    const { snapshot } = migrate(connection, HISTORY);
    for (const made of [folder.file('backups'), snapshot ?? '']) assert.equal(statSync(made).uid, NOBODY, made);
  });

  it('is switched off by false alone', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path);
    using connection = open(path);
    for (const snapshot of [0, null, 'no'])
      assert.throws(() => migrate(connection, HISTORY, { snapshot: snapshot as never }), InvalidInputError);
    assert.deepEqual(ledgerHashes(connection), [FAMILY.hash]);
  });
});

interface Answer {
  readonly done?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string; readonly cause: string };
}

/** Runs the migrator in a process of its own, its files limited to a size, and gives its last line. */
async function migrateLimited(path: string, migrations: string, bytes?: number): Promise<Answer> {
  const before = bytes === undefined ? undefined : fileLimit(bytes);
  return (
    (await start('test/engine/migrations/fixtures/migrator.ts', [path, migrations], { before }).all<Answer>()).at(-1) ??
    {}
  );
}

describe(`a full disk, on ${RUNTIME}`, () => {
  it('at the snapshot: nothing is migrated, nothing is left, and it works when there is room', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path, 4000);
    const migrations = writeFolder(folder.file('drizzle'), HISTORY);
    const { error } = await migrateLimited(path, migrations, statSync(path).size / 2);
    assert.equal(error?.code, 'MIGRATION_FAILED');
    assert.match(error?.message ?? '', /No snapshot could be made .* so nothing was migrated/);
    assert.match(error?.hint ?? '', /Free some disk space/);
    assert.equal(existsSync(folder.file('backups')), false);
    {
      using connection = open(path);
      assert.deepEqual(ledgerHashes(connection), [FAMILY.hash]);
      assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
      assert.equal(count(connection, 'children'), 12_000);
    }
    assert.ok((await migrateLimited(path, migrations)).done);
  });

  it('in the migration: it is rolled back, the first error is told, and it works when there is room', {
    timeout: 60_000,
  }, async () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeFile(path, 1000);
    const blobs = migration(
      '0001_blobs',
      'CREATE TABLE blobs (data blob)',
      'INSERT INTO blobs SELECT randomblob(20000) FROM parents',
    );
    const migrations = writeFolder(folder.file('drizzle'), historyOf(FAMILY, blobs));
    const { error } = await migrateLimited(path, migrations, 8_000_000);
    assert.equal(error?.code, 'MIGRATION_FAILED');
    assert.match(`${error?.message}`, /SQLITE_(FULL|IOERR)/);
    assert.doesNotMatch(`${error?.message} ${error?.cause}`, /no transaction is active/);
    assert.equal(existsSync(folder.file('backups')), false);
    {
      using connection = open(path);
      assert.deepEqual(ledgerHashes(connection), [FAMILY.hash]);
      assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
      assert.equal(count(connection, 'parents'), 1000);
    }
    assert.ok((await migrateLimited(path, migrations)).done);
  });

  it('of a small file system: the snapshot is not begun where it has no room', { timeout: 60_000 }, async () => {
    const mount = mkdtempSync(join(tmpdir(), 'dorkos-db-'));
    const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', mount]).status === 0;
    try {
      const path = join(mount, 'family.db');
      makeFile(path, 6000);
      const migrations = writeFolder(join(mount, 'drizzle'), HISTORY);
      const { bavail, bsize } = statfsSync(mount);
      if (isMounted) writeFileSync(join(mount, 'filler'), Buffer.alloc(bavail * bsize - statSync(path).size / 2));
      // Where nothing may be mounted, a limit of the file's size does the same.
      const { error } = await migrateLimited(path, migrations, isMounted ? undefined : statSync(path).size / 2);
      assert.equal(error?.code, 'MIGRATION_FAILED');
      assert.match(error?.message ?? '', /nothing was migrated/);
      if (isMounted) assert.match(error?.message ?? '', /bytes free; a copy .* may need/);
      assert.equal(existsSync(join(mount, 'backups')), false);
      using connection = open(path);
      assert.deepEqual(ledgerHashes(connection), [FAMILY.hash]);
      assert.equal(count(connection, 'children'), 18_000);
    } finally {
      if (isMounted) spawnSync('umount', [mount]);
      rmSync(mount, { recursive: true });
    }
  });
});
