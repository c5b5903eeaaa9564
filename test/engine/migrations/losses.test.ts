import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { InvalidInputError } from '../../../src/engine/errors.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { fileWith, NOTES, NOTES_NEW, rebuild, refused, THREE, then } from './loss-support.ts';
import { count, FAMILY, fillFamily, historyOf, migration, open } from './support.ts';

function family(run: (connection: Connection) => void): void {
  using folder = temporaryFolder();
  using connection = open(folder.file('family.db'));
  migrate(connection, historyOf(FAMILY));
  fillFamily(connection);
  run(connection);
}

describe(`losses of migrations, on ${RUNTIME}`, () => {
  describe('a rebuild that forgets a column', () => {
    it('which is then NULL', () => {
      fileWith([NOTES], THREE, (connection, first) => {
        const lossy = migration('0001_forgets', ...rebuild('notes', NOTES_NEW, 'id, state, n'));
        const { hint } = refused(connection, then(first, lossy), /0 of the 2 values of its column body/);
        assert.match(hint, /-- allow-loss: notes/);
        assert.equal(count(connection, 'notes WHERE body IS NOT NULL'), 2);
      });
    });

    it('which is then its default everywhere', () => {
      fileWith([NOTES], THREE, (connection, first) => {
        const lossy = migration('0001_forgets', ...rebuild('notes', NOTES_NEW, 'id, body, n'));
        refused(connection, then(first, lossy), /0 of the 3 values of its column state/);
      });
      fileWith([NOTES], "INSERT INTO notes VALUES (1, 'a', 'done', 1)", (connection, first) => {
        const lossy = migration('0001_forgets', ...rebuild('notes', NOTES_NEW, 'id, body, n'));
        refused(connection, then(first, lossy), /0 of the 1 values of its column state/);
      });
    });

    it('and renames the old table out of the way first', () => {
      fileWith([NOTES], THREE, (connection, first) => {
        const lossy = migration(
          '0001_forgets',
          'ALTER TABLE notes RENAME TO old_notes',
          NOTES,
          'INSERT INTO notes (id, state, n) SELECT id, state, n FROM old_notes',
          'DROP TABLE old_notes',
        );
        refused(connection, then(first, lossy), /0 of the 2 values of its column body/);
      });
    });

    it('in the last of several rebuilds of one run, whatever changed the values between them', () => {
      const good = migration('0001_same', ...rebuild('notes', NOTES_NEW, 'id, body, state, n'));
      const lossy = migration('0003_forgets', ...rebuild('notes', NOTES_NEW, 'id, body, state'));
      const between = {
        'nothing of it': 'CREATE TABLE other (id integer)',
        'all of them': 'UPDATE notes SET n = 7',
        'another table': 'DROP TABLE IF EXISTS other',
      };
      for (const [what, sql] of Object.entries(between)) {
        fileWith([NOTES], THREE, (connection, first) => {
          const had = what === 'all of them' ? 3 : 1;
          const wanted = new RegExp(`0003_forgets .*0 of the ${had} values of its column n`);
          refused(connection, then(first, good, migration('0002_between', sql), lossy), wanted);
        });
      }
    });

    it('but not one that copies every column, turns texts into numbers, drops a column or is allowed to', () => {
      const rebuilds = [
        rebuild('notes', NOTES_NEW, 'id, body, state, n'),
        rebuild('notes', 'id integer PRIMARY KEY, state text, n integer', 'id, state, n'),
        rebuild(
          'notes',
          'id integer PRIMARY KEY, body text, state integer NOT NULL DEFAULT 0, n integer',
          'id, body, state, n',
          "id, body, state = 'done', n",
        ),
        ['-- allow-loss: notes\nSELECT 1', ...rebuild('notes', NOTES_NEW, 'id, state, n')],
      ];
      for (const statements of rebuilds) {
        fileWith([NOTES], THREE, (connection, first) => {
          migrate(connection, then(first, migration('0001_again', ...statements)));
          assert.equal(count(connection, 'notes'), 3);
        });
      }
    });
  });

  it('keeps the last id of an AUTOINCREMENT table over a rebuild, also of one that is empty now', () => {
    for (const left of [2, 0]) {
      const table = 'id integer PRIMARY KEY AUTOINCREMENT, body text';
      const fill = `INSERT INTO notes (body) VALUES ('a'), ('b'), ('c'); DELETE FROM notes WHERE id > ${left}`;
      fileWith([`CREATE TABLE notes (${table})`], fill, (connection, first) => {
        migrate(
          connection,
          then(first, migration('0001_again', ...rebuild('notes', `${table}, n integer`, 'id, body'))),
        );
        connection.exec("INSERT INTO notes (body) VALUES ('d')");
        assert.deepEqual(connection.prepare('SELECT max(id) AS id FROM notes').get(), { id: 4 });
        assert.equal(count(connection, 'sqlite_sequence'), 1);
      });
    }
  });

  it('takes -- allow-loss for a comment only where SQL does', () => {
    const notComments = [
      "INSERT INTO children (parent_id, note) VALUES ('p0', '\n-- allow-loss: children\n')",
      '/*\n-- allow-loss: children\n*/ SELECT 1',
      'SELECT 1 AS "\n-- allow-loss: children\n"',
    ];
    for (const sql of notComments) {
      family((connection) => {
        const lossy = migration('0001_lossy', sql, 'DELETE FROM children');
        refused(connection, historyOf(FAMILY, lossy), /0 of the 30 rows of children/);
      });
    }
    family((connection) => {
      migrate(
        connection,
        historyOf(FAMILY, migration('0001_said', "SELECT '' -- allow-loss: children\n", 'DELETE FROM children')),
      );
      assert.equal(count(connection, 'children'), 0);
    });
  });

  describe('full text indexes', () => {
    const indexes = [
      "fts5(body, content='notes', content_rowid='id')",
      "fts5(body, content=notes, content_rowid='id', columnsize=0)",
      "fts5(body, content='', columnsize=0)",
      "fts4(content='notes', body)",
    ];
    for (const index of indexes) {
      it(`${index} is made again and dropped without a word, beside other migrations`, () => {
        fileWith([NOTES, `CREATE VIRTUAL TABLE found USING ${index}`], THREE, (connection, first) => {
          connection.exec("INSERT INTO found (rowid, body) VALUES (1, 'a')");
          const more = migration('0001_more', "UPDATE notes SET body = 'c' WHERE id = 3");
          const again = migration('0002_again', 'DROP TABLE found', `CREATE VIRTUAL TABLE found USING ${index}`);
          migrate(connection, then(first, more, again, migration('0003_gone', 'DROP TABLE found')));
          assert.equal(count(connection, 'notes'), 3);
        });
      });
    }

    it('with content of its own counts as a table', () => {
      const own = "CREATE VIRTUAL TABLE found USING fts5(content, body, columnsize=0, tokenize = 'porter')";
      fileWith([own], "INSERT INTO found VALUES ('a', 'b')", (connection, first) => {
        refused(connection, then(first, migration('0001_gone', 'DROP TABLE found')), /0 of the 1 rows of found/);
      });
    });
  });

  describe('all of them at once', () => {
    const lossy = migration('0001_lossy', "DELETE FROM children WHERE parent_id = 'p0'");
    const dropped = migration('0002_dropped', 'DROP TABLE children');

    it('with every migration, table and number', () => {
      family((connection) => {
        const error = refused(connection, historyOf(FAMILY, lossy, dropped), /27 of the 30 .* 0 of the 27 rows/);
        assert.match(error.hint, /allowLoss: \{"0001_lossy":\["children"\],"0002_dropped":\["children"\]\}/);
      });
    });

    it('also where a later migration fails', () => {
      family((connection) => {
        const fails = migration('0003_fails', 'INSERT INTO children (note) VALUES (1)');
        const error = refused(connection, historyOf(FAMILY, lossy, dropped, fails), /27 of the 30 .* 0 of the 27 rows/);
        assert.match(String(error.cause), /Statement 1 of 0003_fails failed/);
      });
    });

    it('and lets them pass if the history or the options allow them, each for its own migration', () => {
      const allowLoss = { '0001_lossy': ['Children'], '0002_dropped': ['children'] };
      family((connection) => {
        migrate(connection, historyOf(FAMILY, lossy, dropped), { allowLoss });
        assert.equal(count(connection, "sqlite_schema WHERE name = 'children'"), 0);
      });
      family((connection) => {
        const history = { ...historyOf(FAMILY, lossy, dropped), allowLoss: { '0001_lossy': ['children'] } };
        const error = refused(connection, history, /^0002_dropped would leave 0 of the 27 rows of children/);
        assert.doesNotMatch(error.message, /0001_lossy/);
        migrate(connection, history, { allowLoss: { '0002_dropped': ['children'] } });
      });
    });

    it('and says so if allowLoss is not lists of names', () => {
      family((connection) => {
        for (const wrong of ['children', { '0001_lossy': 'children' }, { '0001_lossy': [1] }, null]) {
          assert.throws(
            () => migrate(connection, historyOf(FAMILY), { allowLoss: wrong as never }),
            (error) => error instanceof InvalidInputError,
          );
        }
      });
    });
  });

  describe('rows that were dangling before', () => {
    const orphan = "PRAGMA foreign_keys = OFF; UPDATE children SET parent_id = 'gone' WHERE id IN (3, 7)";

    it('may go', () => {
      family((connection) => {
        connection.exec(orphan);
        const clean = migration('0001_clean', 'DELETE FROM children WHERE parent_id NOT IN (SELECT id FROM parents)');
        assert.deepEqual(migrate(connection, historyOf(FAMILY, clean)).dangling, []);
        assert.equal(count(connection, 'children'), 28);
      });
    });

    it('allow no other row to go, and none later', () => {
      family((connection) => {
        connection.exec(orphan);
        const more = migration('0001_more', "DELETE FROM children WHERE parent_id IN ('gone', 'p5')");
        refused(connection, historyOf(FAMILY, more), /25 of the 30 rows of children/);
        const mended = migration('0001_mended', "UPDATE children SET parent_id = 'p1' WHERE parent_id = 'gone'");
        const later = migration('0002_later', 'DELETE FROM children WHERE id = 1');
        refused(connection, historyOf(FAMILY, mended, later), /29 of the 30 rows of children/);
      });
    });
  });

  describe('in tables that a migration does not name itself', () => {
    it('are seen where a trigger takes the rows', () => {
      const trigger =
        'CREATE TRIGGER cascade AFTER UPDATE ON parents BEGIN DELETE FROM "Children" WHERE parent_id = old.id; END';
      family((connection) => {
        const made = migration('0001_trigger', trigger);
        migrate(connection, historyOf(FAMILY, made));
        const update = migration('0002_update', "UPDATE parents SET name = 'x' WHERE id = 'p1'");
        refused(connection, historyOf(FAMILY, made, update), /0002_update would leave 27 of the 30 rows of children/);
      });
    });

    it('are seen behind REPLACE, WITH and a rename in an earlier migration', () => {
      family((connection) => {
        const renamed = migration('0001_renamed', 'ALTER TABLE children RENAME TO kids');
        for (const sql of [
          'WITH x AS (SELECT 1 AS id) DELETE FROM kids WHERE id IN (SELECT id FROM x)',
          'UPDATE OR REPLACE kids SET id = 2 WHERE id = 1',
        ])
          refused(
            connection,
            historyOf(FAMILY, renamed, migration('0002_lossy', sql)),
            /0002_lossy would leave 29 of the 30 rows of kids/,
          );
        const twin = migration('0002_twin', 'CREATE TABLE children (id integer)', 'INSERT INTO children VALUES (1)');
        const emptied = migration('0003_emptied', 'DELETE FROM children');
        refused(
          connection,
          historyOf(FAMILY, renamed, twin, emptied),
          /^0003_emptied would leave 0 of the 1 rows of children/,
        );
      });
    });
  });
});
