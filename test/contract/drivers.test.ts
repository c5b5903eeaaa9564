/**
 * Every point in which the drivers differ, as whoever holds a Db meets it: the same case runs on bun:sqlite,
 * better-sqlite3 and node:sqlite, and the suite says which.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  agents,
  ClosedError,
  type Connection,
  ConstraintError,
  closeDb,
  createDb,
  DatabaseOpenError,
  type Db,
  DorkDbError,
  eq,
  InvalidInputError,
  pulseRuns,
  pulseSchedules,
  rateLimitBuckets,
  sql,
} from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { DRIVER, ROOT, RUNTIME, runtimeCommand } from '../support/runtime.ts';

const schedule = (id: string) => ({
  id,
  name: 'n',
  cron: '* * * * *',
  prompt: 'p',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
});

describe(`contract on ${DRIVER}`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let db: Db;
  let connection: Connection;
  let count = 0;

  before(() => {
    folder = temporaryFolder();
    console.log(`contract: driver ${DRIVER}, ${RUNTIME} ${process.versions.bun ?? process.versions.node}`);
  });
  after(() => {
    closeDb(db);
    folder[Symbol.dispose]();
  });
  beforeEach(() => {
    if (db) closeDb(db);
    db = createDb(folder.file(`${++count}.db`));
    connection = db.$client;
    connection.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER, data BLOB)');
  });

  it('names the driver that runs', () => {
    assert.equal(connection.driver, DRIVER);
    assert.match(connection.sqliteVersion, /^3\.\d+\.\d+$/);
  });

  it('sets the same pragmas on every driver', () => {
    const value = (name: string) => connection.pragma(name, { simple: true });
    assert.deepEqual(
      {
        busy_timeout: value('busy_timeout'),
        foreign_keys: value('foreign_keys'),
        journal_mode: value('journal_mode'),
        synchronous: value('synchronous'),
        cache_size: value('cache_size'),
        temp_store: value('temp_store'),
        journal_size_limit: value('journal_size_limit'),
        wal_autocheckpoint: value('wal_autocheckpoint'),
        trusted_schema: value('trusted_schema'),
        recursive_triggers: value('recursive_triggers'),
        application_id: value('application_id'),
        user_version: value('user_version'),
      },
      {
        busy_timeout: 5000,
        foreign_keys: 1,
        journal_mode: 'wal',
        synchronous: 1,
        cache_size: -16000,
        temp_store: 2,
        journal_size_limit: 67108864,
        wal_autocheckpoint: 16384,
        trusted_schema: 0,
        recursive_triggers: 1,
        application_id: 0x444f524b,
        user_version: 0,
      },
    );
  });

  it('gives undefined for a row that is not there', () => {
    assert.equal(connection.prepare('SELECT * FROM t WHERE id = ?').get(1), undefined);
    assert.equal(db.get(sql`SELECT * FROM t WHERE id = 1`), undefined);
    assert.equal(db.select().from(agents).get(), undefined);
  });

  it('gives an object for raw SQL through Drizzle', () => {
    assert.deepEqual(db.get(sql`SELECT 1 AS a, 'x' AS b`), { a: 1, b: 'x' });
    assert.deepEqual(db.all(sql`SELECT 1 AS a`), [{ a: 1 }]);
    assert.deepEqual(db.values(sql`SELECT 1 AS a, 2 AS b`), [[1, 2]]);
  });

  it('gives rows that are plain objects', () => {
    const row = connection.prepare('SELECT 1 AS a').get();
    assert.equal(Object.getPrototypeOf(row), Object.prototype);
    assert.deepStrictEqual(connection.prepare('SELECT 1 AS a').all(), [{ a: 1 }]);
    assert.deepStrictEqual([...connection.prepare('SELECT 1 AS a').iterate()], [{ a: 1 }]);
  });

  it('says what a write did, with types', () => {
    const raw = connection.prepare('INSERT INTO t (name) VALUES (?)').run('a');
    assert.deepEqual({ ...raw }, { changes: 1, lastInsertRowid: 1 });
    const result: { changes: number; lastInsertRowid: number | bigint } = db.run(sql`UPDATE t SET name = 'b'`);
    assert.equal(result.changes, 1);
    assert.equal(db.insert(pulseSchedules).values(schedule('s')).run().changes, 1);
  });

  it('refuses an async function as a transaction and keeps nothing of it', async () => {
    const body = async (tx: Db) => {
      tx.insert(pulseSchedules).values(schedule('async')).run();
    };
    assert.throws(() => db.transaction(body), TypeError);
    assert.throws(
      () => connection.runTransaction(() => Promise.resolve(connection.exec("INSERT INTO t (name) VALUES ('x')"))),
      TypeError,
    );
    await Promise.resolve();
    assert.equal(connection.inTransaction, false);
    assert.equal(db.select().from(pulseSchedules).all().length, 0);
    assert.equal(connection.prepare('SELECT * FROM t').all().length, 0);
  });

  it('takes the write lock at the start of a transaction', () => {
    using other = createDb(connection.filename, { busyTimeoutMs: 0 });
    db.transaction(() => {
      assert.throws(() => other.transaction(() => {}), { name: 'DatabaseBusyError', retryable: true });
      other.transaction(() => assert.deepEqual(other.select().from(agents).all(), []), { behavior: 'deferred' });
    });
    other.transaction(() => {});
  });

  it('nests transactions as savepoints', () => {
    db.transaction((tx) => {
      tx.insert(pulseSchedules).values(schedule('outer')).run();
      assert.throws(() =>
        tx.transaction((inner) => {
          inner.insert(pulseSchedules).values(schedule('inner')).run();
          inner.transaction((innermost) => innermost.insert(pulseSchedules).values(schedule('innermost')).run());
          inner.rollback();
        }),
      );
      db.transaction((again) => again.insert(pulseSchedules).values(schedule('again')).run());
      assert.throws(() => tx.transaction(async () => {}), TypeError);
    });
    assert.deepEqual(
      db
        .select({ id: pulseSchedules.id })
        .from(pulseSchedules)
        .all()
        .map(({ id }) => id)
        .sort(),
      ['again', 'outer'],
    );
  });

  it('rolls back a transaction that throws, and gives its result otherwise', () => {
    assert.equal(
      db.transaction(() => 7),
      7,
    );
    assert.throws(
      () =>
        db.transaction((tx) => {
          tx.insert(pulseSchedules).values(schedule('gone')).run();
          throw new Error('stop');
        }),
      /stop/,
    );
    assert.equal(connection.inTransaction, false);
    assert.equal(db.select().from(pulseSchedules).all().length, 0);
  });

  it('refuses two statements in one prepare and applies neither', () => {
    const two = "INSERT INTO t (name) VALUES ('a'); INSERT INTO t (name) VALUES ('b')";
    assert.throws(() => connection.prepare(two), InvalidInputError);
    assert.throws(() => db.run(sql.raw(two)), InvalidInputError);
    assert.throws(() => connection.prepare(''), InvalidInputError);
    assert.throws(() => connection.prepare('-- nothing'), InvalidInputError);
    assert.equal(connection.prepare('SELECT * FROM t').all().length, 0);
    assert.equal(connection.prepare("SELECT ';' AS semicolon; -- end").get()?.semicolon, ';');
  });

  it('refuses too few and too many parameters', () => {
    const insert = connection.prepare('INSERT INTO t (name, n) VALUES (?, ?)');
    assert.throws(() => insert.run('a'), InvalidInputError);
    assert.throws(() => insert.run('a', 1, 2), InvalidInputError);
    assert.throws(() => connection.prepare('SELECT ? AS a').get(), InvalidInputError);
    assert.throws(() => [...connection.prepare('SELECT ? AS a').iterate()], InvalidInputError);
    assert.throws(() => [...connection.prepare('SELECT ? AS a').iterate(1, 2)], InvalidInputError);
    assert.equal(connection.prepare('SELECT * FROM t').all().length, 0);
  });

  it('runs a statement that returns no rows, however its rows are asked for', () => {
    const insert = connection.prepare('INSERT INTO t (name) VALUES (?)');
    assert.deepEqual(insert.all('all'), []);
    assert.equal(insert.get('get'), undefined);
    assert.deepEqual([...insert.iterate('iterate')], []);
    assert.equal(connection.prepare('SELECT * FROM t').all().length, 3);
  });

  it('binds booleans as 0 and 1', () => {
    assert.deepEqual(connection.prepare('SELECT ? AS yes, ? AS no, typeof(?) AS type').get(true, false, true), {
      yes: 1,
      no: 0,
      type: 'integer',
    });
  });

  it('gives a blob back as Uint8Array, byte for byte', () => {
    const bytes = Uint8Array.from([0, 1, 255, 0]);
    connection.prepare('INSERT INTO t (data) VALUES (?)').run(bytes);
    const back = connection.prepare<{ data: Uint8Array }>('SELECT data FROM t').get()?.data;
    assert.ok(back instanceof Uint8Array);
    assert.deepEqual(Uint8Array.from(back), bytes);
  });

  it('keeps the schema free of double-quoted text', () => {
    const texts = connection
      .prepare<{ name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 't'",
      )
      .all();
    const names = new Set(
      connection
        .prepare<{ name: string }>(
          'SELECT c.name FROM sqlite_schema s, pragma_table_info(s.name) c UNION SELECT name FROM sqlite_schema',
        )
        .all()
        .map(({ name }) => name),
    );
    for (const { name, sql: text } of texts) {
      for (const [, word] of text.replace(/'[^']*'/g, '').matchAll(/"([^"]*)"/g)) {
        assert.ok(
          names.has(word ?? '') || text.includes(`CONSTRAINT "${word}"`),
          `${name} has "${word}", which names nothing`,
        );
      }
    }
  });

  it('takes thirty thousand bound values in one statement', () => {
    const values = Array.from({ length: 30_000 }, (_, i) => i);
    const marks = values.map(() => '?').join(', ');
    assert.equal(
      connection.prepare(`SELECT count(*) AS n FROM json_each('[]') WHERE value IN (${marks})`).get(...values)?.n,
      0,
    );
  });

  it('gives one ConstraintError with its kind, and the driver’s error as its cause', () => {
    db.insert(pulseSchedules).values(schedule('s')).run();
    const run = { id: 'r', scheduleId: 's', status: 'running', startedAt: 'x', createdAt: 'x' } as const;
    const cases: [string, () => unknown][] = [
      ['unique', () => db.insert(pulseSchedules).values(schedule('s')).run()],
      [
        'foreign_key',
        () =>
          db
            .insert(pulseRuns)
            .values({ ...run, scheduleId: 'none' })
            .run(),
      ],
      ['not_null', () => db.run(sql`INSERT INTO pulse_schedules (id) VALUES ('x')`)],
      ['check', () => db.run(sql`UPDATE pulse_schedules SET status = 'nope'`)],
    ];
    for (const [kind, act] of cases) {
      assert.throws(act, (error) => {
        assert.ok(error instanceof ConstraintError, String(error));
        assert.equal(error.kind, kind);
        assert.match(error.code, /^SQLITE_CONSTRAINT/);
        assert.ok(error.cause instanceof Error);
        assert.ok(error.hint.length > 0);
        return true;
      });
    }
  });

  it('gives its own class for every error of the driver, wherever it comes from', () => {
    for (const act of [
      () => db.run(sql`SELECT * FROM nothing`),
      () => db.all(sql`SELECT * FROM nothing`),
      () => connection.exec('SELEC'),
      () => connection.prepare('SELECT * FROM nothing'),
      () => connection.pragma('foreign_key_check(nothing'),
    ]) {
      assert.throws(
        act,
        (error) => error instanceof DorkDbError && error.code === 'SQLITE_ERROR' && error.cause instanceof Error,
      );
    }
  });

  it('names the folder that is missing and creates nothing', () => {
    const missing = folder.file('missing');
    assert.throws(
      () => createDb(`${missing}/dork.db`),
      (error) =>
        error instanceof DatabaseOpenError && error.code === 'FOLDER_MISSING' && error.message.includes(missing),
    );
    assert.equal(existsSync(missing), false);
  });

  it('refuses everything after close, and closing twice is fine', () => {
    const statement = connection.prepare('SELECT 1 AS a');
    const drizzled = db.select().from(agents).prepare();
    closeDb(db);
    closeDb(db);
    for (const act of [
      () => statement.get(),
      () => statement.all(),
      () => statement.run(),
      () => [...statement.iterate()],
      () => drizzled.all(),
      () => connection.prepare('SELECT 1'),
      () => connection.exec('SELECT 1'),
      () => connection.pragma('user_version'),
      () => db.select().from(agents).all(),
      () => db.transaction(() => {}),
    ]) {
      assert.throws(act, ClosedError);
    }
    assert.equal(connection.inTransaction, false);
  });

  it('leaves no -wal, no -shm and no lock behind, whatever statements are alive', () => {
    const file = connection.filename;
    for (let i = 0; i < 20; i++)
      db.select()
        .from(agents)
        .where(eq(agents.id, String(i)))
        .all();
    const open = connection.prepare('SELECT * FROM sqlite_schema').iterate();
    open.next();
    closeDb(db);
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name.startsWith(`${count}.db`)),
      [`${count}.db`],
    );
    using again = createDb(file, { busyTimeoutMs: 0 });
    again.transaction(() => {});
  });

  it('has pragma() as rows and as a single value', () => {
    assert.deepEqual(connection.pragma('user_version'), [{ user_version: 0 }]);
    assert.equal(connection.pragma('user_version', { simple: true }), 0);
    assert.deepEqual(connection.pragma('foreign_key_list(pulse_schedules)'), []);
    assert.equal(connection.pragma('foreign_key_list(pulse_schedules)', { simple: true }), undefined);
  });

  it('refuses to open a file that lacks a column of the schema', () => {
    connection.exec('ALTER TABLE agents DROP COLUMN version');
    const file = connection.filename;
    closeDb(db);
    assert.throws(
      () => createDb(file),
      (error) =>
        error instanceof DatabaseOpenError &&
        error.code === 'SCHEMA_MISMATCH' &&
        error.message.includes('agents.version'),
    );
  });

  it('stores a whole number as INTEGER, also in a TEXT column', () => {
    connection.prepare('INSERT INTO t (name, n) VALUES (?, ?)').run(5, 5);
    assert.deepEqual(
      connection.prepare('SELECT name, typeof(name) AS type, n / 2 AS half, ? / 2 AS bound FROM t').get(5),
      {
        name: '5',
        type: 'text',
        half: 2,
        bound: 2,
      },
    );
    const types = connection.prepare('SELECT typeof(?) AS a, typeof(?) AS b, typeof(?) AS c, typeof(?) AS d');
    assert.deepEqual(types.get(2 ** 40, 5.5, -0, 2 ** 53), { a: 'integer', b: 'real', c: 'real', d: 'real' });
  });

  it('refuses a bigint beyond 64 bits and NaN', () => {
    const insert = connection.prepare('INSERT INTO t (n) VALUES (?)');
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, Number.NaN]) {
      assert.throws(() => insert.run(value), InvalidInputError);
    }
    insert.run(2n ** 63n - 1n);
    assert.equal(connection.prepare('SELECT CAST(n AS TEXT) AS n FROM t').get()?.n, '9223372036854775807');
  });

  it('binds undefined as NULL and refuses a Date and other objects', () => {
    const insert = connection.prepare('INSERT INTO t (name) VALUES (?)');
    insert.run(undefined);
    assert.deepEqual(connection.prepare('SELECT name FROM t').all(), [{ name: null }]);
    for (const value of [new Date(), {}, [], new Map(), Symbol('s'), () => 1])
      assert.throws(() => insert.run(value), TypeError);
    assert.equal(connection.prepare('SELECT * FROM t').all().length, 1);
  });

  it('stores text exactly or refuses it: NUL, 10 MB, astral, lone surrogates', () => {
    const insert = connection.prepare('INSERT INTO t (name) VALUES (?)');
    const last = connection.prepare('SELECT name FROM t ORDER BY id DESC LIMIT 1');
    for (const value of ['a\0b', '\0', '😀é\u{10FFFF}', 'x'.repeat(10_000_000), "'; DROP TABLE t; --", '']) {
      insert.run(value);
      assert.equal(last.get()?.name, value);
    }
    assert.throws(() => insert.run('\ud800'), InvalidInputError);
    assert.throws(() => insert.run('a\udc00'), InvalidInputError);
  });

  it('gives [] from all() on a statement without rows', () => {
    assert.deepEqual(connection.prepare('PRAGMA user_version = 0').all(), []);
    assert.deepEqual(connection.prepare("INSERT INTO t (name) VALUES ('a')").all(), []);
    assert.equal(connection.prepare("INSERT INTO t (name) VALUES ('b')").get(), undefined);
    assert.deepEqual(connection.prepare("INSERT INTO t (name) VALUES ('c')").values(), []);
    assert.equal(connection.prepare('SELECT count(*) AS n FROM t').get()?.n, 3);
    assert.deepEqual(connection.prepare("INSERT INTO t (name) VALUES ('d') RETURNING name").all(), [{ name: 'd' }]);
  });

  it('refuses to write while rows are read one by one, and takes reads', () => {
    connection.exec("INSERT INTO t (name) VALUES ('a'), ('b')");
    const seen: unknown[] = [];
    for (const row of connection.prepare('SELECT name FROM t').iterate()) {
      seen.push(row);
      assert.throws(() => connection.exec("INSERT INTO t (name) VALUES ('c')"), { code: 'ITERATING' });
      assert.throws(() => connection.prepare('DELETE FROM t').run(), { code: 'ITERATING' });
      assert.throws(() => connection.prepare('DELETE FROM t RETURNING id').all(), { code: 'ITERATING' });
      assert.equal(connection.prepare('SELECT count(*) AS n FROM t').get()?.n, 2);
    }
    assert.deepEqual(seen, [{ name: 'a' }, { name: 'b' }]);
    for (const _ of connection.prepare('SELECT name FROM t').iterate()) break;
    assert.equal(connection.prepare('DELETE FROM t').run().changes, 2);
  });

  it('refuses every path that a driver would take for another one, and creates nothing', () => {
    const before = readdirSync(folder.path);
    for (const path of [
      '',
      '~',
      '~/x.db',
      'file:x.db',
      `${folder.path}/a\0b.db`,
      `${folder.file('space.db')} `,
      `${folder.file('tab.db')}\t`,
      ':other:',
      null,
      5,
      {},
    ]) {
      assert.throws(() => createDb(path as string), InvalidInputError, `path ${JSON.stringify(path)}`);
    }
    assert.deepEqual(readdirSync(folder.path), before);
    assert.deepEqual(
      readdirSync('.').filter((name) => name === '' || name.startsWith('~') || name.startsWith('file:')),
      [],
    );
  });

  it('is closed at the end of a process that never closed it', () => {
    const file = folder.file('exit.db');
    for (const end of ['', 'process.exit(0)', 'throw new Error("uncaught")']) {
      const [command, ...args] = runtimeCommand('test/contract/fixtures/leave-open.ts');
      spawnSync(command, [...args, file, end], { cwd: ROOT, stdio: 'ignore' });
      assert.deepEqual(
        readdirSync(folder.path).filter((name) => name.startsWith('exit.db')),
        ['exit.db'],
        end,
      );
    }
    using left = createDb(file);
    assert.equal(left.select().from(rateLimitBuckets).all().length, 3);
  });
});
