import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  agents,
  type CreateDbOptions,
  closeDb,
  createDb,
  DatabaseOpenError,
  type Db,
  defaultDbPath,
  migrationStatus,
  pulseSchedules,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { errorForNobody } from '../../support/user.ts';

/** SQLite itself leaves these where a read-only connection was the last one. */
const SIDECAR = /no-schema\.db-(wal|shm)$/;

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

/** Names and hashes of everything in a folder, but for the empty -wal and the -shm of a read-only connection. */
function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => {
        const path = join(entry.parentPath, entry.name);
        return [path, entry.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : 'other'];
      })
      .filter(([path]) => !SIDECAR.test(path ?? ''))
      .sort(),
  );
}

/** The database is refused with this code, on every way of opening it, and nothing in the folder changes. */
function assertRefused(
  path: string,
  folder: string,
  code: string | RegExp,
  ways: readonly CreateDbOptions[] = [{}, { readonly: true }, { migrations: 'skip' }, { migrations: 'require' }],
): void {
  const before = contents(folder);
  for (const options of ways) {
    assert.throws(
      () => createDb(path, options),
      (error) => {
        assert.ok(error instanceof DatabaseOpenError, String(error));
        assert.match(error.code, typeof code === 'string' ? new RegExp(`^${code}$`) : code, error.message);
        assert.ok(error.message.includes(folder), error.message);
        assert.ok(error.hint.length > 10);
        return true;
      },
    );
    assert.deepEqual(contents(folder), before, `${code} changed something`);
  }
}

/** A database of ours with some rows, closed. */
function populated(path: string): void {
  using db = createDb(path);
  db.transaction(() => {
    for (let i = 0; i < 500; i++) {
      db.insert(agents)
        .values({
          id: `a${i}`,
          name: 'x'.repeat(200),
          runtime: 'codex',
          projectPath: `/p/${i}`,
          registeredAt: 'r',
          updatedAt: 'u',
        })
        .run();
    }
  });
}

