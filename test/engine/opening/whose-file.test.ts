/** What is at a path, and what each function says of it: the same everywhere, with nothing made or changed. */
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, it } from 'node:test';
import * as dork from '#entry';
import {
  agents,
  backup,
  type CreateDbOptions,
  closeDb,
  createDb,
  health,
  migrationStatus,
  runMigrations,
} from '#entry';
import { isThere } from '../../../src/engine/file/fs.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { run } from '../../support/processes.ts';
import { ROOT, RUNTIME, type Runtime } from '../../support/runtime.ts';

const AGENT = {
  id: 'a',
  name: 'n',
  runtime: 'codex',
  projectPath: '/p',
  namespace: 'n',
  capabilities: [],
  behavior: {},
  budget: {},
  approver: 'me',
  registeredAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
} as unknown as typeof agents.$inferInsert;

/** Runs a command of dork-db, with these variables and no others of a home. */
function dorkDb(env: Record<string, string | undefined>, ...args: string[]) {
  return commandOn(RUNTIME, env, ...args);
}

function commandOn(runtime: Runtime, env: Record<string, string | undefined>, ...args: string[]) {
  // Without a home Bun would keep its cache of compiled files in this folder.
  const own = { BUN_RUNTIME_TRANSPILER_CACHE_PATH: '0', DORK_HOME: undefined };
  const { code: status, out, err } = run('src/cli/main.ts', args, { runtime, cwd: ROOT, env: { ...own, ...env } });
  return { status, out, err };
}

/** A closed database with a backup, changed by SQL that no migration ran. */
async function changed(path: string, sql = ''): Promise<void> {
  using db = createDb(path);
  await backup(db);
  db.$client.exec(sql);
}

describe(`a file that is gone while its backups are there, on ${RUNTIME}`, () => {
  it('is not made anew by any opening or command, and a restore brings it back', async () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    await changed(path);
    rmSync(path);
    const [name = ''] = readdirSync(folder.file('backups'));
    for (const options of [{}, { readonly: true }, { migrations: 'require' }, { migrations: 'skip' }] as const) {
      assert.throws(() => createDb(path, options), {
        code: 'LOST_MAIN_FILE',
        message: /is missing, but there are backups/,
      });
    }
    assert.throws(() => migrationStatus(path), { code: 'LOST_MAIN_FILE' });
    assert.throws(() => runMigrations(path), { code: 'LOST_MAIN_FILE' });
    for (const command of ['status', 'migrate', 'doctor']) {
      const { status, err } = dorkDb({ DORK_HOME: folder.path }, command);
      assert.equal(status, 1, command);
      assert.match(err, /is missing, but there are backups of it in .*backups/);
    }
    assert.deepEqual(readdirSync(folder.path), ['backups']);
    await dork.restore({ from: folder.file(`backups/${name}`), to: path });
    createDb(path).$client.close();
  });

  it('is a new one where the backups are of another database, or there are none', async () => {
    using folder = temporaryFolder();
    await changed(folder.file('other.db'));
    createDb(folder.file('dork.db')).$client.close();
  });
});

describe(`a file that lost a column to something else, on ${RUNTIME}`, () => {
  it('is one error in createDb(), runMigrations(), status, migrate and doctor, which names table and column', async () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    await changed(path, 'ALTER TABLE agents DROP COLUMN description; DROP TABLE agent_denials;');
    const message = /has every migration, but lacks agent_denials\.[\w, .]*agents\.description/;
    assert.throws(() => createDb(path), { code: 'SCHEMA_MISMATCH', message });
    assert.throws(() => createDb(path, { migrations: 'require' }), { code: 'SCHEMA_MISMATCH', message });
    assert.throws(() => runMigrations(path), { code: 'SCHEMA_MISMATCH', message });
    const { state, problem } = migrationStatus(path);
    assert.equal(state, 'schema_mismatch');
    assert.match(problem?.message ?? '', message);
    {
      using db = createDb(path, { migrations: 'skip' });
      assert.throws(() => runMigrations(db), { code: 'SCHEMA_MISMATCH', message });
      const { severity, findings } = health(db);
      assert.equal(severity, 'error');
      assert.match(
        findings.find((found) => found.check === 'schema' && found.severity === 'error')?.fact ?? '',
        message,
      );
    }
    const env = { DORK_HOME: folder.path };
    const migrate = dorkDb(env, 'migrate');
    assert.equal(migrate.status, 1);
    assert.match(migrate.err, message);
    assert.equal(dorkDb(env, 'migrate', '--dry-run').status, 1);
    const status = dorkDb(env, 'status');
    assert.equal(status.status, 3);
    assert.match(status.out, message);
    const doctor = dorkDb(env, 'doctor');
    assert.notEqual(doctor.status, 0);
    assert.match(doctor.out, message);
  });

  it('gives no value for the column where the opening does not ask, but an error with its name', async () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using db = createDb(path);
      db.insert(agents)
        .values({ ...AGENT, capabilities: JSON.stringify(AGENT.capabilities) })
        .run();
      db.$client.exec('ALTER TABLE agents DROP COLUMN description');
    }
    using db = createDb(path, { migrations: 'skip' });
    assert.throws(() => db.select().from(agents).all(), /no such column: .?description/);
    assert.throws(() => db.query.agents.findFirst().sync(), /no such column: .*description/);
    assert.throws(() => new dork.AgentRegistry(db).list(), /no such column: .*description/);
  });

  it('is as it was for a table of someone else, an index and a trigger, which no read misses', async () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    await changed(path, 'CREATE TABLE notes (x); DROP INDEX agents_registered;');
    createDb(path).$client.close();
    assert.equal(migrationStatus(path).state, 'current');
    assert.equal(dorkDb({ DORK_HOME: folder.path }, 'status').status, 0);
  });
});

