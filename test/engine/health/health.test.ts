import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  ClosedError,
  closeDb,
  createDb,
  type Db,
  type HealthCheckName,
  type HealthFinding,
  type HealthOptions,
  health,
  InvalidInputError,
  importLegacy,
  listBackups,
  PulseStore,
  runMigrations,
  SqliteIndex,
} from '#entry';
import { history } from '../../../drizzle/history.ts';
import { copyName } from '../../../src/engine/file/copy-name.ts';
import { fitness, roomFinding } from '../../../src/engine/health/file-system.ts';
import { estimatedSizes, objectSizes } from '../../../src/engine/health/object-sizes.ts';
import { libraryFinding } from '../../../src/engine/health/sqlite.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** The findings of a check that are worse than ok, as `warning: fact`. */
function problems(db: Db, check: HealthCheckName, options?: HealthOptions): string[] {
  return health(db, options)
    .findings.filter((finding) => finding.check === check && finding.severity !== 'ok')
    .map(({ severity, fact }) => `${severity}: ${fact}`);
}

/** Every finding that asks for something says what. */
function assertHints(findings: readonly HealthFinding[]): void {
  for (const { severity, hint, fact } of findings) {
    if (severity === 'warning' || severity === 'error') assert.ok(hint && hint.length > 5, fact);
  }
}

/** Makes a copy of the database under the name of a backup of that day. */
function backUp(db: Db, folder: string, at: Date): string {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, copyName(folder, db.$client.filename, 'backup', at));
  db.$client.prepare('VACUUM INTO ?').run(path);
  chmodSync(path, 0o600);
  return path;
}

