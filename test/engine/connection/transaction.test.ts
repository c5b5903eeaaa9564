import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Connection, createDb, type Db, DorkDbError } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';

describe(`a transaction on ${RUNTIME}`, () => {
  let db: Db;
  let connection: Connection;
  beforeEach(() => {
    db = createDb(':memory:');
    connection = db.$client;
    connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, data BLOB)');
  });
  afterEach(() => db[Symbol.dispose]());

  const rows = () => connection.prepare('SELECT count(*) AS n FROM t').get()?.n;

  /** Fills the file until it may not grow any more. */
  function fill(): void {
    const insert = connection.prepare('INSERT INTO t (data) VALUES (zeroblob(100000))');
    for (;;) insert.run();
  }

  function limitPages(): void {
    connection.pragma(`max_page_count = ${Number(connection.pragma('page_count', { simple: true })) + 50}`);
  }

  it('gives the first error where SQLite itself rolled back, and keeps nothing', () => {
    limitPages();
    assert.throws(() => connection.runTransaction(fill), { code: 'SQLITE_FULL' });
    assert.equal(connection.inTransaction, false);
    assert.equal(rows(), 0);
  });

  it('refuses what follows an error that rolled it back, so that nothing is committed in pieces', () => {
    limitPages();
    assert.throws(
      () =>
        connection.runTransaction(() => {
          assert.throws(fill, { code: 'SQLITE_FULL' });
          assert.throws(() => connection.exec('INSERT INTO t (id) VALUES (1000)'), { code: 'ROLLED_BACK' });
          assert.throws(() => connection.runTransaction(() => {}), { code: 'ROLLED_BACK' });
        }),
      (error) => error instanceof DorkDbError && error.code === 'ROLLED_BACK' && error.cause !== undefined,
    );
    assert.equal(rows(), 0);
    connection.runTransaction(() => connection.exec('INSERT INTO t (id) VALUES (1)'));
    assert.equal(rows(), 1);
  });

  it('refuses the rest of the outer one too, where the error was in a nested one', () => {
    limitPages();
    assert.throws(
      () =>
        connection.runTransaction(() => {
          connection.exec('INSERT INTO t (id) VALUES (5000)');
          assert.throws(() => connection.runTransaction(fill), { code: 'SQLITE_FULL' });
          connection.exec('INSERT INTO t (id) VALUES (5001)');
        }),
      { code: 'ROLLED_BACK' },
    );
    assert.equal(rows(), 0);
  });

  it('leaves the connection as it was after any error', () => {
    for (const fail of [
      () => connection.exec('INSERT INTO nothing VALUES (1)'),
      () => connection.prepare('INSERT INTO t (id) VALUES (?)').run('no number'),
      () => {
        throw new Error('mine');
      },
    ]) {
      assert.throws(() =>
        connection.runTransaction(() => {
          connection.exec('INSERT INTO t (id) VALUES (1)');
          fail();
        }),
      );
      assert.equal(connection.inTransaction, false);
      assert.equal(rows(), 0);
    }
  });

  it('takes only a function', () => {
    for (const value of [undefined, null, 'x', {}])
      assert.throws(() => connection.runTransaction(value as never), TypeError);
  });
});