describe(`an opening that may create nothing, on ${RUNTIME}`, () => {
  it('makes no file and no folder', () => {
    using folder = temporaryFolder();
    const home = folder.file('home/.dork');
    for (const options of [{ migrations: 'require' }, { readonly: true }] as CreateDbOptions[]) {
      const before = process.env.DORK_HOME;
      process.env.DORK_HOME = home;
      try {
        assert.throws(() => createDb(undefined, options), {
          name: 'DatabaseOpenError',
          code: /FILE_MISSING|FOLDER_MISSING/,
        });
      } finally {
        if (before === undefined) delete process.env.DORK_HOME;
        else process.env.DORK_HOME = before;
      }
      assert.throws(() => createDb(folder.file('dork.db'), options), { code: 'FILE_MISSING' });
      assert.deepEqual(readdirSync(folder.path), []);
    }
  });

  it('says of an older file that it is older, with a code of its own', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    createDb(path).$client.close();
    {
      using db = createDb(path);
      db.$client.exec('DELETE FROM __drizzle_migrations WHERE rowid = (SELECT max(rowid) FROM __drizzle_migrations)');
    }
    const before = readFileSync(path);
    assert.throws(() => createDb(path, { migrations: 'require' }), {
      name: 'MigrationError',
      kind: 'pending',
      code: 'MIGRATION_PENDING',
    });
    assert.throws(() => createDb(path, { readonly: true }), { code: 'MIGRATION_PENDING' });
    assert.deepEqual(readFileSync(path), before);
  });
});

describe(`status, on ${RUNTIME}`, () => {
  it('ends with 3 and the words of migrate for a newer file and an edited entry, and with 3 where there is no file', () => {
    using folder = temporaryFolder();
    const env = { DORK_HOME: folder.path };
    assert.equal(dorkDb(env, 'status').status, 3);
    assert.deepEqual(readdirSync(folder.path), []);
    const path = folder.file('dork.db');
    createDb(path).$client.close();
    assert.equal(dorkDb(env, 'status').status, 0);
    const edit = (sql: string) => {
      using db = createDb(path, { migrations: 'skip' });
      db.$client.exec(sql);
    };
    edit("UPDATE __drizzle_migrations SET hash = 'x' || hash WHERE rowid = 2");
    const edited = dorkDb(env, 'status');
    assert.equal(edited.status, 3);
    assert.match(edited.out, /was changed after it was applied/);
    assert.doesNotMatch(edited.out, /is pending/);
    assert.deepEqual(migrationStatus(path).pending, []);
    edit('UPDATE __drizzle_migrations SET hash = substr(hash, 2) WHERE rowid = 2');
    for (let i = 0; i < 73; i++)
      edit(`INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('new${i}', ${4e12 + i})`);
    const [status, migrate] = [dorkDb(env, 'status'), dorkDb(env, 'migrate')];
    assert.deepEqual([status.status, migrate.status], [3, 1]);
    const [said = ''] = /The database is newer than this code.*/.exec(migrate.err) ?? [];
    assert.ok(said.length < 400, said);
    assert.match(said, /does not know 73 migrations, from new0 .* to new72/);
    assert.ok(status.out.includes(said));
  });
});