describe('health', () => {
  it('finds nothing wrong with a new file, at every depth, and gives every figure', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    for (const deep of [false, 'quick', true] as const) {
      const report = health(db, { deep });
      assert.equal(report.filename, folder.file('dork.db'));
      const wrong = report.findings.filter(({ severity }) => severity === 'warning' || severity === 'error');
      // The temporary folder of some systems is in memory, which is worth a warning.
      const ofMachine = wrong.filter(({ check }) => check === 'file-system');
      assert.deepEqual(wrong, ofMachine);
      assert.equal(report.severity, ofMachine.length > 0 ? 'warning' : 'info', 'that there is no backup yet');
      assert.equal(report.sqlite?.version, db.$client.sqliteVersion);
      assert.equal(report.sqlite?.driver, db.$client.driver);
      assert.equal(report.size?.pageSize, 4096);
      assert.ok((report.size?.pages ?? 0) > 10);
      assert.ok((report.wal?.pendingBytes ?? -1) >= 0);
      assert.ok((report.fileSystem?.freeBytes ?? 0) > 0);
      assert.deepEqual(report.migrations?.pending, []);
      assert.equal(report.migrations?.state, 'current');
      assert.deepEqual(report.drift, []);
      assert.deepEqual(report.legacyFiles, []);
      assert.equal(report.newestBackup, null);
      assert.deepEqual(report.damage, deep ? [] : undefined);
      assert.deepEqual(report.danglingRows, deep === true ? [] : undefined);
      assert.equal(report.size?.objects !== undefined, deep !== false);
    }
  });

  it('answers for a database in memory, in a transaction and on a read-only connection', () => {
    using memory = createDb(':memory:');
    assert.equal(health(memory, { deep: true }).severity, 'ok');
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    db.transaction(() => assert.notEqual(health(db).severity, 'error'));
    using reader = createDb(folder.file('dork.db'), { readonly: true });
    assert.notEqual(health(reader, { deep: true }).severity, 'error');
  });

  it('writes nothing', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const before = [db.$client.pragma('data_version'), health(db).wal];
    health(db, { deep: true });
    assert.deepEqual([db.$client.pragma('data_version'), health(db).wal], before);
  });

  it('refuses another depth, and a closed connection', () => {
    const db = createDb(':memory:');
    assert.throws(() => health(db, { deep: 'deeper' as 'quick' }), InvalidInputError);
    closeDb(db);
    assert.throws(() => health(db), ClosedError);
  });

  it('finds a zeroed page in the middle of a table when it looks deep, and reads no table otherwise', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      const insert = db.$client.prepare(
        "INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES (?, ?, ?, 's', 'sent', ?)",
      );
      db.transaction(() => {
        for (let i = 0; i < 5000; i++)
          insert.run(`id-${i}`, `m-${i}`, 'secret'.repeat(50), `2026-01-01T00:00:00.${i}Z`);
      });
    }
    const page = 4096;
    const fd = openSync(file, 'r+');
    const middle = Math.floor(statSync(file).size / page / 2) * page;
    writeSync(fd, Buffer.alloc(page), 0, page, middle);
    closeSync(fd);
    using db = createDb(file);
    assert.deepEqual(problems(db, 'integrity'), []);
    for (const deep of ['quick', true] as const) {
      const report = health(db, { deep });
      assert.equal(report.severity, 'error');
      assert.ok((report.damage ?? []).length > 0, JSON.stringify(report.findings, null, 1));
      assert.ok(!JSON.stringify(report).includes('secret'), 'no content of a row');
      assert.ok(report.migrations && report.size, 'the checks that can be made are made');
      assertHints(report.findings);
    }
  });

  it('finds counters of the relay that are not those of its messages, in depth', () => {
    using db = createDb(':memory:');
    const index = new SqliteIndex(db);
    for (const id of ['a', 'b']) index.insertMessage({ id, subject: id, endpointHash: 'e' });
    const errors = () => problems(db, 'counters', { deep: true });
    assert.deepEqual(errors(), []);
    db.$client.exec("UPDATE relay_counts SET pending = 5 WHERE subject = 'a'");
    db.$client.exec("INSERT INTO relay_counts (subject, failed) VALUES ('gone', 1)");
    assert.deepEqual(problems(db, 'counters'), [], 'the index is read only in depth');
    assert.match(errors().join(), /^error: The counters of 2 subjects/);
  });

  it('finds rows that refer to rows which are not there', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const store = new PulseStore(db);
    const { id } = store.createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    store.createRun(id, 'manual');
    assert.deepEqual(problems(db, 'foreign-keys', { deep: true }), []);
    db.$client.exec('PRAGMA foreign_keys = OFF; DELETE FROM pulse_schedules; PRAGMA foreign_keys = ON');
    assert.deepEqual(problems(db, 'foreign-keys', { deep: true }), [
      'error: 1 rows refer to missing rows, the first in pulse_runs (rowid 1) to pulse_schedules.',
    ]);
    assert.deepEqual(health(db, { deep: true }).danglingRows, [
      { table: 'pulse_runs', rowid: 1, parent: 'pulse_schedules' },
    ]);
  });

  it('tells schema drift by how bad it is', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    db.$client.exec('CREATE TABLE extra (x); DROP INDEX agents_registered');
    assert.deepEqual(problems(db, 'schema').sort(), [
      'info: The table extra does not belong to this database. Another program created it.',
      'warning: The index agents_registered is missing.',
    ]);
    db.$client.exec('DROP TABLE agent_denials');
    assert.ok(problems(db, 'schema').includes('error: The table agent_denials is missing.'));
  });

  it('tells pending migrations, and a file that is newer than the code', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'), { migrations: 'skip' });
    runMigrations(db, { history: { migrations: history.migrations.slice(0, 1) } });
    const [pending] = problems(db, 'migrations');
    assert.match(pending ?? '', /^warning: .* lacks 0001/);
    assert.equal(health(db).migrations?.state, 'pending');
    runMigrations(db);
    assert.deepEqual(problems(db, 'migrations'), []);
    db.$client.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)').run('f'.repeat(64), 9e12);
    assert.match(problems(db, 'migrations')[0] ?? '', /^error: .*newer than this code/);
    assert.equal(health(db).migrations?.state, 'newer_database');
  });

  it('tells a pragma that somebody changed, and another journal mode', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      db.$client.exec('PRAGMA foreign_keys = OFF; PRAGMA busy_timeout = 0');
      assert.deepEqual(problems(db, 'pragmas'), [
        'warning: This connection was changed after it was opened: foreign_keys is 0, not 1.',
        'warning: This connection does not wait for locks (busy_timeout is 0): writes fail while another process writes.',
      ]);
      db.$client.exec('PRAGMA journal_mode = DELETE');
    }
    using reader = createDb(file, { readonly: true });
    assert.match(problems(reader, 'pragmas')[0] ?? '', /^error: .* is in journal mode delete, not WAL/);
  });

  it('tells who else may read or change the file, its sidecars, its folder and its backups', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    const backup = backUp(db, folder.file('backups'), new Date());
    assert.deepEqual(problems(db, 'files'), []);
    const expected: [path: string, mode: number, right: number, finding: string][] = [
      [file, 0o640, 0o600, `warning: ${file} has mode 640: other users may read it.`],
      [`${file}-wal`, 0o606, 0o600, `error: ${file}-wal has mode 606: other users may change it.`],
      [`${file}-shm`, 0o644, 0o600, `warning: ${file}-shm has mode 644: other users may read it.`],
      [backup, 0o644, 0o600, `warning: ${backup} has mode 644: other users may read it.`],
      [
        folder.path,
        0o755,
        0o700,
        `info: ${folder.path} has mode 755: other users may see the names of the files in it.`,
      ],
      [folder.path, 0o777, 0o700, `error: ${folder.path} has mode 777: other users may replace the files in it.`],
    ];
    for (const [path, mode, right, finding] of expected) {
      chmodSync(path, mode);
      const report = health(db);
      assert.deepEqual(problems(db, 'files'), [finding]);
      assert.equal(
        report.findings.find(({ check }) => check === 'files')?.hint,
        `chmod ${right.toString(8)} '${path}'`,
      );
      chmodSync(path, right);
    }
    assert.deepEqual(problems(db, 'files'), []);
    // Only root can give a file to another user.
    if (process.getuid?.() !== 0) return;
    chownSync(`${file}-shm`, 12345, 12345);
    assert.deepEqual(problems(db, 'files'), [
      `error: ${file}-shm belongs to user 12345, the database to user 0, who then cannot write.`,
    ]);
  });

  it('tells how old the newest backup is that can be used', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    new PulseStore(db).createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    assert.match(problems(db, 'backups')[0] ?? '', /^warning: There is no backup/);
    const day = 24 * 60 * 60 * 1000;
    const old = backUp(db, folder.file('backups'), new Date(Date.now() - 9 * day - 1000));
    assert.deepEqual(problems(db, 'backups'), [`warning: The newest usable backup is 9 days old: ${old}.`]);
    const recent = backUp(db, folder.file('backups'), new Date(Date.now() - day));
    assert.deepEqual(problems(db, 'backups'), []);
    assert.equal(health(db).newestBackup?.path, recent);
    assert.ok(Math.abs((health(db).newestBackup?.ageMs ?? 0) - day) < 60_000);
    writeFileSync(
      join(folder.file('backups'), copyName(folder.file('backups'), db.$client.filename, 'backup', new Date())),
      'not a backup',
      {
        mode: 0o600,
      },
    );
    assert.match(problems(db, 'backups')[0] ?? '', /^warning: .* is not a usable backup/);
    assert.equal(health(db).newestBackup?.path, recent, 'what is broken does not count');
    renameSync(
      recent,
      join(folder.file('backups'), copyName(folder.file('backups'), db.$client.filename, 'daily', new Date())),
    );
    const [daily] = listBackups(folder.file('backups')).filter(({ kind }) => kind === 'daily');
    assert.equal(health(db).newestBackup?.at, daily?.at, 'one age wherever it is asked');
  });

  it('tells older DorkOS files that are not imported, or were written since', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const legacy = folder.file('schedules.json');
    writeFileSync(legacy, '[]');
    assert.deepEqual(problems(db, 'legacy'), [`warning: Older DorkOS files are not imported: ${legacy}.`]);
    importLegacy(db, { home: folder.path });
    assert.deepEqual(problems(db, 'legacy'), []);
    utimesSync(legacy, new Date(), new Date(Date.now() + 60_000));
    assert.deepEqual(problems(db, 'legacy'), [
      `warning: Older DorkOS files were written after they were imported: ${legacy}.`,
    ]);
    assert.deepEqual(health(db).legacyFiles, [legacy]);
  });

  it('tells free pages that are worth giving back', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    db.$client.exec('CREATE TABLE _big (x); INSERT INTO _big VALUES (zeroblob(40000000)); DROP TABLE _big');
    assert.match(problems(db, 'size')[0] ?? '', /^info: .*free/);
  });
});

