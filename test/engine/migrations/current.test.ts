import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { history } from '../../../drizzle/history.ts';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { isCurrent } from '../../../src/engine/migrations/current.ts';
import { readHistory } from '../../../src/engine/migrations/history.ts';
import { IS_NOT_OF_SCHEMA, IS_OF_SCHEMA } from '../../../src/engine/migrations/names.ts';
import { countRows } from '../../../src/engine/migrations/rows.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { driftOf } from '../../../src/engine/migrations/schema-state.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { open, writeFolder } from './support.ts';

/** Runs with a file that has the whole history. */
function current(run: (connection: Connection) => void): void {
  using folder = temporaryFolder();
  using connection = open(folder.file('dork.db'));
  migrate(connection, history);
  run(connection);
}

/** The first object of a kind in the embedded schema. */
function nameOf(kind: 'TABLE' | 'INDEX'): string {
  const statement = history.schema?.find((sql) => sql.startsWith(`CREATE ${kind} `));
  return statement?.split(' ')[2] ?? '';
}

describe(`what an opening asks of a file first, on ${RUNTIME}`, () => {
  it('is settled for a file that has the history and its schema', () => {
    current((connection) => {
      assert.ok(isCurrent(connection, history));
      connection.exec('ANALYZE; CREATE TABLE _litestream_seq (id integer)');
      assert.ok(isCurrent(connection, history));
    });
  });

  it('leaves out the same names as SQL does', () => {
    current((connection) => {
      const isOfSchema = connection.prepare<{ is: number }>(`SELECT ${IS_OF_SCHEMA} AS "is" FROM (SELECT ? AS name)`);
      const others = [
        'sqlite_stat1',
        '_litestream_seq',
        '__drizzle_migrations',
        '__dork_migrations_log',
        '__a\n_migrations_log',
      ];
      const own = [
        'sqlite',
        'SQLITE_x',
        '_litestream',
        'x_litestream_seq',
        '__drizzle_migrations2',
        '__1_migrations_log',
        '__dork_migrations_log2',
      ];
      for (const name of [...others, ...own]) {
        assert.deepEqual([name, IS_NOT_OF_SCHEMA.test(name)], [name, others.includes(name)]);
        assert.deepEqual([name, isOfSchema.get(name)?.is], [name, own.includes(name) ? 1 : 0]);
      }
    });
  });

  it('counts no row of the tables that Litestream keeps', () => {
    current((connection) => {
      connection.exec('CREATE TABLE _litestream_seq (id integer); INSERT INTO _litestream_seq VALUES (1)');
      assert.equal(Object.keys(countRows(connection)).includes('_litestream_seq'), false);
      assert.ok(Object.keys(countRows(connection)).includes('agents'));
    });
  });

  it('is settled for one that was vacuumed, which orders the schema anew', () => {
    current((connection) => {
      connection.exec('VACUUM');
      assert.ok(isCurrent(connection, history));
    });
  });

  it('is not settled for any other', () => {
    const spoilt = [
      'CREATE TABLE more (id integer)',
      `DROP INDEX ${nameOf('INDEX')}`,
      `ALTER TABLE ${nameOf('TABLE')} ADD COLUMN more text`,
      'DROP TABLE __drizzle_migrations',
      'DELETE FROM __drizzle_migrations WHERE rowid = 1',
      'UPDATE __drizzle_migrations SET hash = upper(hash) WHERE rowid = 1',
      "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('more', 1)",
      'UPDATE __drizzle_migrations SET rowid = rowid + 10 WHERE rowid = 1',
    ];
    for (const sql of spoilt) {
      current((connection) => {
        connection.exec(sql);
        assert.ok(!isCurrent(connection, history), sql);
      });
    }
  });

  it('does not depend on what is embedded beside the migrations', () => {
    current((connection) => {
      const { schema, ...without } = history;
      assert.ok(schema && schema.length > 10);
      assert.ok(!isCurrent(connection, without));
      assert.deepEqual(driftOf(connection, without), []);
      assert.deepEqual(migrate(connection, { ...history, schema: ['CREATE TABLE wrong (id)'] }).drift, []);
    });
  });

  it('is settled for a history from a folder too, in a process that has not replayed it', () => {
    using folder = temporaryFolder();
    const path = writeFolder(folder.file('migrations'), history);
    using connection = open(folder.file('dork.db'));
    const { applied, drift } = migrate(connection, readHistory(path));
    assert.deepEqual([applied.length, drift], [history.migrations.length, []]);
    assert.ok(isCurrent(connection, readHistory(path)));
    connection.exec('ANALYZE; VACUUM');
    assert.ok(isCurrent(connection, readHistory(path)));
    const half = { migrations: history.migrations.slice(0, -1) };
    assert.ok(!isCurrent(connection, half));
    const spoilt = [
      'CREATE TABLE more (id integer)',
      `ALTER TABLE ${nameOf('TABLE')} ADD COLUMN more text`,
      'DELETE FROM __drizzle_migrations WHERE rowid = 1',
      'DELETE FROM __dork_migrations_log',
      "INSERT INTO __dork_migrations_log (at, event, tag, hash, statements_hash) VALUES ('', 'repaired', '', '', '')",
    ];
    for (const sql of spoilt) {
      connection.exec(`SAVEPOINT spoilt; ${sql}`);
      assert.ok(!isCurrent(connection, readHistory(path)), sql);
      connection.exec('ROLLBACK TO spoilt; RELEASE spoilt');
    }
  });

  it('is settled after each migration of a folder that grows, and in the process that has replayed it', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('dork.db'));
    for (let n = 1; n <= history.migrations.length; n++) {
      const grown = { migrations: history.migrations.slice(0, n) };
      assert.ok(!isCurrent(connection, grown));
      migrate(connection, grown);
      assert.ok(isCurrent(connection, { ...grown }));
      using memory = open(':memory:');
      assert.equal(migrate(memory, grown).applied.length, n);
      assert.ok(isCurrent(memory, grown));
    }
  });

  it('is the same for the embedded history as for the folder', () => {
    using folder = temporaryFolder();
    const { migrations } = readHistory(writeFolder(folder.path, history));
    assert.deepEqual(migrations, history.migrations);
  });
});