describe(`the home, on ${RUNTIME}`, () => {
  const whereFor = (env: Record<string, string | undefined>, runtime = RUNTIME) => {
    const { status, out, err } = commandOn(runtime, env, 'status', '--json');
    return status === 1 ? JSON.parse(out).error : JSON.parse(out).filename + err;
  };

  it('of DORK_HOME is checked as a path is, and ~/ is the home folder', () => {
    using folder = temporaryFolder();
    const HOME = folder.path;
    assert.equal(whereFor({ HOME, DORK_HOME: '~/data' }), folder.file('data/dork.db'));
    assert.equal(whereFor({ HOME, DORK_HOME: '~' }), folder.file('dork.db'));
    assert.equal(whereFor({ HOME, DORK_HOME: '' }), folder.file('.dork/dork.db'));
    for (const DORK_HOME of [
      'file:///x',
      '"/x"',
      "'/x'",
      '/x\r',
      '/x ',
      '$HOME/x',
      '$USER',
      ':memory:',
      ':x',
      '~root/x',
      '~root',
    ]) {
      const error = whereFor({ HOME, DORK_HOME });
      assert.equal(error.name, 'InvalidInputError', DORK_HOME);
      assert.match(error.message, /^DORK_HOME /);
    }
    assert.deepEqual(readdirSync(folder.path), []);
  });

  it('is that of the list of users where HOME is empty or not set', () => {
    for (const HOME of ['', undefined]) {
      const found = (['bun', 'node'] as const).map((runtime) => whereFor({ HOME }, runtime));
      assert.match(found[0], /^\/.*\/\.dork\/dork\.db$/);
      assert.equal(found[0], found[1]);
    }
  });
});

describe(`what root makes for a user, on ${RUNTIME}`, { skip: process.getuid?.() !== 0 }, () => {
  it("is that user's: the file in the user's folder, and the default folder", () => {
    using folder = temporaryFolder();
    chownSync(folder.path, 1234, 1234);
    createDb(folder.file('dork.db')).$client.close();
    assert.equal(dorkDb({ HOME: folder.path }, 'migrate').status, 0);
    for (const path of ['dork.db', '.dork', '.dork/dork.db']) assert.equal(statSync(folder.file(path)).uid, 1234, path);
  });
});

describe(`paths that lead nowhere, on ${RUNTIME}`, () => {
  it('are refused by name: loops of links, and more bytes than SQLite opens', async () => {
    using folder = temporaryFolder();
    symlinkSync(folder.file('a'), folder.file('b'));
    symlinkSync(folder.file('b'), folder.file('a'));
    assert.throws(() => createDb(folder.file('a')), { code: 'LINK_LOOP', message: /leads to itself/ });
    assert.throws(() => createDb(folder.file('a/dork.db')), { code: 'FOLDER_UNREADABLE', message: /leads to itself/ });
    assert.throws(() => isThere(folder.file('a')), { code: 'LINK_LOOP', message: /leads to itself/ });
    assert.throws(() => isThere(folder.file('a/dork.db')), { code: 'LINK_LOOP', message: /leads to itself/ });
    let long = folder.path;
    while (Buffer.byteLength(long) < 380) long += `/${'d'.repeat(60)}`;
    const pathOf = (bytes: number) => `${long}/${'e'.repeat(bytes - Buffer.byteLength(long) - 9)}/dork.db`;
    for (const bytes of [505, 508, 560]) {
      const path = pathOf(bytes);
      assert.throws(() => createDb(path), { name: 'InvalidInputError', message: /longer than the 504 bytes/ });
      assert.equal(existsSync(dirname(path)), false);
    }
    for (const bytes of [488, 504]) {
      const path = pathOf(bytes);
      mkdirSync(dirname(path), { recursive: true });
      using db = createDb(path);
      await assert.rejects(backup(db), { name: 'BackupError', code: 'PATH_TOO_LONG' });
      await backup(db, { dir: folder.path });
    }
  });
});

describe(`a path where a database is meant, on ${RUNTIME}`, () => {
  it('is refused by name by each function', async () => {
    const calls: Record<string, () => unknown> = {
      backup: () => backup('dork.db' as never),
      backupDaily: () => dork.backupDaily('dork.db' as never),
      health: () => health('dork.db' as never),
      monitor: () => dork.monitor('dork.db' as never),
      checkpoint: () => dork.checkpoint('dork.db' as never),
      optimize: () => dork.optimize('dork.db' as never),
      prune: () => dork.prune('dork.db' as never, { buckets: true }),
      importLegacy: () => dork.importLegacy('dork.db' as never),
      closeDb: () => closeDb('dork.db' as never),
      repairLedger: () => dork.repairLedger('dork.db' as never, 'x'),
      null: () => health(null as never),
    };
    for (const [name, call] of Object.entries(calls)) {
      await assert.rejects(async () => await call(), { name: 'InvalidInputError', field: 'db' }, name);
    }
  });
});
