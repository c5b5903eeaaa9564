/** Statistics, gathered one index at a time: the same as SQLite's own, and others can write in between. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { checkpoint, createDb, type Db, optimize } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';

/** Tables of every form that has its own statistics. */
const TABLES = `
  CREATE TABLE none (a); CREATE TABLE one (a TEXT PRIMARY KEY, b); CREATE INDEX one_b ON one (b);
  CREATE INDEX one_part ON one (b) WHERE b > 3; CREATE TABLE empty (a UNIQUE);
  CREATE TABLE part (a, b); CREATE INDEX part_b ON part (b) WHERE b > 3; CREATE INDEX part_a ON part (a) WHERE a IS NULL;
  CREATE TABLE bare (a PRIMARY KEY, b) WITHOUT ROWID; CREATE INDEX bare_b ON bare (b);
  CREATE TABLE "a ""quoted"" one's.name" ("a b" UNIQUE, c); CREATE INDEX "an ""index" ON "a ""quoted"" one's.name" (c);
`;

function fill({ $client }: Db): void {
  $client.exec(TABLES);
  const each = 'WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 500) SELECT';
  $client.exec(`INSERT INTO none ${each} n FROM i; INSERT INTO one ${each} 'k' || n, n % 7 FROM i;
    INSERT INTO part ${each} n, n % 5 FROM i; INSERT INTO bare ${each} n, n % 3 FROM i;
    INSERT INTO "a ""quoted"" one's.name" ${each} n, n % 2 FROM i`);
}

const statisticsOf = ({ $client }: Db) =>
  $client.prepare('SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx').all();

describe(`statistics on ${RUNTIME}`, () => {
  it('are those that PRAGMA optimize gathers, of tables of every form, and leave the limit as it was', () => {
    using folder = temporaryFolder();
    const [ours, plain] = [folder.file('ours.db'), folder.file('plain.db')];
    using db = createDb(ours);
    fill(db);
    checkpoint(db);
    copyFileSync(ours, plain);
    using other = createDb(plain);
    other.$client.pragma('optimize(0x10012)');
    db.$client.pragma('analysis_limit = 321');
    optimize(db);
    assert.equal(db.$client.pragma('analysis_limit', { simple: true }), 321);
    assert.deepEqual(statisticsOf(db), statisticsOf(other));
    assert.ok(statisticsOf(db).length > 8);
    assert.deepEqual(optimize(db).analyzed, []);
  });

  it('are gathered in a transaction too', () => {
    using db = createDb(':memory:');
    fill(db);
    db.transaction(() => optimize(db));
    assert.ok(statisticsOf(db).length > 8);
  });

  it('leave the write lock free before each index', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    fill(db);
    using other = createDb(folder.file('dork.db'), { busyTimeoutMs: 0 });
    const { $client } = db;
    const exec = $client.exec.bind($client);
    let written = 0;
    $client.exec = (sql) => {
      if (sql.startsWith('ANALYZE')) {
        other.$client.exec('INSERT INTO none VALUES (0)');
        written++;
      }
      exec(sql);
    };
    optimize(db);
    assert.ok(written > 8, `${written}`);
  });
});
