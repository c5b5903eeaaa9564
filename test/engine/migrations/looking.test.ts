import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { createDb, migrationStatus, rehearseMigrations, runMigrations } from '#entry';
import { history as dorkHistory } from '../../../drizzle/history.ts';
import { InvalidInputError } from '../../../src/engine/errors.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { databaseAt } from '../../kit/database-at.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { dorkDb, start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { FAMILY, fillFamily, historyOf, migration, open, REBUILD_PARENTS, writeFolder } from './support.ts';

const HISTORY = historyOf(FAMILY, REBUILD_PARENTS);

/**
 * Names, modes, bytes and times of writing of a folder and all that is in it. The bytes are read by another process:
 * closing a file drops the locks that SQLite holds on it here.
 */
function stateOf(folder: string, isCounted: (name: string) => boolean = () => true): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isCounted).sort();
  return [folder, ...names.map((name) => join(folder, name))].map((path) => {
    const { mode, mtimeNs } = statSync(path, { bigint: true });
    const { stdout } = spawnSync('sha256sum', [path], { encoding: 'utf8' });
    return `${path} ${mode} ${mtimeNs} ${stdout.split(' ')[0]}`;
  });
}

function makeOlder(path: string): void {
  using connection = open(path);
  migrate(connection, historyOf(FAMILY));
  fillFamily(connection);
}

describe(`looking before leaping, on ${RUNTIME}`, () => {
  it('refuses what is neither a database nor a path', () => {
    for (const given of [null, 7, {}, []]) {
      assert.throws(() => migrationStatus(given as never), { name: 'InvalidInputError', field: 'path' });
      assert.throws(() => runMigrations(given as never), { name: 'InvalidInputError', field: 'path' });
    }
  });

  it('tells what a closed file has and lacks, and writes nothing beside it or into it', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    const before = stateOf(folder.path);
    const status = migrationStatus(path, HISTORY);
    assert.deepEqual(stateOf(folder.path), before);
    assert.equal(status.state, 'pending');
    assert.deepEqual(
      [status.applied.map(({ tag }) => tag), status.pending],
      [['0000_family'], ['0001_optional_names']],
    );
    assert.deepEqual([status.rows, status.drift], [{ children: 30, parents: 10 }, []]);
    assert.ok(status.applied[0]?.appliedAt);
  });

  it('tells the drift of a file that lacks migrations against the ones that it has', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    {
      using connection = open(path);
      connection.exec('DROP INDEX children_parent');
    }
    assert.deepEqual(migrationStatus(path, HISTORY).drift, [
      { kind: 'missing', type: 'index', name: 'children_parent' },
    ]);
  });

  it('creates no file where there is none', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    const before = stateOf(folder.path);
    const { state, pending, applied } = migrationStatus(path);
    assert.deepEqual([state, applied, pending], ['pending', [], dorkHistory.migrations.map(({ tag }) => tag)]);
    assert.deepEqual(stateOf(folder.path), before);
  });

  it('reads what is committed while another connection writes, and changes neither the file nor its -wal', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    using writer = open(path);
    writer.exec("INSERT INTO parents VALUES ('new', 'committed')");
    writer.exec("BEGIN IMMEDIATE; INSERT INTO parents VALUES ('newer', 'not committed')");
    // Reading takes its place in SQLite's shared memory, which is no data.
    const isData = (name: string) => !name.endsWith('-shm');
    const before = stateOf(folder.path, isData);
    assert.equal(migrationStatus(path, HISTORY).rows.parents, 11);
    assert.equal(migrationStatus({ $client: writer }, HISTORY).rows.parents, 12);
    assert.deepEqual(stateOf(folder.path, isData), before);
    writer.exec('COMMIT');
  });

  it('reads what a killed process left in the -wal, and leaves it there', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    using migrations = temporaryFolder();
    const path = folder.file('family.db');
    await start('test/engine/migrations/fixtures/leave-wal.ts', [path, writeFolder(migrations.path, HISTORY)]).ended;
    const isData = (name: string) => !name.endsWith('-shm');
    const before = stateOf(folder.path, isData);
    assert.equal(migrationStatus(path, HISTORY).rows.parents, 1);
    assert.deepEqual(stateOf(folder.path, isData), before);
  });

  it('refuses paths that a driver would take for another one, and creates nothing', () => {
    using folder = temporaryFolder();
    const cwd = process.cwd();
    process.chdir(folder.path);
    try {
      for (const path of ['', ' x.db ', 'x.db\0', '~', '~/x.db', 'file:x.db', ':other:']) {
        for (const look of [migrationStatus, rehearseMigrations, runMigrations]) {
          assert.throws(() => look(path), InvalidInputError, JSON.stringify(path));
        }
      }
      for (const path of ['', 'file:x.db']) {
        const { code, err } = dorkDb('migrate', '--db', path);
        assert.equal(code, 1, path);
        assert.match(err, /Error: .*Nothing was written/s);
      }
      assert.deepEqual(readdirSync('.'), []);
    } finally {
      process.chdir(cwd);
    }
  });
});