describe('what the file lies on', () => {
  it('is an error on a network, a warning where it may be lost or read, and well on a disk', () => {
    const severity = (name: string, kind: Parameters<typeof fitness>[2]) => fitness('/f', name, kind).severity;
    assert.equal(severity('nfs', 'shared'), 'error');
    assert.equal(severity('fuse', 'perhaps-shared'), 'warning');
    assert.equal(severity('vfat', 'modeless'), 'warning');
    assert.equal(severity('squashfs', 'readonly'), 'error');
    assert.equal(severity('ext4', 'fit'), 'ok');
    const kinds = ['shared', 'perhaps-shared', 'temporary', 'modeless', 'readonly'] as const;
    assertHints(kinds.map((kind) => fitness('/f', 'x', kind)));
  });

  it('is known by its type where the system tells it', () => {
    // On Linux /dev/shm is a tmpfs; elsewhere the system does not tell.
    const root = existsSync('/dev/shm') ? '/dev/shm' : undefined;
    using folder = temporaryFolder();
    const path = root ? mkdtempSync(join(root, 'dorkos-db-')) : folder.path;
    try {
      using db = createDb(join(path, 'dork.db'));
      const { fileSystem } = health(db);
      assert.equal(fileSystem?.type, root ? 'tmpfs' : undefined);
      assert.equal(problems(db, 'file-system').length, root ? 1 : 0);
    } finally {
      if (root) rmSync(path, { recursive: true });
    }
  });

  it('is an error when writes will soon fail, a warning when no copy fits', () => {
    assert.equal(roomFinding('/f', 10e6, 1e6).severity, 'error');
    assert.equal(roomFinding('/f', 500e6, 1e9).severity, 'warning');
    assert.equal(roomFinding('/f', 5e9, 1e9).severity, 'ok');
  });
});

