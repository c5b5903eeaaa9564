import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import {
  BackupError,
  createDb,
  InvalidInputError,
  listBackups,
  type RecoverProgress,
  RestoreError,
  recover,
  restore,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { errorForNobody } from '../../support/user.ts';
import { contents, deny, fatten, idsIn, mode, rejects, SLOW_DISK_MS } from './support.ts';

const PAGE = 4096;
const ROWS = 3000;

/** True where the shell is there and was built with the table of pages that `.recover` reads. */
const HAS_SHELL =
  spawnSync('sqlite3', ['-batch', ':memory:', 'SELECT count(*) FROM sqlite_dbpage'], { stdio: 'ignore' }).status === 0;

/** Runs a function while no shell is found. */
async function withoutShell<T>(fn: () => Promise<T>): Promise<T> {
  const path = process.env.PATH;
  process.env.PATH = '/nonexistent';
  try {
    return await fn();
  } finally {
    process.env.PATH = path;
  }
}

/** A database with rows in several tables, closed. */
function populated(folder: { file(name: string): string }): string {
  const file = folder.file('dork.db');
  using db = createDb(file);
  deny(db, ...Array.from({ length: ROWS }, (_, i) => `row-${String(i).padStart(5, '0')}`));
  fatten(db, 1);
  return file;
}

/** Where the rows of a table lie, in the order of the table. */
function leavesOf(file: string, table: string): number[] {
  using db = createDb(file);
  return db.$client
    .prepare<{ pageno: number }>("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path")
    .all(table)
    .map(({ pageno }) => pageno);
}

function zero(file: string, pages: readonly number[]): void {
  const bytes = readFileSync(file);
  for (const page of pages) bytes.fill(0, (page - 1) * PAGE, page * PAGE);
  writeFileSync(file, bytes);
}

describe(`recover on ${RUNTIME}`, () => {
  for (const how of ['as it is installed', 'without the sqlite3 shell']) {
    const runs = <T>(fn: () => Promise<T>) => (how === 'as it is installed' ? fn() : withoutShell(fn));

    it(`saves every row around a damage into a new file that can be restored, ${how}`, {
      timeout: SLOW_DISK_MS,
    }, async () => {
      using folder = temporaryFolder();
      const file = populated(folder);
      const leaves = leavesOf(file, 'agent_denials');
      const rowsOfLeaf = Math.floor(ROWS / leaves.length);
      zero(file, [leaves[2] ?? 0, leaves[9] ?? 0]);
      const before = contents(folder.path);
      const report = await runs(() => recover({ from: file }));
      assert.deepEqual({ ...contents(folder.path), ...before }, contents(folder.path));
      for (const [name, hash] of Object.entries(before)) assert.equal(contents(folder.path)[name], hash);
      const saved = report.rows.agent_denials ?? 0;
      assert.ok(saved < ROWS && saved > ROWS - 3 * rowsOfLeaf, `${saved} of ${ROWS}`);
      assert.equal(report.rows.relay_index, 1000);
      assert.equal(report.rows.relay_counts, 1);
      assert.equal(report.method, how === 'as it is installed' && HAS_SHELL ? 'shell' : 'tables');
      if (report.method === 'tables') assert.deepEqual(report.unreadable, { agent_denials: ROWS - saved });
      assert.deepEqual([report.damage, report.danglingRows, report.drift, report.isRestorable], [[], 0, [], true]);
      assert.match(basename(report.to), /^dork-recovered-\d{8}T\d{9}Z\.db$/);
      assert.deepEqual([mode(report.to), mode(dirname(report.to))], ['600', '700']);
      assert.deepEqual(readdirSync(dirname(report.to)), [basename(report.to)]);
      const [listed] = listBackups(dirname(report.to));
      assert.deepEqual([listed?.kind, listed?.verified], ['recovered', true]);
      await restore({ from: report.to, to: file });
      assert.equal(idsIn(file).length, saved);
    });
  }

  it('tells how far it is, and makes no file where the caller throws', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    zero(file, [leavesOf(file, 'agent_denials')[2] ?? 0]);
    const told: RecoverProgress[] = [];
    const report = await recover({ from: file, to: folder.file('saved.db'), onProgress: (at) => told.push(at) });
    assert.deepEqual([...new Set(told.map(({ phase }) => phase))], ['copying', 'recovering', 'verifying']);
    assert.deepEqual([told[0]?.bytes, told.at(-1)?.bytes], [0, report.bytes]);
    for (const { totalBytes } of told) assert.equal(totalBytes, told[0]?.totalBytes);
    const before = readdirSync(folder.path).sort();
    for (const at of ['copying', 'recovering', 'verifying']) {
      const onProgress = ({ phase }: RecoverProgress) => {
        if (phase === at) throw new Error(`stopped ${at}`);
      };
      const stopped = recover({ from: file, to: folder.file('other.db'), onProgress });
      await assert.rejects(stopped, new RegExp(`stopped ${at}`));
      assert.deepEqual(readdirSync(folder.path).sort(), before);
    }
  });

  it('reads a file whose header was overwritten, or that was cut off', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    const whole = readFileSync(file);
    writeFileSync(file, Buffer.concat([Buffer.alloc(100, 'X'), whole.subarray(100)]));
    assert.throws(() => createDb(file));
    const report = await withoutShell(() => recover({ from: file, to: folder.file('saved.db') }));
    assert.equal(report.rows.agent_denials, ROWS);
    assert.equal(report.isRestorable, true);
    assert.deepEqual(report.drift, []);

    writeFileSync(file, whole);
    truncateSync(file, whole.length - 40 * PAGE);
    const cut = await withoutShell(() => recover({ from: file, to: folder.file('saved-2.db') }));
    assert.equal(cut.rows.agent_denials, ROWS);
    assert.ok((cut.rows.relay_index ?? 0) > 0 && (cut.rows.relay_index ?? 0) < 1000);
    if (cut.method === 'tables') assert.ok('relay_index' in cut.unreadable);
  });

  it('reads what a crash left in the -wal too', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    const holder = start('test/engine/backup/fixtures/hold.ts', [file, 'in-the-wal']);
    await holder.next();
    await holder.kill();
    const set = () => ['', '-wal', '-shm'].map((suffix) => readFileSync(file + suffix));
    const before = set();
    const { rows } = await recover({ from: file });
    assert.equal(rows.agent_denials, ROWS + 1);
    assert.deepEqual(set(), before);
  });

  it('makes no file of what is no database, over another one, or of one that is open', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('home'));
    const file = folder.file('home/dork.db');
    const noDatabases = [
      '',
      'a shopping list, '.repeat(1000),
      '\r\n'.repeat(4096),
      '\0'.repeat(3 * PAGE),
      randomBytes(9 * PAGE),
    ];
    for (const bytes of noDatabases) {
      writeFileSync(file, bytes);
      const phases: string[] = [];
      const recovery = recover({ from: file, onProgress: ({ phase }) => phases.push(phase) });
      const error = await rejects(recovery, RestoreError, 'NOT_A_DATABASE');
      assert.match(error.message, bytes.length === 0 ? /it is empty/ : /neither the header nor a page of one/);
      assert.match(error.hint, /backup/);
      assert.deepEqual(phases, [], 'nothing was copied or read');
      assert.deepEqual(readdirSync(folder.file('home')), ['dork.db']);
      assert.deepEqual(readFileSync(file), Buffer.from(bytes));
    }
    await rejects(recover({ from: folder.file('nothing.db') }), RestoreError, 'FILE_MISSING');
    await rejects(recover({ from: folder.file('home') }), RestoreError, 'FILE_MISSING');
    await rejects(recover({ from: '' }), InvalidInputError, 'INVALID_INPUT');

    const good = populated(folder);
    await rejects(recover({ from: good, to: file }), BackupError, 'TARGET_EXISTS');
    await rejects(recover({ from: good, to: folder.file('no/x.db') }), BackupError, 'FOLDER_MISSING');
    using _db = createDb(good);
    await rejects(recover({ from: good, to: folder.file('x.db') }), RestoreError, 'IN_USE');
    assert.equal(existsSync(folder.file('x.db')), false);
  });

  it('finds a single page of a tree in what is left, or the log of a database', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const whole = readFileSync(populated(folder));
    const file = folder.file('left.db');
    const [leaf = 0] = leavesOf(folder.file('dork.db'), 'relay_index');
    writeFileSync(file, Buffer.concat([randomBytes(5 * PAGE), whole.subarray((leaf - 1) * PAGE, leaf * PAGE)]));
    await rejects(recover({ from: file, to: folder.file('saved.db') }), RestoreError, 'NOTHING_RECOVERED');
    writeFileSync(file, randomBytes(PAGE));
    writeFileSync(`${file}-wal`, Buffer.from('377f0682', 'hex'));
    await rejects(recover({ from: file, to: folder.file('saved.db') }), RestoreError, 'NOTHING_RECOVERED');
    writeFileSync(`${file}-wal`, 'not a log');
    await rejects(recover({ from: file, to: folder.file('saved.db') }), RestoreError, 'NOT_A_DATABASE');
    assert.equal(existsSync(folder.file('saved.db')), false);
  });

  it('describes the database of another program, and one whose ledger is lost', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('other.db');
    {
      using db = createDb(':memory:', { migrations: 'skip' });
      db.$client.exec('CREATE TABLE bookmarks (url TEXT)');
      db.$client.exec(`VACUUM INTO '${file}'`);
    }
    const other = await recover({ from: file, to: folder.file('other-saved.db') });
    assert.match(other.foreign?.what ?? '', /is a SQLite database of another program/);
    assert.equal(other.isRestorable, false);
    const ours = populated(folder);
    {
      using db = createDb(ours);
      db.$client.exec('DROP TABLE __drizzle_migrations; DROP TABLE __dork_migrations_log');
    }
    const saved = await recover({ from: ours, to: folder.file('saved.db') });
    assert.deepEqual([saved.foreign, saved.migration, saved.isRestorable], [undefined, undefined, false]);
    assert.equal(saved.rows.agent_denials, ROWS);
  });

  it('keeps rows that the schema forbids, and counts those that it cannot keep', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    {
      using db = createDb(file);
      db.$client.exec(`PRAGMA ignore_check_constraints = ON;
        UPDATE relay_index SET status = 'xx' WHERE id = 'fat-1';
        CREATE TABLE notes (id TEXT UNIQUE, text TEXT);
        INSERT INTO notes VALUES ('key-1', 'one'), ('key-2', 'two'), ('key-3', 'three')`);
    }
    const bytes = readFileSync(file);
    bytes.write('key-1two', bytes.indexOf('key-2two'));
    writeFileSync(file, bytes);
    const report = await withoutShell(() => recover({ from: file, to: folder.file('saved.db') }));
    assert.equal(report.method, 'tables');
    using saved = createDb(report.to, { migrations: 'skip' });
    assert.equal(saved.$client.prepare("SELECT status FROM relay_index WHERE id = 'fat-1'").get()?.status, 'xx');
    assert.deepEqual([report.refused, report.rows.notes], [{ notes: 1 }, 2]);
    assert.match(report.damage.join(), /CHECK constraint failed in relay_index/);
    assert.equal(report.isRestorable, false);
  });

  it('says that the new file could not be written, not that the old one is damaged', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    const before = readFileSync(file);
    // Enough for the copy of the damaged file, and not for a second of it that is a little larger.
    const limit = `ulimit -f ${Math.floor(before.length / 512) - 100}; trap '' XFSZ;`;
    const answers = start('test/engine/backup/fixtures/recover.ts', [file, folder.file('saved.db')], { before: limit });
    const error = await answers.next<{ name: string; code: string; message: string }>();
    await answers.ended;
    assert.match(`${error.name} ${error.code}`, /^RestoreError (EFBIG|SQLITE_FULL|SQLITE_IOERR_WRITE)$/, error.message);
    assert.deepEqual(readFileSync(file), before);
    assert.equal(existsSync(folder.file('saved.db')), false);
  });

  it('says what the system refuses, and leaves the damaged file and its folder as they are', {
    timeout: SLOW_DISK_MS,
    skip: process.getuid?.() !== 0 && 'only root can become another user',
  }, async () => {
    using folder = temporaryFolder();
    chmodSync(folder.path, 0o777);
    const file = populated(folder);
    const before = contents(folder.path);
    const refused = (name: string, code: RegExp) => {
      const {
        name: type,
        code: found,
        message,
        hint,
      } = errorForNobody('recover', { from: file, to: folder.file(name) });
      assert.match(`${type} ${found}`, code, message);
      assert.match(String(message), /(was not|nothing was) changed/);
      assert.ok(hint);
      assert.deepEqual(contents(folder.path), before);
    };
    refused('saved.db', /^RestoreError EACCES$/);
    chmodSync(file, 0o644);
    chmodSync(folder.path, 0o755);
    before[basename(file)] = contents(folder.path)[basename(file)] ?? '';
    refused('saved.db', /^BackupError CANNOT_CREATE$/);
    assert.equal(errorForNobody('recover', { from: folder.file('dork.db/x') }).code, 'FILE_MISSING');
  });

  it('removes what a killed one left, by name', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    const work = folder.file(`backups/dork-recovered-20261122T093000000Z.db.0a1b2c3d.partial`);
    mkdirSync(work, { recursive: true });
    writeFileSync(join(work, 'damaged.db'), 'half');
    const { to } = await recover({ from: file });
    assert.deepEqual(readdirSync(folder.file('backups')), [basename(to)]);
  });

  it('says of rows that belong to no known table where they are, where the shell finds them', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = populated(folder);
    zero(file, [1]);
    const outcome = await recover({ from: file, to: folder.file('saved.db') }).catch((error) => error);
    if (!HAS_SHELL) {
      assert.ok(outcome instanceof RestoreError);
      assert.equal(existsSync(folder.file('saved.db')), false);
      return;
    }
    assert.ok(outcome.lostAndFound >= ROWS);
    assert.equal(outcome.isRestorable, false);
    assert.match(execFileSync('sqlite3', [folder.file('saved.db'), '.tables'], { encoding: 'utf8' }), /lost_and_found/);
  });
});
