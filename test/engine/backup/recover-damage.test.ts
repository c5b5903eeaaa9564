import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createDb, type RecoverReport, recover } from '#entry';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { Connection as Opened } from '../../../src/engine/connection/connection.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { adapter } from '../migrations/support.ts';
import { fatten, SLOW_DISK_MS } from './support.ts';

const PAGE = 4096;

interface PageOf {
  readonly page: number;
  readonly rows: number;
}

/** The pages of a table by their kind, in the order of the table. */
function pagesOf(db: Connection, table: string, kind: 'leaf' | 'internal' | 'overflow'): PageOf[] {
  return db
    .prepare<PageOf>('SELECT pageno AS page, ncell AS rows FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path')
    .all(table, kind);
}

const rowsOf = (pages: readonly PageOf[]) => pages.reduce((sum, { rows }) => sum + rows, 0);

function overwrite(file: string, pages: readonly PageOf[], byte = 0xff): void {
  const bytes = readFileSync(file);
  for (const { page } of pages) bytes.fill(byte, (page - 1) * PAGE, page * PAGE);
  writeFileSync(file, bytes);
}

/** Every row of a table as text, in its order. */
function rowsIn(file: string, table: string): string[] {
  using db = new Opened(adapter, file, { readonly: true });
  return db
    .prepare(`SELECT * FROM ${table}`)
    .values()
    .map((row) => JSON.stringify(row));
}

/** Recovers by tables, on whatever machine. */
async function recoverTables(from: string, to: string): Promise<RecoverReport> {
  const path = process.env.PATH;
  process.env.PATH = '/nonexistent';
  try {
    return await recover({ from, to });
  } finally {
    process.env.PATH = path;
  }
}

/** Some forty leaves under one root. */
const COUNT = 15_000;

const SHAPES = {
  'by rowid': 'CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)',
  'by rowid, with an index': 'CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT UNIQUE)',
  'without rowids': 'CREATE TABLE t (key TEXT PRIMARY KEY, text TEXT) WITHOUT ROWID',
  'without rowids, backwards': 'CREATE TABLE t (a TEXT, b INTEGER, PRIMARY KEY (a DESC, b)) WITHOUT ROWID',
} as const;

/** A current file with one more table. */
function populated(file: string, shape: keyof typeof SHAPES, rows = COUNT): void {
  using db = createDb(file);
  db.$client.exec(SHAPES[shape]);
  const insert = db.$client.prepare(
    `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ?)
     INSERT INTO t SELECT ${shape.startsWith('by rowid') ? 'i' : "printf('key-%06d', i)"}, i FROM n`,
  );
  insert.run(rows);
}

const isLost = <T>(all: readonly T[], saved: readonly T[]) => all.length - new Set(saved).size;

const PLACES: Record<string, (leaves: readonly PageOf[]) => readonly PageOf[]> = {
  'the first leaf': (leaves) => leaves.slice(0, 1),
  'a quarter at the beginning': (leaves) => leaves.slice(0, Math.floor(leaves.length / 4)),
  'one leaf in the middle': (leaves) => leaves.slice(leaves.length >> 1, (leaves.length >> 1) + 1),
  'a fifth in the middle': (leaves) => leaves.slice(Math.floor(leaves.length * 0.4), Math.floor(leaves.length * 0.6)),
  'a third at the end': (leaves) => leaves.slice(-Math.floor(leaves.length / 3)),
  'every seventh leaf': (leaves) => leaves.filter((_, i) => i % 7 === 3),
  'every leaf but one': (leaves) => leaves.filter((_, i) => i !== 5),
};

