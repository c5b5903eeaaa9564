import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { history } from '../../drizzle/history.ts';
import { Connection } from '../../src/engine/connection/connection.ts';
import { MigrationError } from '../../src/engine/errors.ts';
import { countRows, dataTables } from '../../src/engine/migrations/rows.ts';
import { migrate } from '../../src/engine/migrations/runner.ts';
import { adapter, FAMILY, historyOf, migration, REBUILD_PARENTS } from '../engine/migrations/support.ts';
import { RUNTIME } from '../support/runtime.ts';
import { checksOf, literalsOf, mentions } from './checks.ts';
import { databaseAt } from './database-at.ts';
import { assertPreserved, contentOf } from './preservation.ts';

describe(`the migration kit, on ${RUNTIME}`, () => {
  it('fills every table of every point of the history, in the same way for the same seed', () => {
    for (let at = 1; at <= history.migrations.length; at++) {
      using one = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
      using two = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
      for (const connection of [one, two]) databaseAt(connection, history, at, { rows: 12, seed: 5 });
      for (const [table, rows] of Object.entries(countRows(one))) assert.ok(rows > 0, table);
      assert.deepEqual(contentOf(one), contentOf(two));
      assert.deepEqual(one.pragma('foreign_key_check'), []);
      assert.equal(one.pragma('integrity_check', { simple: true }), 'ok');
    }
  });

  it('finds rows for CHECKs, unique keys, keys of two columns, blobs and references to the own table', () => {
    using connection = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
    const wild = migration(
      '0000_wild',
      `CREATE TABLE nodes (a text NOT NULL, b integer NOT NULL, up text REFERENCES nodes(only), only text UNIQUE,
        kind text NOT NULL CHECK (kind IN ('it''s', 'b)')), n integer CHECK (n BETWEEN 17 AND 19 OR n = -3),
        data blob NOT NULL, json text NOT NULL CHECK (json_valid(json)), twice AS (b * 2), PRIMARY KEY (a, b)) WITHOUT ROWID`,
    );
    databaseAt(connection, historyOf(wild), 1, { rows: 20 });
    assert.ok(Number(countRows(connection).nodes) > 10);
  });

  it('says which table takes no row', () => {
    using connection = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
    const none = migration('0000_none', 'CREATE TABLE none (a text NOT NULL CHECK (a = upper(a) AND length(a) = 77))');
    assert.throws(() => databaseAt(connection, historyOf(none), 1), /no row that none takes/);
  });

  it('reads CHECKs past quotes and parentheses', () => {
    const [first = '', second = '', ...rest] = checksOf(
      "CREATE TABLE t (a text CHECK (a IN ('x)', 'y''(')), b CHECK((b) > -1.5), -- CHECK (no)\n c)",
    );
    assert.deepEqual([first, second, rest], ["a IN ('x)', 'y''(')", '(b) > -1.5', []]);
    assert.deepEqual([literalsOf(first), literalsOf(second)], [['x)', "y'("], [-1.5]]);
    assert.deepEqual([mentions(first, 'a'), mentions(first, 'x'), mentions(second, 'b')], [true, false, true]);
  });

  /** Applies a migration to the populated family and compares. */
  function tryOn(...statements: string[]): void {
    using connection = new Connection(adapter, ':memory:', { host: { name: 'dork' } });
    databaseAt(connection, historyOf(FAMILY), 1);
    const before = contentOf(connection);
    const change = migration('0001_change', ...statements);
    migrate(connection, historyOf(FAMILY, change));
    assertPreserved(before, contentOf(connection), change);
  }

  it('finds what a migration does to values that it does not mean to change, and lets the rest pass', () => {
    const rebuild = REBUILD_PARENTS.sql.split(';\n--> statement-breakpoint\n');
    tryOn(...rebuild);
    tryOn("UPDATE children SET note = 'meant'");
    tryOn('ALTER TABLE children DROP COLUMN note');
    assert.throws(
      () => tryOn(...rebuild.map((sql) => sql.replace('SELECT "id", "name"', `SELECT "id", 'name'`))),
      /0001_change changes rows of parents/,
    );
    assert.throws(() => tryOn('ALTER TABLE children ADD age integer NOT NULL'), MigrationError);
    assert.deepEqual(dataTables(new Connection(adapter, ':memory:', { host: { name: 'dork' } })), []);
  });
});
