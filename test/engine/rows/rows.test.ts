/** What can be said of any table without reading it whole, on real files of this driver. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { activity, approximateSizes, createDb, health, InvalidInputError, readRows } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { queryPlan } from '../../support/query-plan.ts';
import { RUNTIME } from '../../support/runtime.ts';

/** A file with tables of every kind: with rowids, without them, with a column that takes the name of the rowid. */
function tablesOfEveryKind() {
  const folder = temporaryFolder();
  const db = createDb(folder.file('dork.db'));
  db.$client.exec(`
    CREATE TABLE plain (id TEXT PRIMARY KEY, kind TEXT, at INTEGER, body);
    CREATE INDEX plain_kind ON plain (kind, at);
    CREATE INDEX plain_partial ON plain (at) WHERE at IS NOT NULL;
    CREATE TABLE keyed (a TEXT, b INTEGER, PRIMARY KEY (a, b)) WITHOUT ROWID;
    CREATE TABLE named (rowid TEXT, "_rowid_" TEXT);
    CREATE TABLE "odd ""name" ("a ""b" TEXT);
    INSERT INTO "odd ""name" VALUES ('x');
    INSERT INTO named VALUES ('r', '_'), ('s', '_');`);
  const insert = db.$client.prepare('INSERT INTO plain VALUES (?, ?, ?, ?)');
  const keyed = db.$client.prepare('INSERT INTO keyed VALUES (?, ?)');
  db.$client.runTransaction(() => {
    for (let i = 0; i < 1200; i++) {
      insert.run(`id${i}`, i % 3 === 0 ? 'third' : 'other', i, 'x'.repeat(50));
      keyed.run(`k${i % 7}`, i);
    }
  });
  return {
    db,
    folder,
    [Symbol.dispose]: () => {
      db.$client.close();
      folder[Symbol.dispose]();
    },
  };
}

/** Every page of a table, from the first to the last. */
function everyPage(db: Parameters<typeof readRows>[0], table: string, options: object = {}): string[][] {
  const rows: string[][] = [];
  for (let after: string | undefined; ; ) {
    const page = readRows(db, table, { limit: 7, ...options, after });
    rows.push(...page.rows.map((row) => row.map(({ text }) => text)));
    after = page.next;
    if (after === undefined) return rows;
  }
}

describe(`activity() on ${RUNTIME}`, () => {
  it('shows the rows that another connection adds, and its commits', () => {
    using files = tablesOfEveryKind();
    using reader = createDb(files.folder.file('dork.db'), { readonly: true });
    const before = activity(reader);
    files.db.$client.exec("INSERT INTO plain (id) VALUES ('a'), ('b')");
    const after = activity(reader);
    const rowid = (sample: typeof before, name: string) =>
      sample.tables.find((table) => table.name === name)?.lastRowid;
    assert.equal(Number(rowid(after, 'plain')) - Number(rowid(before, 'plain')), 2);
    assert.equal(rowid(after, 'keyed'), null);
    assert.equal(rowid(after, 'named'), 2);
    assert.equal(rowid(after, 'pulse_runs'), 0);
    assert.notEqual(after.dataVersion, before.dataVersion);
    assert.equal(after.checkpointBytes, 16384 * 4096);
    assert.equal(after.fileBytes, statSync(files.folder.file('dork.db')).size);
    assert.ok(after.walBytes > 0);
  });

  it('holds no read transaction afterwards: the -wal can begin again', () => {
    using files = tablesOfEveryKind();
    using reader = createDb(files.folder.file('dork.db'), { readonly: true });
    activity(reader);
    approximateSizes(reader);
    readRows(reader, 'plain');
    assert.equal(reader.$client.inTransaction, false);
    const [row] = files.db.$client.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    assert.equal(row?.busy, 0);
  });

  it('works in memory', () => {
    using db = createDb(':memory:');
    assert.equal(activity(db).fileBytes, 0);
  });
});

describe(`approximateSizes() on ${RUNTIME}`, () => {
  it('is within half of what every page shows, once there are statistics', () => {
    using files = tablesOfEveryKind();
    files.db.$client.exec('ANALYZE');
    const exact = new Map(health(files.db, { deep: 'quick' }).size?.objects?.map(({ name, bytes }) => [name, bytes]));
    for (const name of ['plain', 'plain_kind', 'keyed']) {
      const size = approximateSizes(files.db).find((each) => each.name === name) ?? assert.fail(name);
      const [about, real] = [Number(size.bytes), Number(exact.get(name))];
      assert.equal(size.rows, 1200);
      assert.equal(size.rowsFrom, 'statistics');
      assert.ok(about > real / 2 && about < real * 2, `${name}: about ${about}, really ${real}`);
    }
  });

  it('takes the greatest rowid without statistics, and claims nothing of a table without rowids', () => {
    using files = tablesOfEveryKind();
    const sizes = new Map(approximateSizes(files.db).map((size) => [size.name, size]));
    assert.deepEqual([sizes.get('plain')?.rows, sizes.get('plain')?.rowsFrom], [1200, 'rowid']);
    assert.deepEqual([sizes.get('keyed')?.rows, sizes.get('keyed')?.bytes], [null, null]);
  });
});

