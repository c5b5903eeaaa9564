/** What tables of hosts are and have beyond Drizzle's description: it works, and no rebuild takes it away unasked. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { type AllowLoss, ConstraintError, defineDb, MigrationError } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { historyOf, migration } from '../migrations/support.ts';

const notes = sqliteTable('notes', {
  id: integer('id').primaryKey(),
  title: text('title').notNull(),
  stars: integer('stars').notNull().default(0),
  letters: integer('letters').generatedAlwaysAs(sql`length(title)`, { mode: 'virtual' }),
  shout: text('shout').generatedAlwaysAs(sql`upper(title)`, { mode: 'stored' }),
});
const words = sqliteTable('words', { word: text('word').primaryKey(), count: integer('count').notNull() });

const COLUMNS = `id integer PRIMARY KEY NOT NULL, title text NOT NULL, stars integer DEFAULT 0 NOT NULL,
  letters integer GENERATED ALWAYS AS (length(title)) VIRTUAL, shout text GENERATED ALWAYS AS (upper(title)) STORED`;
const SEARCH = [
  "CREATE VIRTUAL TABLE notes_fts USING fts5(title, content='notes', content_rowid='id')",
  'CREATE TRIGGER notes_in AFTER INSERT ON notes BEGIN INSERT INTO notes_fts(rowid, title) VALUES (new.id, new.title); END',
  "CREATE TRIGGER notes_out AFTER DELETE ON notes BEGIN INSERT INTO notes_fts(notes_fts, rowid, title) VALUES ('delete', old.id, old.title); END",
];
const ALL = migration(
  '0000_all',
  `CREATE TABLE notes (${COLUMNS}) STRICT`,
  'CREATE TABLE words (word text PRIMARY KEY NOT NULL, count integer NOT NULL) STRICT, WITHOUT ROWID',
  'CREATE TABLE tags (note_id integer NOT NULL REFERENCES notes(id) ON DELETE CASCADE, tag text NOT NULL)',
  ...SEARCH,
  'CREATE TRIGGER count_words AFTER INSERT ON notes BEGIN INSERT INTO words VALUES (new.title, 1) ON CONFLICT DO UPDATE SET count = count + 1; END',
  'CREATE VIEW starred AS SELECT id, title FROM notes WHERE stars > 0',
  'CREATE TRIGGER star INSTEAD OF INSERT ON starred BEGIN INSERT INTO notes (id, title, stars) VALUES (new.id, new.title, 1); END',
  'CREATE UNIQUE INDEX notes_title ON notes (lower(title))',
  'CREATE INDEX notes_stars ON notes (stars) WHERE stars > 0',
);
const kit = defineDb({ name: 'notes', schema: { notes, words }, history: historyOf(ALL) });

/** Everything that shows whether a feature works. */
function check(file: string, count: number): void {
  using db = kit.createDb(file);
  const all = db.select().from(notes).orderBy(notes.id).all();
  assert.deepEqual(all[0], { id: 1, title: 'Milk', stars: 0, letters: 4, shout: 'MILK' });
  assert.equal(all.length, count);
  const values = (query: string) => db.$client.prepare(query).values().flat();
  assert.deepEqual(values("SELECT rowid FROM notes_fts WHERE notes_fts MATCH 'milk'"), [1]);
  assert.deepEqual(values('SELECT title FROM starred'), ['Bread']);
  assert.deepEqual(values("SELECT count FROM words WHERE word = 'Milk'"), [1]);
  assert.deepEqual(values('SELECT count(*) FROM tags'), [1]);
  assert.deepEqual(
    values("SELECT name || strict || wr FROM pragma_table_list WHERE name IN ('notes', 'words') ORDER BY 1"),
    ['notes10', 'words11'],
  );
  for (const insert of ["(9, 'MILK', 0)", "(9, 'x', 'many')"]) {
    assert.throws(() => db.$client.exec(`INSERT INTO notes (id, title, stars) VALUES ${insert}`), ConstraintError);
  }
  const plan = db.$client.prepare('EXPLAIN QUERY PLAN SELECT id FROM notes WHERE stars > 0').all();
  assert.match(JSON.stringify(plan), /INDEX notes_stars/);
  assert.deepEqual(
    kit.health(db, { deep: true }).findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.deepEqual(kit.migrationStatus(db).drift, []);
}

function fill(file: string): void {
  using db = kit.createDb(file);
  db.insert(notes).values({ id: 1, title: 'Milk' }).run();
  db.$client.exec("INSERT INTO starred VALUES (2, 'Bread'); INSERT INTO tags VALUES (1, 'home')");
}

describe(`features of a host's tables, on ${RUNTIME}`, () => {
  it('work after a backup, a restore, a compaction, an export and a recovery', async () => {
    using folder = temporaryFolder();
    const file = folder.file('notes.db');
    fill(file);
    check(file, 2);
    {
      using db = kit.createDb(file);
      await kit.backup(db, { to: folder.file('copy.db'), deep: true });
      await kit.exportDb(db, { to: folder.file('export') });
      db.$client.exec('DELETE FROM notes');
    }
    await kit.restore({ from: folder.file('copy.db'), to: file });
    check(file, 2);
    kit.compact(file);
    check(file, 2);
    await kit.importExport({ from: folder.file('export'), to: folder.file('imported.db') });
    check(folder.file('imported.db'), 2);
    const saved = await kit.recover({ from: file, to: folder.file('saved.db') });
    assert.ok(saved.isRestorable, JSON.stringify(saved));
    check(folder.file('saved.db'), 2);
  });

  const BASE = 'id integer PRIMARY KEY NOT NULL, title text NOT NULL, stars integer';
  const REBUILD = [
    'PRAGMA foreign_keys=OFF',
    'CREATE TABLE `__new_notes` (`id` integer PRIMARY KEY NOT NULL, `title` text, `stars` integer)',
    'INSERT INTO `__new_notes`("id", "title", "stars") SELECT "id", "title", "stars" FROM `notes`',
    'DROP TABLE `notes`',
    'ALTER TABLE `__new_notes` RENAME TO `notes`',
    'PRAGMA foreign_keys=ON',
  ];

  interface Case {
    /** The table before the rebuild, and what is next to it. */
    readonly table?: string;
    readonly objects?: readonly string[];
    readonly message: RegExp;
    readonly hint: RegExp;
    /** What the same migration says to keep the feature, before and after the rebuild. */
    readonly before?: readonly string[];
    readonly after?: readonly string[];
    /** How the new table keeps it. */
    readonly as?: string;
    /** The name that allows the loss, if it can be allowed. */
    readonly allow?: string;
  }
  const TRIGGER = 'CREATE TRIGGER loud AFTER INSERT ON notes BEGIN SELECT 1; END';
  const VIEW = 'CREATE VIEW titles AS SELECT title FROM notes';
  const OTHER =
    'CREATE TRIGGER tagged AFTER INSERT ON tags BEGIN UPDATE notes SET stars = 1 WHERE id = new.note_id; END';
  const cases: Record<string, Case> = {
    'a trigger': {
      objects: [TRIGGER],
      message: /the trigger loud/,
      hint: /Create loud again/,
      after: [TRIGGER],
      allow: 'loud',
    },
    'the triggers of a full text search': {
      objects: SEARCH,
      message: /the trigger notes_in .* the trigger notes_out/,
      hint: /Create notes_in, notes_out again/,
      after: SEARCH.slice(1),
    },
    'a view': {
      objects: [VIEW],
      message: /error in view titles/,
      hint: /^DROP the view titles at the beginning of the migration, and create it again/,
      before: ['DROP VIEW titles'],
      after: [VIEW],
    },
    'a trigger of another table that names it': {
      objects: [OTHER],
      message: /error in trigger tagged/,
      hint: /^DROP the trigger tagged at the beginning/,
      before: ['DROP TRIGGER tagged'],
      after: [OTHER],
    },
    STRICT: {
      table: `(${BASE}) STRICT`,
      message: /rebuilds notes, and the new table lacks STRICT/,
      hint: /-- allow-loss: notes STRICT/,
      as: '(id integer PRIMARY KEY NOT NULL, title text, stars integer) STRICT',
      allow: 'notes STRICT',
    },
    'WITHOUT ROWID': {
      table: `(${BASE}) WITHOUT ROWID`,
      message: /the new table lacks WITHOUT ROWID/,
      hint: /allowLoss: \{"0001_rebuild":\["notes WITHOUT ROWID"\]\}/,
      as: '(id integer PRIMARY KEY NOT NULL, title text, stars integer) WITHOUT ROWID',
      allow: 'notes WITHOUT ROWID',
    },
    'a generated column': {
      table: `(${BASE}, letters integer GENERATED ALWAYS AS (length(title)) VIRTUAL)`,
      message: /the new table lacks the generated column letters/,
      hint: /-- allow-loss: notes\.letters/,
      as: '(id integer PRIMARY KEY NOT NULL, title text, stars integer, letters integer AS (length(title)))',
      allow: 'notes.letters',
    },
    'a generated column that becomes an ordinary one': {
      table: `(${BASE}, letters integer GENERATED ALWAYS AS (length(title)) STORED)`,
      message: /the new table lacks the generated column letters/,
      hint: /-- allow-loss: notes\.letters/,
      as: '(id integer PRIMARY KEY NOT NULL, title text, stars integer, letters integer AS (length(title)) STORED)',
    },
  };

  for (const [what, each] of Object.entries(cases)) {
    it(`are not taken away by a rebuild unasked: ${what}`, () => {
      using folder = temporaryFolder();
      const file = folder.file('notes.db');
      const first = migration(
        '0000_first',
        `CREATE TABLE notes ${each.table ?? `(${BASE})`}`,
        'CREATE TABLE tags (note_id integer NOT NULL REFERENCES notes(id) ON DELETE CASCADE, tag text NOT NULL)',
        ...(each.objects ?? []),
      );
      const of = (statements?: readonly string[], allowLoss?: AllowLoss) =>
        defineDb({
          name: 'notes',
          schema: {},
          history: historyOf(first, ...(statements ? [migration('0001_rebuild', ...statements)] : [])),
          ...(allowLoss && { allowLoss }),
        });
      const rows = (db: ReturnType<ReturnType<typeof of>['createDb']>) =>
        db.$client.prepare('SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM tags)').values()[0];
      {
        using db = of().createDb(file);
        db.$client.exec("INSERT INTO notes (id, title, stars) VALUES (1, 'a', 1), (2, 'b', 2)");
        db.$client.exec("INSERT INTO tags VALUES (1, 'x'), (2, 'y')");
      }
      const before = readFileSync(file);
      // A new file is refused too: who tries the migration on one finds out before its users do.
      for (const path of [file, folder.file('new.db')]) {
        assert.throws(
          () => of(REBUILD).createDb(path),
          (error) => error instanceof MigrationError && each.message.test(error.message) && each.hint.test(error.hint),
        );
      }
      assert.deepEqual(readFileSync(file), before);
      const table = REBUILD.map((statement) =>
        each.as ? statement.replace(/(CREATE TABLE `__new_notes` ).*/, `$1${each.as}`) : statement,
      );
      {
        using copy = temporaryFolder();
        const kept = copy.file('notes.db');
        const keeping = of([...(each.before ?? []), ...table, ...(each.after ?? [])]);
        using opened = of().createDb(kept);
        opened.$client.exec("INSERT INTO notes (id, title, stars) VALUES (1, 'a', 1), (2, 'b', 2)");
        opened.$client.exec("INSERT INTO tags VALUES (1, 'x'), (2, 'y')");
        opened.$client.close();
        using db = keeping.createDb(kept);
        assert.deepEqual([rows(db), keeping.migrationStatus(db).drift], [[2, 2], []]);
      }
      if (each.allow === undefined) return;
      using db = of(REBUILD, { '0001_rebuild': [each.allow] }).createDb(file);
      assert.deepEqual(rows(db), [2, 2]);
    });
  }
});
