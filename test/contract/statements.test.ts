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
    ] as const)
      assert.throws(() => connection.prepare(sql).get(...params), InvalidInputError, sql);
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
        () => connection.transaction(() => {}),
        () => connection.transaction(() => {}, 'deferred'),
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
      if (end === 'rollback') assert.throws(() => connection.transaction(leave), /stop/);
      else if (end === 'commit') connection.transaction(leave);
      else connection.transaction(() => connection.transaction(leave));
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
    assert.throws(() => connection.transaction(withArguments), { name: 'TypeError', message: /Nothing was run/ });
    assert.equal(count(), 3);
  });

  it('attach a new file to a database in memory', () => {
    using memory = createDb(':memory:');
    const file = folder.file('attached.db');
    memory.$client.prepare('ATTACH ? AS other').run(file);
    memory.$client.exec('CREATE TABLE other.x (id)');
    assert.ok(existsSync(file));
    assert.throws(() => connection.prepare('ATTACH ? AS other').run(folder.file('none.db')), {
      code: 'SQLITE_CANTOPEN',
    });
  });
});
