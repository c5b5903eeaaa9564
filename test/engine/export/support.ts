import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AnyDb, defineDb } from '#entry';
import { historyOf, migration } from '../migrations/support.ts';

/** Tables of every kind: typed and not, with and without rowids, generated columns, searches, triggers, odd names. */
const SQL = [
  'CREATE TABLE anything (id INTEGER PRIMARY KEY AUTOINCREMENT, value, r REAL, i INTEGER, t TEXT, n NUMERIC)',
  'CREATE TABLE strict_one (k TEXT PRIMARY KEY NOT NULL, v ANY) STRICT, WITHOUT ROWID',
  'CREATE TABLE "odd/näme ""x""" (rowid TEXT, "__proto__" TEXT, "a b" TEXT GENERATED ALWAYS AS (rowid || \'!\') VIRTUAL, kept TEXT AS (rowid) STORED)',
  'CREATE TABLE pairs (a INTEGER NOT NULL, b BLOB NOT NULL, c TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID',
  'CREATE INDEX pairs_all ON pairs (c, a, b)',
  "CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT CHECK (body <> 'no'))",
  "CREATE VIRTUAL TABLE notes_fts USING fts5(body, content='notes', content_rowid='id')",
  'CREATE VIRTUAL TABLE own_fts USING fts5(title, body)',
  'CREATE TABLE counted (what TEXT PRIMARY KEY, n INTEGER)',
  "INSERT INTO counted VALUES ('notes', 0)",
  'CREATE TRIGGER notes_ai AFTER INSERT ON notes BEGIN INSERT INTO notes_fts(rowid, body) VALUES (new.id, new.body); UPDATE counted SET n = n + 1; END',
  'CREATE VIEW long_notes AS SELECT * FROM notes WHERE length(body) > 3',
  'CREATE TABLE children (id INTEGER PRIMARY KEY, note INTEGER REFERENCES notes(id))',
];
const LATER = [
  "ALTER TABLE notes ADD COLUMN tone TEXT NOT NULL DEFAULT 'plain'",
  'CREATE TABLE later (id INTEGER PRIMARY KEY)',
];

/** The database, with its first migration or with both. */
export const kinds = (count = 2) =>
  defineDb({
    name: 'kinds',
    schema: {},
    history: historyOf(...[migration('0000_kinds', ...SQL), migration('0001_later', ...LATER)].slice(0, count)),
  });

/** Values that SQLite holds, as SQL, so that no driver changes them on their way in. */
export const VALUES = [
  'NULL',
  '0',
  '-1',
  '9007199254740991',
  '9007199254740992',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '5.0',
  '-0.0',
  '0.1',
  '1e300',
  '9007199254740992.0',
  '5e-324',
  '1.7976931348623157e308',
  '9e999',
  '-9e999',
  "''",
  "'plain'",
  '\'{"$int":"5"}\'',
  "'7'",
  "x''",
  "x'00ff80'",
  "CAST(x'ff' AS TEXT)",
  "CAST(x'eda080' AS TEXT)",
  "CAST(x'f09f98' AS TEXT)",
  "CAST(x'efbbbf41' AS TEXT)",
  "CAST(x'410042' AS TEXT)",
  "'\ufffd is a sign, too'",
  "'line\nfeed\u2028\u0001'",
  "'😀'",
];

/** Fills the tables. */
export function fillKinds(db: AnyDb, notes = 40): void {
  const { $client: client } = db;
  client.exec(`INSERT INTO anything (value, r, i, t, n) VALUES ${VALUES.map((v) => `(${v}, ${v}, ${v}, ${v}, ${v})`)}`);
  client.exec(
    'DELETE FROM anything WHERE id = 1; INSERT INTO anything (id) VALUES (900); DELETE FROM anything WHERE id = 900',
  );
  client.exec(`INSERT INTO strict_one VALUES ${VALUES.map((v, i) => `('k${i}', ${v})`)}`);
  client.exec(
    `INSERT INTO "odd/näme ""x""" (rowid, "__proto__") VALUES ('z', 'a'), ('y', NULL), (NULL, 'x'), ('z', 'a')`,
  );
  client.exec(
    "INSERT INTO pairs VALUES (2, x'01', NULL), (1, x'01', 'b'), (9, x'00', 'a'), (5, x'ff', CAST(x'fe' AS TEXT))",
  );
  const note = client.prepare('INSERT INTO notes (id, body) VALUES (?, ?)');
  db.$client.runTransaction(() => {
    for (let i = 1; i <= notes; i++) note.run(i * 3, `word${i} common`);
  });
  client.exec(
    "PRAGMA ignore_check_constraints = ON; INSERT INTO notes (id, body) VALUES (1, 'no'); PRAGMA ignore_check_constraints = OFF",
  );
  client.exec("INSERT INTO own_fts (rowid, title, body) VALUES (7, 'seven', 'here'), (3, 'three', NULL)");
  client.exec(
    'INSERT INTO children VALUES (1, 3), (2, NULL); PRAGMA foreign_keys = OFF; INSERT INTO children VALUES (3, 99999); PRAGMA foreign_keys = ON',
  );
}

/** Every value of a database as SQLite shows it: type and bytes, in the tables' own order. */
export function contentOf(db: AnyDb): Record<string, unknown> {
  const { $client: client } = db;
  const tables = client
    .prepare<{ name: string; wr: number }>(
      "SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT GLOB '__*' AND name NOT GLOB 'sqlite_stat*' ORDER BY name",
    )
    .all()
    .filter(({ name }) => name !== 'sqlite_schema');
  return Object.fromEntries(
    tables.map(({ name }) => {
      const table = `"${name.replaceAll('"', '""')}"`;
      const columns = client
        .prepare<{ name: string }>('SELECT name FROM pragma_table_xinfo(?) WHERE hidden <> 1')
        .all(name);
      const cells = columns.map(({ name: column }) => `"${column.replaceAll('"', '""')}"`);
      // quote() writes reals with 15 digits.
      const shown = cells.map(
        (c) =>
          `typeof(${c}) || ' ' || CASE typeof(${c}) WHEN 'real' THEN printf('%!.26g', ${c}) ELSE coalesce(hex(${c}), '') END`,
      );
      return [name, client.prepare(`SELECT ${shown.join(', ')} FROM ${table}`).values()];
    }),
  );
}

/** The files of a folder, with their texts. */
export function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'latin1')]));
}
