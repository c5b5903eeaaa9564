/** Integers that JavaScript's numbers cannot hold: exact, however they are read, on every driver. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Connection, createDb, sql } from '#entry';
import { DRIVER } from '../support/runtime.ts';

const LARGE = 2n ** 62n + 1n;
const FIRST = 2n ** 53n + 1n;

describe(`integers beyond 2^53 on ${DRIVER}`, () => {
  let db: ReturnType<typeof createDb>;
  let connection: Connection;

  beforeEach(() => {
    db = createDb(':memory:');
    connection = db.$client;
    connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, x)');
    const insert = connection.prepare('INSERT INTO t (name, n, x) VALUES (?, ?, ?)');
    insert.run('small', 5, 1.5);
    insert.run('large', LARGE, -LARGE);
    insert.run('first', FIRST, -FIRST);
    insert.run('last', 2n ** 53n - 1n, 1e300);
  });
  afterEach(() => connection.close());

  const NS = [5, LARGE, FIRST, 2 ** 53 - 1];
  const XS = [1.5, -LARGE, -FIRST, 1e300];

  it('are bigints, and every other one is a number', () => {
    for (const text of ['SELECT n, x FROM t', 'SELECT * FROM t', 'SELECT t.*, 7 AS seven FROM t']) {
      const select = connection.prepare<{ n: unknown; x: unknown }>(text);
      assert.deepEqual(
        select.all().map(({ n }) => n),
        NS,
      );
      assert.deepEqual(
        [...select.iterate()].map(({ x }) => x),
        XS,
      );
      // Twice: nothing of the first time stays.
      assert.deepEqual(select.get(), select.all()[0]);
      assert.equal(select.all().length, 4);
    }
    const one = connection.prepare('SELECT n FROM t WHERE name = ?');
    assert.deepEqual(one.get('large'), { n: LARGE });
    assert.deepEqual(one.get('small'), { n: 5 });
    assert.deepEqual(one.values('first'), [[FIRST]]);
    assert.equal(one.get('none'), undefined);
    assert.deepEqual(one.raw().get('large'), [LARGE]);
  });

  it('are exact in expressions, in pragmas and through Drizzle', () => {
    assert.deepEqual(connection.prepare('SELECT max(n) AS n, count(*) AS c FROM t').get(), { n: LARGE, c: 4 });
    assert.deepEqual(db.get(sql`SELECT ${LARGE} AS n, 'x' AS text, 2.5 AS real`), { n: LARGE, text: 'x', real: 2.5 });
    assert.deepEqual(db.values(sql`SELECT 9223372036854775807, -9223372036854775808`), [
      [2n ** 63n - 1n, -(2n ** 63n)],
    ]);
    assert.equal(typeof connection.pragma('page_size', { simple: true }), 'number');
    assert.deepEqual(connection.prepare('SELECT 1e20 AS a, -1e20 AS b').get(), { a: 1e20, b: -1e20 });
  });

  it('are exact down to the least one, while the REAL of that value is a number', () => {
    const least = -(2n ** 63n);
    connection.prepare("UPDATE t SET n = ?, x = ? WHERE name = 'small'").run(least, -(2 ** 63));
    const expected = { n: least, x: -(2 ** 63) };
    for (const text of ['SELECT n, x FROM t WHERE id = 1', 'SELECT * FROM (SELECT n, x FROM t WHERE id = 1)']) {
      const select = connection.prepare(text);
      // Twice: nothing of the first time stays.
      for (let times = 1; times <= 2; times++) {
        assert.deepEqual(select.get(), expected);
        assert.deepEqual(select.all(), [expected]);
        assert.deepEqual([...select.iterate()], [expected]);
        assert.deepEqual(select.values(), [[least, -(2 ** 63)]]);
      }
      assert.deepEqual(select.raw().get(), [least, -(2 ** 63)]);
    }
    assert.deepEqual(connection.prepare('UPDATE t SET x = x WHERE id = 1 RETURNING n, x').get(), expected);
    assert.deepEqual(connection.prepare('SELECT n FROM t WHERE id = 2').get(), { n: LARGE });
  });

  it('are exact where the statement writes, which runs once', () => {
    const returning = connection.prepare('INSERT INTO t (name, n) VALUES (?, ?) RETURNING id, n');
    assert.deepEqual(returning.get('a', LARGE), { id: 5, n: LARGE });
    assert.deepEqual(returning.all('b', 6), [{ id: 6, n: 6 }]);
    assert.deepEqual(returning.values('c', FIRST), [[7, FIRST]]);
    assert.deepEqual([...returning.iterate('d', FIRST)], [{ id: 8, n: FIRST }]);
    assert.deepEqual(
      connection
        .prepare('UPDATE t SET n = n + 1 WHERE id >= 5 RETURNING *')
        .all()
        .map(({ n }) => n),
      [LARGE + 1n, 7, FIRST + 1n, FIRST + 1n],
    );
    assert.equal(connection.prepare('SELECT count(*) AS n FROM t').get()?.n, 8);
  });

  it('are exact as a rowid', () => {
    const insert = connection.prepare('INSERT INTO t (id, name) VALUES (?, ?)');
    assert.deepEqual({ ...insert.run(LARGE, 'rowid') }, { changes: 1, lastInsertRowid: LARGE });
    assert.deepEqual({ ...insert.run(9, 'rowid') }, { changes: 1, lastInsertRowid: 9 });
    assert.equal(connection.prepare("SELECT count(*) AS n FROM t WHERE name = 'rowid'").get()?.n, 2);
  });

  it('do not make a statement that reads random numbers fail', () => {
    for (const { n } of connection.prepare<{ n: number | bigint }>('SELECT random() AS n FROM t').all()) {
      assert.ok(typeof n === 'bigint' || Number.isSafeInteger(n));
    }
  });
});
