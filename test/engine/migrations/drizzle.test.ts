import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core/dialect';
import { createDb, migrationStatus, readHistory, rehearseMigrations, runMigrations } from '#entry';
import { history as dorkHistory } from '../../../drizzle/history.ts';
import { Database } from '../../../src/engine/connection/db.ts';
import { DatabaseOpenError } from '../../../src/engine/errors.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { count, FAMILY, fillFamily, historyOf, migration, open, REBUILD_PARENTS, writeFolder } from './support.ts';

/** Drizzle's own migrator, through Drizzle's own session on our connection. */
function drizzleMigrate(connection: ReturnType<typeof open>, migrationsFolder: string): void {
  const db = new Database(connection, {});
  const dialect = new SQLiteSyncDialect();
  // What `drizzle-orm/better-sqlite3/migrator` and `drizzle-orm/bun-sqlite/migrator` do.
  dialect.migrate(readMigrationFiles({ migrationsFolder }), connection.adapter.session(connection, dialect), {
    migrationsFolder,
  });
  assert.ok(db);
}

const MORE = migration('0002_cities', 'ALTER TABLE parents ADD COLUMN city text');

describe(`side by side with Drizzle's own migrator, on ${RUNTIME}`, () => {
  it('gives every migration the hash that Drizzle gives it', () => {
    using folder = temporaryFolder();
    const odd = { ...FAMILY, tag: '0001_odd', sql: `\ufeff-- é 日本 \r\n${FAMILY.sql}` };
    const path = writeFolder(folder.path, historyOf(FAMILY, odd));
    assert.deepEqual(
      readHistory(path).migrations.map(({ hash, when }) => [hash, when]),
      readMigrationFiles({ migrationsFolder: path }).map(({ hash, folderMillis }) => [hash, folderMillis]),
    );
  });

  it('goes on from what Drizzle applied, and Drizzle from what we applied', () => {
    using folder = temporaryFolder();
    const one = writeFolder(folder.file('one'), historyOf(FAMILY));
    const two = writeFolder(folder.file('two'), historyOf(FAMILY, REBUILD_PARENTS));
    const three = writeFolder(folder.file('three'), historyOf(FAMILY, REBUILD_PARENTS, MORE));
    using connection = open(folder.file('family.db'));
    drizzleMigrate(connection, one);
    fillFamily(connection);
    assert.deepEqual(
      migrate(connection, readHistory(two)).applied.map(({ tag }) => tag),
      ['0001_optional_names'],
    );
    assert.equal(count(connection, 'children'), 30);
    drizzleMigrate(connection, three);
    assert.equal(count(connection, "pragma_table_info('parents') WHERE name = 'city'"), 1);
    const { applied, alreadyApplied, drift } = migrate(connection, readHistory(three));
    assert.deepEqual([applied, alreadyApplied, drift], [[], 3, []]);
    drizzleMigrate(connection, three);
    assert.equal(count(connection, '__drizzle_migrations'), 3);
  });

  it('opens a dork.db that Drizzle migrated', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using connection = open(path);
      drizzleMigrate(connection, writeFolder(folder.file('drizzle'), dorkHistory));
    }
    using db = createDb(path);
    assert.equal(migrationStatus(db).state, 'current');
  });
});

describe(`any other Drizzle folder, on ${RUNTIME}`, () => {
  it('is applied to a file at a path, again and again', () => {
    using folder = temporaryFolder();
    const path = folder.file('theirs.db');
    const history = readHistory(writeFolder(folder.file('one'), historyOf(FAMILY)));
    assert.equal(runMigrations(path, { history }).applied.length, 1);
    assert.equal(runMigrations(path, { history }).applied.length, 0);
    const more = readHistory(writeFolder(folder.file('two'), historyOf(FAMILY, REBUILD_PARENTS)));
    assert.deepEqual(migrationStatus(path, more).pending, ['0001_optional_names']);
    assert.equal(runMigrations(path, { history: { ...more, applicationId: 4242 } }).applied.length, 1);
    assert.equal(runMigrations(path, { history: { ...more, applicationId: 4242 } }).alreadyApplied, 2);
  });

  it('is not applied to a database that no migrator made, and dork.db not to theirs', () => {
    using folder = temporaryFolder();
    const theirs = folder.file('theirs.db');
    runMigrations(theirs, { history: historyOf(FAMILY) });
    assert.throws(() => runMigrations(theirs), DatabaseOpenError);
    const foreign = folder.file('foreign.db');
    {
      using connection = open(foreign);
      connection.exec('CREATE TABLE bookmarks (url text)');
    }
    assert.throws(() => runMigrations(foreign, { history: historyOf(FAMILY) }), DatabaseOpenError);
    assert.throws(() => migrationStatus(foreign, historyOf(FAMILY)), DatabaseOpenError);
    for (const look of [migrationStatus, rehearseMigrations]) {
      assert.throws(() => look(foreign), DatabaseOpenError);
      assert.throws(() => look(theirs), DatabaseOpenError);
    }
    using connection = open(foreign);
    assert.equal(count(connection, 'sqlite_schema'), 1);
  });

  it('that cannot be read is refused, and no database is touched', () => {
    using folder = temporaryFolder();
    assert.throws(() => readHistory(folder.file('nothing')), /cannot be read.*No database was touched/);
    const path = writeFolder(folder.file('broken'), historyOf(FAMILY));
    assert.equal(readHistory(path).migrations.length, 1);
  });
});
