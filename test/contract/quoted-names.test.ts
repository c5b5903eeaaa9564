/** A double-quoted name that names nothing is an error on every driver, never the name as text. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Connection, createDb, type Db, rateLimitBuckets } from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { RUNTIME } from '../support/runtime.ts';

describe(`double-quoted names on ${RUNTIME}`, () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let db: Db;
  let connection: Connection;

  beforeEach(() => {
    folder = temporaryFolder();
    db = createDb(folder.file('dork.db'));
    connection = db.$client;
    connection.exec('CREATE TABLE "t" ("id" INTEGER PRIMARY KEY, "a b" TEXT, "q""q`q" TEXT)');
    connection.exec(`INSERT INTO "t" ("a b", "q""q\`q") VALUES ('x "y" \`z\`', '--"')`);
  });
  afterEach(() => {
    connection.close();
    folder[Symbol.dispose]();
  });

  it('name what they name', () => {
    const sql = 'SELECT "id", "a b", "q""q`q" AS "as ""said""" FROM "t" /* "c */ WHERE "t"."id" = ? -- "end';
    assert.deepEqual(connection.prepare(sql).get(1), { id: 1, 'a b': 'x "y" `z`', 'as "said"': '--"' });
    assert.deepEqual(connection.prepare('SELECT [id], `a b` FROM t WHERE "a b" LIKE \'x "y"%\'').values(), [
      [1, 'x "y" `z`'],
    ]);
  });

  it('leave the names of columns without an alias as they were written', () => {
    assert.deepEqual(connection.prepare('SELECT count("id"), max("a b") FROM "t"').get(), {
      'count("id")': 1,
      'max("a b")': 'x "y" `z`',
    });
  });

  it('are an error where they name nothing, in every kind of statement', () => {
    for (const sql of [
      'SELECT "gone" FROM "t"',
      'SELECT "gone"',
      'SELECT count("gone") FROM t',
      'INSERT INTO t ("a b") VALUES ("gone")',
      'INSERT INTO t ("a b") SELECT "gone" FROM t',
      'UPDATE t SET "a b" = "gone"',
      'DELETE FROM t WHERE "a b" <> "gone"',
      'CREATE TABLE copy AS SELECT "gone" FROM t',
      'CREATE TABLE u (a TEXT CHECK (a <> "gone"))',
      'CREATE INDEX i ON t ("gone")',
    ]) {
      assert.throws(() => connection.prepare(sql).run(), { code: 'SQLITE_ERROR', message: /gone/ }, sql);
      assert.throws(() => connection.exec(sql), { code: 'SQLITE_ERROR', message: /gone/ }, sql);
    }
    assert.equal(connection.prepare('SELECT count(*) AS n FROM t').get()?.n, 1);
  });

  it('are kept in the schema as they were written', () => {
    const statements = [
      'CREATE TABLE "k" ("a" TEXT DEFAULT "word", "b" INTEGER)',
      'CREATE INDEX "k_a" ON "k" ("a")',
      'CREATE VIEW "v" AS SELECT "a" FROM "k"',
      'CREATE TRIGGER "tr" AFTER INSERT ON "k" BEGIN UPDATE "k" SET "b" = 1; END',
    ];
    connection.exec(statements.join(';\n'));
    const kept = connection
      .prepare<{ sql: string }>("SELECT sql FROM sqlite_schema WHERE tbl_name IN ('k', 'v')")
      .all();
    assert.deepEqual(
      kept.map(({ sql }) => sql),
      statements,
    );
    connection.exec('ALTER TABLE "k" RENAME COLUMN "a" TO "c"');
    assert.match(
      String(connection.prepare("SELECT sql FROM sqlite_schema WHERE name = 'k'").get()?.sql),
      /^CREATE TABLE "k" \("c" TEXT DEFAULT "word"/,
    );
    connection.exec('INSERT INTO "k" DEFAULT VALUES');
    assert.deepEqual(connection.prepare('SELECT * FROM k').all(), [{ c: 'word', b: 1 }]);
  });

  it('apply the statements of a text up to the first that fails', () => {
    assert.throws(() =>
      connection.exec('INSERT INTO t ("id") VALUES (7); DELETE FROM t WHERE "gone" = 1; DROP TABLE t'),
    );
    assert.deepEqual(connection.prepare('SELECT "id" FROM "t"').values(), [[1], [7]]);
  });

  it('are an error in a prepared statement when another connection renames the column', () => {
    const raw = connection.prepare('SELECT "a b" FROM "t"');
    const drizzle = db.select().from(rateLimitBuckets).prepare();
    assert.equal(raw.all().length, 1);
    db.insert(rateLimitBuckets).values({ agentId: 'a', bucketMinute: 1, count: 1 }).run();
    assert.equal(drizzle.all().length, 1);
    using other = createDb(connection.filename);
    other.$client.exec('ALTER TABLE t RENAME COLUMN "a b" TO "c"');
    other.$client.exec('ALTER TABLE rate_limit_buckets RENAME COLUMN "agent_id" TO "renamed"');
    assert.throws(() => raw.all(), { code: 'SQLITE_ERROR' });
    assert.throws(() => drizzle.all(), { code: 'SQLITE_ERROR' });
    assert.throws(() => db.select().from(rateLimitBuckets).all(), { code: 'SQLITE_ERROR' });
  });

  it('are an error through a file that was opened with migrations: skip', () => {
    connection.exec('ALTER TABLE agents DROP COLUMN version');
    using skipped = createDb(connection.filename, { migrations: 'skip' });
    assert.throws(() => skipped.query.agents.findMany().sync(), { code: 'SQLITE_ERROR', message: /version/ });
  });
});