describe(`opening on ${RUNTIME}`, () => {
  it('creates a new file with mode 0600, and its -wal and -shm too, whatever the umask', () => {
    using folder = temporaryFolder();
    const [command, script] = runtimeCommand('test/engine/opening/fixtures/modes.ts');
    for (const umask of ['000', '022', '077']) {
      const file = folder.file(`${umask}.db`);
      const printed = execFileSync('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', command, script, file], {
        cwd: ROOT,
        encoding: 'utf8',
      });
      assert.deepEqual(JSON.parse(printed), { db: '600', wal: '600', shm: '600' });
    }
  });

  it('creates the home folder with mode 0700 for the default path, and for no other', () => {
    using folder = temporaryFolder();
    const home = folder.file('home');
    const [command, script] = runtimeCommand('test/engine/opening/fixtures/default-path.ts');
    const printed = execFileSync('sh', ['-c', 'umask 000; exec "$@"', 'sh', command, script], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, DORK_HOME: home },
    });
    assert.equal(printed.trim(), join(home, 'dork.db'));
    assert.equal(mode(home), '700');
    assert.equal(mode(join(home, 'dork.db')), '600');
    assert.equal(existsSync(folder.file('elsewhere')), false);
    assert.throws(() => createDb(folder.file('elsewhere/dork.db')), DatabaseOpenError);
    assert.equal(existsSync(folder.file('elsewhere')), false);
  });

  it('says so where the default home cannot be made, or backups beside an empty file are no folder', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('home'), 'a file');
    writeFileSync(folder.file('backups'), 'a file');
    writeFileSync(folder.file('dork.db'), '');
    const before = process.env.DORK_HOME;
    process.env.DORK_HOME = folder.file('home');
    try {
      assert.throws(() => createDb(), { name: 'DatabaseOpenError', code: 'CANNOT_CREATE' });
    } finally {
      if (before === undefined) delete process.env.DORK_HOME;
      else process.env.DORK_HOME = before;
    }
    createDb(folder.file('dork.db')).$client.close();
    assert.equal(readFileSync(folder.file('home'), 'utf8'), 'a file');
  });

  it('takes $DORK_HOME, else ~/.dork, as the default', () => {
    const before = process.env.DORK_HOME;
    process.env.DORK_HOME = '/somewhere';
    assert.equal(defaultDbPath(), '/somewhere/dork.db');
    delete process.env.DORK_HOME;
    assert.match(defaultDbPath(), /\/\.dork\/dork\.db$/);
    if (before !== undefined) process.env.DORK_HOME = before;
  });

  it('opens :memory: with the whole schema', () => {
    using db = createDb(':memory:');
    assert.deepEqual(db.select().from(pulseSchedules).all(), []);
    assert.equal(migrationStatus(db).state, 'current');
  });

  it('refuses a folder, a special file, a dangling link and a missing or wrong parent', () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('a-folder'));
    symlinkSync(folder.file('nowhere.db'), folder.file('dangling.db'));
    writeFileSync(folder.file('file'), 'x');
    execFileSync('mkfifo', [folder.file('pipe')]);
    assertRefused(folder.file('a-folder'), folder.path, 'IS_A_FOLDER');
    assertRefused(folder.file('dangling.db'), folder.path, 'DANGLING_LINK');
    assertRefused(folder.file('missing/dork.db'), folder.path, 'FOLDER_MISSING');
    assertRefused(folder.file('file/dork.db'), folder.path, 'FOLDER_MISSING');
    assert.throws(() => createDb(folder.file('pipe')), { code: 'NOT_A_FILE' });
  });

  it('refuses a text file, a truncated one and a byte-flipped header, and leaves them byte for byte', () => {
    using folder = temporaryFolder();
    writeFileSync(folder.file('text.db'), 'these are notes, and not a database at all\n'.repeat(200));
    assertRefused(folder.file('text.db'), folder.path, 'NOT_A_DATABASE');
    writeFileSync(folder.file('short.db'), 'x');
    assertRefused(folder.file('short.db'), folder.path, 'NOT_A_DATABASE');

    populated(folder.file('good.db'));
    const size = statSync(folder.file('good.db')).size;
    for (const [name, length] of [
      ['cut-in-a-page.db', size - 1000],
      ['cut-at-a-page.db', size - 8192],
      ['only-a-header.db', 100],
      ['half.db', Math.floor(size / 2)],
    ] as const) {
      copyFileSync(folder.file('good.db'), folder.file(name));
      truncateSync(folder.file(name), length);
      assertRefused(folder.file(name), folder.path, 'TRUNCATED');
    }
    const bytes = readFileSync(folder.file('good.db'));
    for (const offset of [0, 5, 15]) {
      const flipped = Buffer.from(bytes);
      flipped[offset] = (flipped[offset] ?? 0) ^ 0xff;
      writeFileSync(folder.file('flipped.db'), flipped);
      assertRefused(folder.file('flipped.db'), folder.path, 'NOT_A_DATABASE');
    }
    const noSchema = Buffer.from(bytes).fill(0xff, 100, 300);
    writeFileSync(folder.file('no-schema.db'), noSchema);
    assertRefused(folder.file('no-schema.db'), folder.path, /^SQLITE_CORRUPT/);
  });

  it('refuses a database of another program and does not change a byte of it', () => {
    using folder = temporaryFolder();
    using other = createDb(':memory:');
    for (const [name, applicationId, journal] of [
      ['plain.db', 0, 'delete'],
      ['marked.db', 0x12345678, 'delete'],
      ['wal.db', 0, 'wal'],
    ] as const) {
      const file = folder.file(name);
      writeFileSync(file, '');
      using foreign = other.$client.sibling(file);
      foreign.exec(
        `PRAGMA journal_mode = ${journal}; PRAGMA application_id = ${applicationId}; CREATE TABLE notes (a); INSERT INTO notes VALUES (1)`,
      );
      foreign.close();
      const before = readFileSync(file);
      assert.throws(() => createDb(file), { code: 'NOT_OURS' });
      assert.throws(() => createDb(file, { migrations: 'skip' }), { code: 'NOT_OURS' });
      assert.deepEqual(readFileSync(file), before);
      assert.deepEqual(
        readdirSync(folder.path).filter((entry) => entry.startsWith(name)),
        [name],
      );
    }
  });

  it('refuses where the main file is gone or empty beside its -wal: there was more', () => {
    using folder = temporaryFolder();
    populated(folder.file('dork.db'));
    writeFileSync(folder.file('gone.db-wal'), readFileSync(folder.file('dork.db')));
    assertRefused(folder.file('gone.db'), folder.path, 'LOST_MAIN_FILE');
    writeFileSync(folder.file('gone.db'), '');
    assertRefused(folder.file('gone.db'), folder.path, 'LOST_MAIN_FILE');
  });

  it('refuses an empty file beside backups of it, and takes an empty file alone as new', () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('backups'));
    populated(folder.file('backups/dork-pre-migration-20260101T000000000Z-0000_x.db'));
    writeFileSync(folder.file('dork.db'), '');
    assertRefused(folder.file('dork.db'), folder.path, 'LOST_CONTENT');
    writeFileSync(folder.file('other.db'), '');
    using db = createDb(folder.file('other.db'));
    assert.deepEqual(db.select().from(agents).all(), []);
  });

  it('refuses a damaged file that has a -wal, and leaves the one out of the other', () => {
    using folder = temporaryFolder();
    const [file, copy] = [folder.file('dork.db'), folder.file('copy/dork.db')];
    populated(file);
    mkdirSync(folder.file('copy'));
    {
      using db = createDb(file);
      db.$client.exec("UPDATE agents SET name = 'in the -wal' WHERE id = 'a1'");
      for (const suffix of ['', '-wal']) copyFileSync(file + suffix, copy + suffix);
    }
    const bytes = readFileSync(copy);
    writeFileSync(copy, bytes.fill(0, 4096));
    const before = [copy, `${copy}-wal`].map((path) => readFileSync(path));
    for (const options of [{}, { migrations: 'require' }] as const) {
      assert.throws(() => createDb(copy, options), { name: 'DatabaseOpenError', code: 'SQLITE_CORRUPT' });
      assert.deepEqual(
        [copy, `${copy}-wal`].map((path) => readFileSync(path)),
        before,
      );
    }
  });

  it('refuses a file whose ledger cannot be read', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    populated(file);
    const rootOf = (db: Db) =>
      db.$client.prepare("SELECT rootpage FROM sqlite_schema WHERE name = '__drizzle_migrations'").get()?.rootpage;
    let page = 0;
    {
      using db = createDb(file);
      page = Number(rootOf(db));
    }
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0, (page - 1) * 4096, page * 4096));
    assertRefused(file, folder.path, 'SQLITE_CORRUPT', [{}, { migrations: 'require' }]);
  });

  it('refuses a file whose header speaks of a format that SQLite does not know', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    populated(file);
    const bytes = readFileSync(file);
    bytes[47] = 9;
    writeFileSync(file, bytes);
    assertRefused(file, folder.path, 'SQLITE_ERROR', [{}, { migrations: 'require' }]);
  });

  it('refuses a file whose ledger was damaged', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    populated(file);
    {
      using db = createDb(file);
      db.$client.exec(`ALTER TABLE __drizzle_migrations RENAME TO ledger;
        CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text, created_at numeric);
        INSERT INTO __drizzle_migrations SELECT id, nullif(hash, (SELECT hash FROM ledger WHERE rowid = 2)), created_at
          FROM ledger;
        DROP TABLE ledger`);
    }
    assertRefused(file, folder.path, 'DAMAGED_LEDGER', [{}, { migrations: 'require' }]);
  });

  it('opens through a symbolic link, with the -wal beside the real file', () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('real'));
    mkdirSync(folder.file('links'));
    populated(folder.file('real/dork.db'));
    symlinkSync(folder.file('real/dork.db'), folder.file('links/dork.db'));
    using db = createDb(folder.file('links/dork.db'));
    assert.equal(db.$client.filename, folder.file('real/dork.db'));
    assert.equal(db.select().from(agents).all().length, 500);
    assert.deepEqual(readdirSync(folder.file('links')), ['dork.db']);
  });

  it('opens read-only: reads everything, refuses to write, creates no file', () => {
    using folder = temporaryFolder();
    assert.throws(() => createDb(folder.file('none.db'), { readonly: true }), { code: 'FILE_MISSING' });
    assert.deepEqual(readdirSync(folder.path), []);
    populated(folder.file('dork.db'));
    const before = readFileSync(folder.file('dork.db'));
    const db = createDb(folder.file('dork.db'), { readonly: true });
    assert.equal(db.select().from(agents).all().length, 500);
    assert.throws(() => db.delete(agents).run(), { code: /^SQLITE_READONLY/ });
    closeDb(db);
    assert.deepEqual(readFileSync(folder.file('dork.db')), before);
  });

  it('refuses a path with a name that no file can have', () => {
    for (const path of ['x'.repeat(256), `${'é'.repeat(128)}/dork.db`]) {
      assert.throws(() => createDb(path), { code: 'INVALID_INPUT', field: 'path' });
    }
  });

  it('refuses options that it does not know what to do with', () => {
    using folder = temporaryFolder();
    for (const options of [
      { migrations: 'maybe' },
      { readonly: 'yes' },
      { busyTimeoutMs: -1 },
      { logger: 5 },
      { logger: null },
      { busyTimeoutMs: Number.NaN },
      { busyTimeoutMs: 1.5 },
    ]) {
      assert.throws(() => createDb(folder.file('dork.db'), options as never), { code: 'INVALID_INPUT' });
    }
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('gives a typed error where the system refuses, and leaves the file as it is', {
    skip: process.getuid?.() !== 0 && 'needs root to act as another user',
  }, () => {
    using folder = temporaryFolder();
    populated(folder.file('dork.db'));
    const before = readFileSync(folder.file('dork.db'));
    chmodSync(folder.path, 0o755);
    const attempt = (path: string) => errorForNobody('createDb', path).code ?? '';
    assert.match(attempt(folder.file('dork.db')), /^(FILE_UNREADABLE|SQLITE_CANTOPEN)/);
    chmodSync(folder.file('dork.db'), 0o644);
    assert.match(attempt(folder.file('dork.db')), /^SQLITE_(READONLY|CANTOPEN)/);
    assert.equal(attempt(folder.file('new.db')), 'CANNOT_CREATE');
    assert.deepEqual(readFileSync(folder.file('dork.db')), before);
    assert.equal(existsSync(folder.file('new.db')), false);
    mkdirSync(folder.file('closed'), { mode: 0o700 });
    assert.equal(attempt(folder.file('closed/dork.db')), 'FOLDER_UNREADABLE');
    assert.deepEqual(readdirSync(folder.file('closed')), []);
    mkdirSync(folder.file('open'), { mode: 0o777 });
    mkdirSync(folder.file('open/backups'), { mode: 0o700 });
    writeFileSync(folder.file('open/dork.db'), '', { mode: 0o666 });
    assert.equal(attempt(folder.file('open/dork.db')), 'FOLDER_UNREADABLE');
  });
});