describe(`recover around damaged pages on ${RUNTIME}`, () => {
  for (const shape of Object.keys(SHAPES) as (keyof typeof SHAPES)[]) {
    it(`gives back every row of every readable page of a table ${shape}`, { timeout: 4 * SLOW_DISK_MS }, async () => {
      using folder = temporaryFolder();
      const original = folder.file('original.db');
      populated(original, shape);
      const whole = rowsIn(original, 't');
      using db = createDb(original);
      db.$client.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      const leaves = pagesOf(db.$client, 't', 'leaf');
      db.$client.close();
      for (const [place, choose] of Object.entries(PLACES)) {
        const damaged = folder.file('damaged.db');
        writeFileSync(damaged, readFileSync(original));
        const bad = choose(leaves);
        overwrite(damaged, bad);
        const report = await recoverTables(damaged, folder.file(`${place}.db`));
        const saved = rowsIn(report.to, 't');
        assert.equal(isLost(whole, saved), rowsOf(bad), place);
        assert.equal(new Set(saved).size, saved.length, place);
        const known = new Set(whole);
        assert.ok(
          saved.every((row) => known.has(row)),
          place,
        );
        assert.deepEqual(report.unreadable, { t: shape === 'by rowid, with an index' ? rowsOf(bad) : null }, place);
        assert.deepEqual([report.refused, report.damage, report.isRestorable], [{}, [], true], place);
      }
    });
  }

  it('loses with an interior page what only that leads to, and an empty or whole table never', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    for (const shape of ['by rowid', 'without rowids'] as const) {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      populated(file, shape, 300_000);
      using db = createDb(file);
      const interior = pagesOf(db.$client, 't', 'internal');
      assert.ok(interior.length > 2);
      const [, bad] = interior;
      const below = db.$client
        .prepare<{ n: number }>(
          `SELECT coalesce(sum(ncell), 0) AS n FROM dbstat WHERE name = 't' AND pagetype IN ('leaf', 'internal')
           AND path GLOB (SELECT path FROM dbstat WHERE name = 't' AND pageno = ?) || '*'
           AND (pagetype = 'leaf' OR ?)`,
        )
        .get(bad?.page ?? 0, shape === 'by rowid' ? 0 : 1)?.n;
      db.$client.close();
      overwrite(file, bad ? [bad] : []);
      const { rows, isRestorable } = await recoverTables(file, folder.file('saved.db'));
      assert.deepEqual([rows.t, isRestorable], [300_000 - (below ?? 0), true], shape);
    }
  });

  it('loses with a chain of overflow pages only the row that it is of', { timeout: SLOW_DISK_MS }, async () => {
    for (const shape of ['by rowid', 'without rowids'] as const) {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      populated(file, shape, 100);
      using db = createDb(file);
      db.$client.exec("UPDATE t SET text = printf('%09000d', text)");
      db.$client.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      const chains = pagesOf(db.$client, 't', 'overflow');
      db.$client.close();
      const whole = rowsIn(file, 't');
      // The first page of the first chain of a leaf is overwritten, so that its next page is not in the file.
      const [bad] = chains;
      overwrite(file, bad ? [bad] : []);
      const report = await recoverTables(file, folder.file('saved.db'));
      assert.equal(isLost(whole, rowsIn(report.to, 't')), 1, shape);
      assert.equal(report.isRestorable, true);
    }
  });

  it('gives back every row without the ledger of migrations, and says that it cannot be restored', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    populated(file, 'by rowid, with an index', 1000);
    using db = createDb(file);
    const ledger = pagesOf(db.$client, '__drizzle_migrations', 'leaf');
    db.$client.close();
    assert.equal(ledger.length, 1);
    overwrite(file, ledger);
    const report = await recoverTables(file, folder.file('saved.db'));
    assert.deepEqual(
      [report.rows.t, report.isRestorable, report.unreadable],
      [1000, false, { __drizzle_migrations: ledger[0]?.rows }],
    );
    assert.equal(report.migration, undefined);
  });

  it('gives back the rows of a file of another program, with its search tables', {
    timeout: SLOW_DISK_MS,
  }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('other.db');
    writeFileSync(file, '');
    using other = new Opened(adapter, file);
    other.exec(`CREATE VIRTUAL TABLE words USING fts5(text); INSERT INTO words(rowid, text) VALUES (7, 'seven'), (9, 'nine');
      CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT); INSERT INTO notes VALUES (1, 'one')`);
    other.close();
    const report = await recoverTables(file, folder.file('saved.db'));
    assert.deepEqual([report.rows, report.isRestorable, report.damage], [{ notes: 1, words: 2 }, false, []]);
    using saved = new Opened(adapter, report.to, { readonly: true });
    assert.deepEqual(saved.prepare("SELECT rowid FROM words WHERE words MATCH 'nine'").values(), [[9]]);
  });

  it('counts messages again of which it lost some', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    fatten(db, 1);
    const [bad] = pagesOf(db.$client, 'relay_index', 'leaf').slice(4);
    db.$client.close();
    overwrite(file, bad ? [bad] : []);
    const { to, rows } = await recoverTables(file, folder.file('saved.db'));
    assert.equal(rows.relay_index, 1000 - (bad?.rows ?? 0));
    using saved = new Opened(adapter, to, { readonly: true });
    assert.deepEqual(saved.prepare('SELECT pending, delivered, failed FROM relay_counts').values(), [
      [0, rows.relay_index, 0],
    ]);
  });

  it('reads a table whose pages lead in a circle', { timeout: SLOW_DISK_MS }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    populated(file, 'by rowid', 20_000);
    using db = createDb(file);
    const [root] = pagesOf(db.$client, 't', 'internal');
    const leaves = pagesOf(db.$client, 't', 'leaf');
    db.$client.close();
    const bytes = readFileSync(file);
    // The right-most child of the root is the root.
    const page = root?.page ?? 0;
    bytes.writeUInt32BE(page, (page - 1) * PAGE + 8);
    writeFileSync(file, bytes);
    const { rows } = await recoverTables(file, folder.file('saved.db'));
    assert.equal(rows.t, 20_000 - (leaves.at(-1)?.rows ?? 0));
  });
});