describe('the SQLite library', () => {
  it('with the WAL-reset bug is a warning, and an error once two processes have the file open', () => {
    using db = createDb(':memory:');
    const { sqlite } = health(db);
    assert.ok(sqlite);
    const bad = { ...sqlite, version: '3.46.0', hasWalResetBug: true };
    assert.equal(libraryFinding(sqlite, 1).severity, 'ok');
    assert.equal(libraryFinding(bad, 0).severity, 'warning');
    assert.equal(libraryFinding(bad, 1).severity, 'error');
    assertHints([libraryFinding(bad, 0), libraryFinding(bad, 1)]);
  });

  it('gives the size of every table and index, and estimates come near it', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const insert = db.$client.prepare(
      "INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES (?, ?, ?, 's', 'sent', ?)",
    );
    db.transaction(() => {
      for (let i = 0; i < 5000; i++) {
        insert.run(`id-${i}`.padEnd(26, 'x'), `m-${i}`.padEnd(26, 'x'), 't', new Date(1e12 + i).toISOString());
      }
    });
    const { objects, objectsFrom } = objectSizes(db.$client);
    assert.equal(objectsFrom, 'dbstat');
    const estimates = new Map(estimatedSizes(db.$client).map(({ name, bytes }) => [name, bytes]));
    const total = (objects ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
    assert.equal(total, (health(db).size?.pages ?? 0) * 4096, 'every page belongs to something');
    for (const { name, table, bytes } of objects ?? []) {
      if (table !== 'relay_traces') continue;
      const ratio = (estimates.get(name) ?? 0) / bytes;
      assert.ok(ratio > 0.5 && ratio < 2, `${name}: ${ratio}`);
    }
  });
});