describe(`readRows() on ${RUNTIME}`, () => {
  it('gives every row once, newest first, page by page, of every kind of table', () => {
    using files = tablesOfEveryKind();
    const { db } = files;
    const all = (sql: string) =>
      db.$client
        .prepare(sql)
        .values()
        .map((row) => row.map(String));
    assert.deepEqual(everyPage(db, 'plain'), all('SELECT * FROM plain ORDER BY rowid DESC'));
    assert.deepEqual(everyPage(db, 'keyed'), all('SELECT * FROM keyed ORDER BY a DESC, b DESC'));
    assert.deepEqual(everyPage(db, 'named'), [
      ['s', '_'],
      ['r', '_'],
    ]);
    assert.deepEqual(everyPage(db, 'odd "name'), [['x']]);
    assert.deepEqual(
      everyPage(db, 'plain', { column: 'kind', value: 'third' }),
      all("SELECT * FROM plain WHERE kind = 'third' ORDER BY at DESC"),
    );
    assert.deepEqual(
      everyPage(db, 'plain', { column: 'id', value: 'id7' }).map(([id]) => id),
      ['id7'],
    );
    assert.deepEqual(readRows(db, 'plain').filters, ['id', 'kind']);
  });

  it('shows every value as it is: large integers, reals, blobs, NUL, halves of characters, a megabyte', () => {
    using files = tablesOfEveryKind();
    const { db } = files;
    db.$client.exec(`DELETE FROM plain;
      INSERT INTO plain (id, body) VALUES ('int', 9223372036854775807), ('real', 0.1), ('blob', x'00ff'), ('null', NULL),
        ('nul', 'a' || char(0) || 'b'), ('half', CAST(x'61eda0bd62' AS TEXT)), ('long', replace(hex(zeroblob(524288)), '0', 'é')),
        ('tag', '<script>alert(1)</script>')`);
    const cell = (id: string) => readRows(db, 'plain', { column: 'id', value: id }).rows[0]?.at(-1);
    assert.deepEqual(cell('int'), { type: 'integer', text: '9223372036854775807' });
    assert.deepEqual(cell('real'), { type: 'real', text: '0.1' });
    assert.deepEqual(cell('blob'), { type: 'blob', text: '00ff', bytes: 2 });
    assert.deepEqual(cell('null'), { type: 'null', text: '' });
    assert.deepEqual(cell('nul'), { type: 'text', text: 'a\0b', bytes: 3 });
    assert.match(cell('half')?.text ?? '', /^a\ufffd+b$/);
    assert.deepEqual(cell('long'), { type: 'text', text: 'é'.repeat(1024), bytes: 2 * 1048576, isCut: true });
    assert.equal(cell('tag')?.text, '<script>alert(1)</script>');
  });

  it('reads from the rowid or an index alone', () => {
    using files = tablesOfEveryKind();
    const asked = new Set<string>();
    files.db.$client.onPrepare((sql) => void asked.add(sql));
    const { next } = readRows(files.db, 'plain');
    readRows(files.db, 'plain', { after: next });
    readRows(files.db, 'plain', { column: 'kind', value: 'third' });
    readRows(files.db, 'keyed');
    activity(files.db);
    const plans = [...asked]
      .filter((sql) => /FROM "(plain|keyed)"/.test(sql))
      .flatMap((sql) => queryPlan(files.db.$client, sql));
    assert.ok(plans.length >= 5, plans.join('\n'));
    for (const plan of plans) assert.doesNotMatch(plan, /TEMP B-TREE/, plans.join('\n'));
  });

  it('refuses what is no table, no filter and no place, and names it', () => {
    using files = tablesOfEveryKind();
    const refused = (table: string, options: object, field: string) =>
      assert.throws(
        () => readRows(files.db, table, options),
        (error) => {
          return error instanceof InvalidInputError && error.field === field;
        },
      );
    refused('sqlite_schema', {}, 'table');
    refused('plain; DROP TABLE plain', {}, 'table');
    refused('plain', { limit: 0 }, 'options.limit');
    refused('plain', { limit: 501 }, 'options.limit');
    refused('plain', { column: 'body', value: 'x' }, 'options.column');
    refused('plain', { column: 'at', value: '1' }, 'options.column');
    refused('plain', { after: '1 OR 1' }, 'options.after');
    refused('plain', { after: 'o10001' }, 'options.after');
    refused('plain', { offset: 1 }, 'options.offset');
  });
});
