/** Statements, their parameters, and loops over iterate(): the same on every driver. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Connection, createDb, type Db, InvalidInputError } from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { RUNTIME } from '../support/runtime.ts';

describe(`statements on ${RUNTIME}`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let db: Db;
  let connection: Connection;

  beforeEach(() => {
    folder = temporaryFolder();
    db = createDb(folder.file('dork.db'));
    connection = db.$client;
    connection.exec(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO t (name) VALUES ('a'), ('b'), ('c')",
    );
  });
  afterEach(() => {
    connection.close();
    folder[Symbol.dispose]();
  });

  const count = () => connection.prepare('SELECT count(*) AS n FROM t').get()?.n;

  it('take parameters by position, named and numbered ones too', () => {
    const cases: [sql: string, params: unknown[], row: unknown[]][] = [
      ['SELECT ?1, ?1', [5], [5, 5]],
      ['SELECT ?2, ?1', [1, 2], [2, 1]],
      ['SELECT ?2', [1, 2], [2]],
      ['SELECT ?, ?1, ?', [1, 2], [1, 1, 2]],
      ['SELECT ?3, ?', [1, 2, 3, 4], [3, 4]],
      ['SELECT $a, :b, @c, $a', [1, 'x', null], [1, 'x', null, 1]],
      ['SELECT :a, ?', [1, 2], [1, 2]],
      ['SELECT :1, ?, $2', [1, 2, 3], [1, 2, 3]],
      ['SELECT ?2, :a, ?1', [1, 2, 3], [2, 3, 1]],
      ['SELECT \'12:30\', "id", ?1 /* :no */ FROM t LIMIT 1 -- @no', [7], ['12:30', 1, 7]],
    ];
    for (const [sql, params, row] of cases) assert.deepEqual(connection.prepare(sql).values(...params), [row], sql);
    assert.deepEqual(connection.prepare('SELECT typeof(?1) AS type').get(5), { type: 'integer' });
  });

  it('refuse a wrong number of them, named and numbered ones too', () => {
    for (const [sql, params] of [
      ['SELECT :a', []],
      ['SELECT ?2', [1]],
      ['SELECT ?1, ?1', [5, 5]],
      ['SELECT $a', [1, 2]],
      ['SELECT ?', []],
      ['SELECT ?', [1, 2]],
      ['SELECT 1', [1]],
      ["INSERT INTO t (name) VALUES (?) -- '?'", ['a', 'b']],
      ['INSERT INTO t (name) VALUES (?)', []],
    ] as const) {
      const statement = connection.prepare(sql);
      const calls = [
        () => statement.get(...params),
        () => statement.all(...params),
        () => statement.values(...params),
        () => statement.run(...params),
        () => [...statement.iterate(...params)],
        () => statement.raw().get(...params),
      ];
      const message = /^parameters are \d+, but the statement takes \d+/;
      for (const call of calls) assert.throws(call, { name: 'InvalidInputError', message }, sql);
    }
    assert.equal(count(), 3);
  });

  it('take an object for names', () => {
    const insert = connection.prepare('INSERT INTO t (id, name) VALUES (:id, $name)');
    insert.run({ id: 9, name: 'z', other: 1 });
    assert.deepEqual(connection.prepare('SELECT * FROM t WHERE id = @id').get({ id: 9 }), { id: 9, name: 'z' });
    assert.throws(() => insert.run({ id: 10 }), { name: 'InvalidInputError', message: /name/ });
    assert.throws(() => connection.prepare('SELECT ?, :a').get({ a: 1 }), InvalidInputError);
    assert.throws(() => connection.prepare('SELECT :a, $a'), InvalidInputError);
    assert.equal(count(), 4);
  });

  it('refuse an array and an object by name where they mean nothing', () => {
    const insert = connection.prepare('INSERT INTO t (name) VALUES (?)');
    assert.throws(() => insert.run(['x']), { name: 'TypeError', message: /array/ });
    assert.throws(() => insert.run({ name: 'x' }), { name: 'TypeError', message: /names no parameters/ });
    assert.throws(() => (insert as unknown as { pluck(): unknown }).pluck(), TypeError);
    assert.deepEqual(connection.prepare('SELECT id, name FROM t').raw().all()[0], [1, 'a']);
    assert.equal(count(), 3);
  });

  it('run nothing for a text without a statement', () => {
    for (const text of ['', ' \n', ';', '-- x', '/* x */ ;']) connection.exec(text);
    for (const text of [undefined, 5, null]) assert.throws(() => connection.exec(text as unknown as string), TypeError);
    connection.exec('/* x */ DELETE FROM t; -- end');
    assert.equal(count(), 0);
  });

  it('do not run again while their rows are read', () => {
    const select = connection.prepare('SELECT name FROM t');
    const names: unknown[] = [];
    for (const { name } of select.iterate()) {
      names.push(name);
      for (const act of [() => select.all(), () => select.get(), () => [...select.iterate()], () => select.values()])
        assert.throws(act, { code: 'ITERATING' });
    }
    assert.deepEqual(names, ['a', 'b', 'c']);
    assert.equal(select.all().length, 3);
  });

  it('begin nothing and set nothing while rows are read', () => {
    const cacheSize = connection.pragma('cache_size', { simple: true });
    for (const _ of connection.prepare('SELECT name FROM t').iterate()) {
      for (const act of [
        () => connection.runTransaction(() => {}),
        () => connection.runTransaction(() => {}, 'deferred'),
        () => connection.exec('BEGIN'),
        () => connection.prepare('BEGIN').run(),
        () => connection.prepare('SAVEPOINT s').run(),
        () => connection.pragma('cache_size = 10'),
        () => connection.pragma('cache_size(10)'),
        () => connection.prepare('/* x */ PRAGMA main.cache_size = 10'),
        () => connection.pragma('user_version = 3'),
        () => connection.prepare("ATTACH ':memory:' AS other").run(),
      ])
        assert.throws(act, { code: 'ITERATING' }, String(act));
      assert.equal(connection.pragma('cache_size', { simple: true }), cacheSize);
      assert.equal((connection.pragma('table_info(t)') as unknown[]).length, 2);
    }
    assert.equal(connection.inTransaction, false);
    assert.equal(connection.pragma('user_version', { simple: true }), 0);
  });

  for (const end of ['commit', 'rollback', 'release'] as const) {
    it(`end their loop with the transaction that it began in: ${end}`, () => {
      const select = connection.prepare<{ name: string }>('SELECT name FROM t');
      let rows: Iterator<{ name: string }> | undefined;
      const leave = () => {
        connection.exec("INSERT INTO t (name) VALUES ('d')");
        rows = select.iterate();
        assert.equal(rows.next().value?.name, 'a');
        if (end === 'rollback') throw new Error('stop');
      };
      if (end === 'rollback') assert.throws(() => connection.runTransaction(leave), /stop/);
      else if (end === 'commit') connection.runTransaction(leave);
      else connection.runTransaction(() => connection.runTransaction(leave));
      assert.equal(connection.inTransaction, false);
      assert.equal(count(), end === 'rollback' ? 3 : 4);
      // Another loop over the same statement is not touched by the one that has ended.
      const others = select.iterate();
      others.next();
      assert.throws(() => rows?.next(), { code: 'ITERATION_ENDED' });
      assert.equal(others.next().value?.name, 'b');
      assert.throws(() => connection.exec('DELETE FROM t'), { code: 'ITERATING' });
      others.return?.();
      for (let i = 0; i < 10; i++) connection.prepare('INSERT INTO t (name) VALUES (?)').run(`later ${i}`);
      using other = createDb(connection.filename);
      assert.equal(other.$client.prepare("SELECT count(*) AS n FROM t WHERE name LIKE 'later%'").get()?.n, 10);
    });
  }

  it('are not run by transaction() for a function that expects arguments', () => {
    const insert = connection.prepare('INSERT INTO t (name) VALUES (?)');
    const withArguments = ((name: string) => insert.run(name)) as unknown as () => unknown;
    assert.throws(() => connection.runTransaction(withArguments), { name: 'TypeError', message: /Nothing was run/ });
    assert.equal(count(), 3);
  });

  it('attach a new file to a database in memory', () => {
    using memory = createDb(':memory:');
    const file = folder.file('attached.db');
    memory.$client.prepare('ATTACH ? AS other').run(file);
    memory.$client.exec('CREATE TABLE other.x (id)');
    assert.ok(existsSync(file));
  });

  it('attach no file that is not there to a file, and any that is', () => {
    const none = folder.file("no'ne.db");
    const quoted = `'${none.replaceAll("'", "''")}'`;
    for (const act of [
      () => connection.prepare('ATTACH ? AS other').run(none),
      () => connection.prepare('ATTACH DATABASE :file AS other').run({ file: none }),
      () => connection.prepare(`/* x */ ATTACH ${quoted} AS other`).all(),
      () => connection.prepare("ATTACH ? || '.db' AS ?").run(none, 'other'),
      () => connection.exec(`SELECT 1; ATTACH ${quoted} AS other`),
    ])
      assert.throws(act, { code: 'SQLITE_CANTOPEN' }, String(act));
    assert.equal(existsSync(none), false);
    for (const text of ["ATTACH ':memory:' AS other", "ATTACH '' AS other"]) {
      connection.exec(`${text}; CREATE TABLE other.x (id); DETACH other`);
    }
    createDb(none).$client.close();
    connection.exec(`ATTACH ${quoted} AS other; SELECT * FROM other.sqlite_schema; DETACH other`);
    connection.prepare('ATTACH ? AS ?').run(none, 'other');
    const tables = connection.prepare('SELECT count(*) - 1 AS n FROM main.sqlite_schema').get()?.n;
    assert.equal(connection.prepare('SELECT count(*) AS n FROM other.sqlite_schema').get()?.n, tables);
  });

  it('say what they are: what only reads may run inside a loop over iterate()', () => {
    const reads = [
      'SELECT 1',
      'VALUES (1)',
      '/* x */ select 1',
      'WITH a AS (SELECT 1) SELECT * FROM a',
      'WITH "insert" AS (SELECT 1 AS "delete"), b(c) AS (SELECT 2) SELECT * FROM "insert", b',
      'WITH RECURSIVE a(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM a WHERE n < 3) SELECT n FROM a',
      'EXPLAIN SELECT * FROM t',
      'EXPLAIN QUERY PLAN SELECT * FROM t',
      'PRAGMA user_version',
      'PRAGMA main.user_version',
      'PRAGMA table_info(t)',
      'PRAGMA foreign_key_check',
    ];
    const writes = [
      "INSERT INTO t (name) VALUES ('d')",
      "INSERT INTO t (name) VALUES ('d') RETURNING id",
      "REPLACE INTO t (name) VALUES ('d')",
      "UPDATE t SET name = 'd'",
      'DELETE FROM t',
      "WITH a AS (SELECT 'd' AS d) INSERT INTO t (name) SELECT d FROM a",
      'WITH a(d) AS (SELECT 1) DELETE FROM t WHERE id IN (SELECT d FROM a) RETURNING id',
      'CREATE TABLE u (id)',
      'DROP TABLE t',
      'ALTER TABLE t RENAME TO u',
      'CREATE TEMP TABLE u (id)',
      'VACUUM',
      'ANALYZE',
      'REINDEX',
      'BEGIN',
      'BEGIN IMMEDIATE',
      'COMMIT',
      'SAVEPOINT s',
      'PRAGMA wal_checkpoint',
      'PRAGMA journal_mode',
      'PRAGMA incremental_vacuum',
    ];
    const statements = writes.map((text) => [text, connection.prepare(text)] as const);
    for (const _ of connection.prepare('SELECT name FROM t').iterate()) {
      for (const text of reads) assert.ok(connection.prepare(text).all(), text);
      for (const [text, one] of statements) assert.throws(() => one.all(), { code: 'ITERATING' }, text);
    }
    assert.equal(count(), 3);
  });

  it('run whatever they are, and say how many rows they wrote', () => {
    for (const [text, changes, n] of [
      ['SELECT name FROM t', 0, 3],
      ["UPDATE t SET name = name || 'x' RETURNING id", 3, 3],
      ['PRAGMA user_version', 0, 3],
      ['BEGIN', 0, 3],
      ['DELETE FROM t WHERE id > 1', 2, 1],
      ['COMMIT', 0, 1],
      ['CREATE TABLE u (id)', 0, 1],
      ["INSERT INTO t (name) VALUES ('d'), ('e')", 2, 3],
      ["WITH a(d) AS (SELECT 'f') INSERT INTO t (name) SELECT d FROM a", 1, 4],
    ] as const) {
      assert.equal(connection.prepare(text).run().changes, changes, text);
      assert.equal(count(), n, text);
    }
  });

  it('read what they name also when the schema has changed since they were prepared', () => {
    const [all, star, drizzled] = ['SELECT id, name FROM t', 'SELECT * FROM t', 'SELECT t.* FROM t WHERE id = ?'].map(
      (text) => connection.prepare(text),
    );
    star?.all();
    drizzled?.values(1);
    connection.exec("ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'm'; ALTER TABLE t RENAME COLUMN name TO title");
    assert.deepEqual(star?.get(), { id: 1, title: 'a', more: 'm' });
    assert.deepEqual(drizzled?.values(1), [[1, 'a', 'm']]);
    assert.deepEqual(drizzled?.get(1), { id: 1, title: 'a', more: 'm' });
    assert.throws(() => all?.all(), { code: 'SQLITE_ERROR' });
  });

  it('give bytes and texts back as they were, also empty ones', () => {
    const select = connection.prepare('SELECT ? AS a, typeof(?) AS b, length(?) AS c');
    const empty = new Uint8Array();
    const { b, c } = select.get(empty, empty, empty) ?? {};
    assert.deepEqual({ b, c }, { b: 'blob', c: 0 });
    assert.deepEqual(select.get('', '', ''), { a: '', b: 'text', c: 0 });
    const part = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    for (const bytes of [part, empty]) {
      const [[back] = []] = select.values(bytes, bytes, bytes);
      assert.ok(back instanceof Uint8Array);
      assert.deepEqual([...back], [...bytes]);
    }
  });
});