describe(`dork-db migrate --dry-run, on ${RUNTIME}`, () => {
  it('says what would be applied to a closed file, and writes nothing at all', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using connection = open(path);
      databaseAt(connection, dorkHistory, dorkHistory.migrations.length - 1, { rows: 3 });
    }
    const before = stateOf(folder.path);
    const { code, out, err } = dorkDb('migrate', '--dry-run', '--db', path);
    assert.deepEqual(stateOf(folder.path), before);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /1 migration would be applied, and nothing was/);
    assert.ok(out.includes(dorkHistory.migrations.at(-1)?.tag ?? ''));
    assert.match(out, /A snapshot of its [\d,]+ rows would be made/);
    const json = JSON.parse(dorkDb('migrate', '--dry-run', '--json', '--db', path).out);
    assert.equal(json.state, 'pending');
    assert.deepEqual(stateOf(folder.path), before);
  });

  it('creates neither a file nor the home, and exits 1 with the way out where it would be refused', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    assert.match(dorkDb('migrate', '--dry-run', '--db', path).out, /would be applied/);
    assert.deepEqual(readdirSync(folder.path), []);
    {
      using db = createDb(path);
      db.$client.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('f00d', 1)");
    }
    const before = stateOf(folder.path);
    const { code, out } = dorkDb('migrate', '--dry-run', '--db', path);
    assert.equal(code, 1);
    assert.match(out, /newer than this code/);
    assert.deepEqual(stateOf(folder.path), before);
  });
});

describe(`a rehearsal, on ${RUNTIME}`, () => {
  it('runs the pending migrations on a private copy, reports, and leaves the file and its folder as they were', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    const before = stateOf(folder.path).slice(1);
    const seen: string[] = [];
    let modes: string[] = [];
    const more = migration('0002_pets', 'CREATE TABLE pets (id integer)', 'INSERT INTO pets SELECT id FROM children');
    const rehearsal = rehearseMigrations(path, {
      history: historyOf(FAMILY, REBUILD_PARENTS, more),
      onProgress: ({ tag, step }) => {
        seen.push(`${tag} ${step}`);
        const copies = readdirSync(folder.path).filter((name) => /^\.dork-rehearsal\..*\.partial$/.test(name));
        modes = copies.map((name) => (statSync(folder.file(name)).mode & 0o777).toString(8));
      },
    });
    assert.deepEqual(stateOf(folder.path).slice(1), before);
    assert.deepEqual(modes, ['700']);
    assert.ok(seen.includes('0001_optional_names 4'));
    const { rows, pending, applied, drift, dangling, problem, durationMs, neededBytes, freeBytes } = rehearsal;
    assert.deepEqual(rows, [
      { table: 'children', before: 30, after: 30 },
      { table: 'parents', before: 10, after: 10 },
      { table: 'pets', before: undefined, after: 30 },
    ]);
    assert.deepEqual(pending, ['0001_optional_names', '0002_pets']);
    assert.deepEqual([applied.map(({ tag }) => tag), drift, dangling, problem], [pending, [], [], undefined]);
    assert.ok(durationMs > 0 && freeBytes > 0);
    assert.ok(neededBytes > statSync(path).size);
  });

  it('reports what the real run would be refused for, and removes the copy', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    const before = stateOf(folder.path).slice(1);
    const problemOf = (...statements: string[]) =>
      rehearseMigrations(path, { history: historyOf(FAMILY, migration('0001_bad', ...statements)) }).problem;
    assert.equal(problemOf('DELETE FROM children')?.kind, 'data_loss');
    assert.equal(problemOf("UPDATE children SET parent_id = 'gone'")?.kind, 'foreign_keys');
    assert.equal(problemOf('SELECT nothing')?.kind, 'failed');
    assert.equal(rehearseMigrations(path, { history: historyOf(REBUILD_PARENTS) }).problem?.kind, 'newer_database');
    assert.deepEqual(stateOf(folder.path).slice(1), before);
  });

  it('works beside the file itself where the path is a link, and refuses options before anything is made', () => {
    using folder = temporaryFolder();
    mkdirSync(folder.file('disk'));
    makeOlder(folder.file('disk/family.db'));
    symlinkSync(folder.file('disk/family.db'), folder.file('link.db'));
    let copies: string[] = [];
    const onProgress = () => {
      copies = readdirSync(folder.file('disk')).filter((name) => /^\.dork-rehearsal\..*\.partial$/.test(name));
    };
    assert.equal(rehearseMigrations(folder.file('link.db'), { history: HISTORY, onProgress }).problem, undefined);
    assert.equal(copies.length, 1);
    for (const options of [{ lockTimeoutMs: -1 }, { snapshot: 0 }, { history: {} }, { history: 'no' }])
      assert.throws(() => runMigrations(folder.file('new.db'), options as object), InvalidInputError);
    assert.equal(existsSync(folder.file('new.db')), false);
  });

  it('removes the copy also where the caller stops it, and what a killed one left', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    mkdirSync(folder.file('.dork-rehearsal.0a1b2c3d.partial'));
    const stop = () => {
      throw new Error('stop');
    };
    assert.throws(() => rehearseMigrations(path, { history: HISTORY, onProgress: stop }), /stop/);
    assert.deepEqual(readdirSync(folder.path), ['family.db']);
  });

  it('copies what is committed in the -wal of a file that is held', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOlder(path);
    using writer = open(path);
    writer.exec("INSERT INTO parents VALUES ('new', 'committed')");
    const { rows } = rehearseMigrations(path, { history: HISTORY });
    assert.deepEqual(
      rows.find(({ table }) => table === 'parents'),
      { table: 'parents', before: 11, after: 11 },
    );
  });

  it('is what dork-db migrate --rehearse prints: rows, time, room', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using connection = open(path);
      databaseAt(connection, dorkHistory, dorkHistory.migrations.length - 1, { rows: 3 });
    }
    const { code, out } = dorkDb('migrate', '--rehearse', '--db', path);
    assert.equal(code, 0);
    assert.match(out, /on a copy, 1 migration took .* the file was not touched/);
    assert.match(out, /agents +3 +3/);
    assert.match(out, /It needs .* of room at its peak; .* are free/);
    assert.deepEqual(readdirSync(folder.path), [basename(path)]);
    const json = JSON.parse(dorkDb('migrate', '--rehearse', '--json', '--db', path).out);
    assert.deepEqual(json.pending, [dorkHistory.migrations.at(-1)?.tag]);
  });

  it('of a file that is not there yet makes none', () => {
    using folder = temporaryFolder();
    const { applied, rows } = rehearseMigrations(folder.file('dork.db'));
    assert.equal(applied.length, dorkHistory.migrations.length);
    assert.ok(rows.every(({ before, after }) => before === undefined && after === 0));
    assert.deepEqual(readdirSync(folder.path), []);
  });
});

describe(`dork-db repair-ledger, on ${RUNTIME}`, () => {
  it('refuses an entry that was not edited, and creates no file', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    const tag = dorkHistory.migrations[0]?.tag ?? '';
    assert.match(dorkDb('repair-ledger', tag, '--db', path).err, /does not exist or is empty. Nothing was created/);
    assert.ok(!existsSync(path));
    createDb(path).$client.close();
    const { code, err } = dorkDb('repair-ledger', tag, '--db', path);
    assert.equal(code, 1);
    assert.match(err, /not edited since it was applied/);
    assert.equal(dorkDb('repair-ledger', '--db', path).code, 2);
  });

  it('accepts an edited entry, and says what it recorded', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using db = createDb(path);
      db.$client.exec("UPDATE __drizzle_migrations SET hash = 'as it was' WHERE rowid = 2");
    }
    const tag = dorkHistory.migrations[1]?.tag ?? '';
    assert.match(dorkDb('migrate', '--db', path).err, new RegExp(`Try: .*dork-db repair-ledger ${tag}`));
    const { code, out } = dorkDb('repair-ledger', tag, '--reason', 'a typing error', '--db', path);
    assert.equal(code, 0);
    assert.match(out, /was as it was[\s\S]*Recorded in __dork_migrations_log: .*, .+@.+, a typing error/);
    assert.match(dorkDb('migrate', '--db', path).out, /is up to date/);
  });
});
