import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { BUSY_TIMEOUT_MS } from '../../../src/engine/connection/pragmas.ts';
import { MigrationError, type MigrationErrorKind } from '../../../src/engine/errors.ts';
import type { History, Migration } from '../../../src/engine/migrations/history.ts';
import type { MigrationProgress } from '../../../src/engine/migrations/progress.ts';
import { type MigrateOptions, migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import {
  CHILDREN_OF_EACH,
  count,
  FAMILY,
  fillFamily,
  historyOf,
  ledgerHashes,
  migration,
  open,
  REBUILD_PARENTS,
} from './support.ts';

/** A file with the family in it, at the first migration. */
function family(run: (connection: Connection, path: string) => void): void {
  using folder = temporaryFolder();
  const path = folder.file('family.db');
  using connection = open(path);
  migrate(connection, historyOf(FAMILY));
  fillFamily(connection);
  run(connection, path);
}

/** Everything that a refused migration must leave as it was. */
function stateOf(connection: Connection): unknown {
  return {
    schema: connection.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY name').all(),
    parents: connection.prepare('SELECT * FROM parents ORDER BY id').all(),
    children: connection.prepare('SELECT * FROM children ORDER BY id').all(),
    ledger: connection.prepare('SELECT hash, created_at FROM __drizzle_migrations').all(),
    log: connection.prepare('SELECT tag, event FROM __dork_migrations_log').all(),
    foreignKeys: connection.pragma('foreign_keys', { simple: true }),
    busyTimeout: connection.pragma('busy_timeout', { simple: true }),
    inTransaction: connection.inTransaction,
  };
}

function refused(
  connection: Connection,
  history: History,
  kind: MigrationErrorKind,
  message: RegExp,
  options?: MigrateOptions,
): MigrationError {
  const before = stateOf(connection);
  let caught: unknown;
  try {
    migrate(connection, history, options);
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof MigrationError, `${String(caught)} is no MigrationError`);
  assert.equal(caught.kind, kind, caught.message);
  assert.match(caught.message, message);
  assert.notEqual(caught.hint, '');
  assert.deepEqual(stateOf(connection), before);
  return caught;
}

const BREAK = ';\n--> statement-breakpoint\n';

const after = (...migrations: Migration[]) => historyOf(FAMILY, ...migrations);

describe(`the migration runner, on ${RUNTIME}`, () => {
  it('keeps the children when their parents are rebuilt', () => {
    family((connection) => {
      const { applied, drift } = migrate(connection, after(REBUILD_PARENTS));
      assert.deepEqual(
        applied.map(({ tag, statements }) => ({ tag, statements })),
        [{ tag: '0001_optional_names', statements: 6 }],
      );
      assert.equal(count(connection, 'parents'), 10);
      assert.equal(count(connection, 'children'), 10 * CHILDREN_OF_EACH);
      assert.deepEqual(drift, []);
      assert.equal(connection.pragma('foreign_keys', { simple: true }), 1);
      assert.throws(() => connection.exec("INSERT INTO children (parent_id) VALUES ('nobody')"));
    });
  });

  it('does nothing to a file that is current, and takes no lock for it', () => {
    family((connection, path) => {
      using other = open(path);
      other.exec('BEGIN IMMEDIATE');
      const { applied, alreadyApplied } = migrate(connection, historyOf(FAMILY));
      assert.deepEqual({ applied, alreadyApplied }, { applied: [], alreadyApplied: 1 });
      other.exec('ROLLBACK');
    });
  });

  describe('refuses what loses data, and leaves everything as it was', () => {
    it('rows that a migration deletes without saying so', () => {
      family((connection) => {
        const error = refused(
          connection,
          after(migration('0001_no_notes', "DELETE FROM children WHERE parent_id = 'p0'")),
          'data_loss',
          /0001_no_notes would leave 27 of the 30 rows of children/,
        );
        assert.match(error.hint, /-- allow-loss: children/);
      });
    });

    it('a rebuild that copies only some rows', () => {
      const sql = REBUILD_PARENTS.sql.replace('FROM `parents`', "FROM `parents` WHERE id < 'p5'");
      family((connection) => {
        refused(connection, after({ ...REBUILD_PARENTS, sql, hash: 'x' }), 'data_loss', /5 of the 10 rows of parents/);
      });
    });

    it('a rebuild that copies a column which the old table lacks', () => {
      const sql = REBUILD_PARENTS.sql
        .replace('`name` text)', '`name` text, `nick` text)')
        .replace('("id", "name") SELECT "id", "name"', '("id", "name", "nick") SELECT "id", "name", "nick"');
      family((connection) => {
        refused(connection, after({ ...REBUILD_PARENTS, sql, hash: 'x' }), 'failed', /no such column: "?nick/);
      });
    });

    it('a table that is dropped with its rows', () => {
      family((connection) => {
        refused(connection, after(migration('0001_childless', 'DROP TABLE children')), 'data_loss', /0 of the 30 rows/);
      });
    });

    it('a loss that hides behind another table of the same name', () => {
      const swap = migration('0001_swap', 'DROP TABLE parents', 'ALTER TABLE children RENAME TO parents');
      family((connection) => {
        refused(connection, after(swap), 'data_loss', /0 of the 10 rows of parents/);
      });
    });

    it('a loss behind a rename, and one in a table that was renamed', () => {
      const lose = ['ALTER TABLE children RENAME TO kids', "DELETE FROM kids WHERE note LIKE 'note 1%'"];
      family((connection) => {
        refused(connection, after(migration('0001_kids', ...lose)), 'data_loss', /27 of the 30 rows of children/);
        const refill = [...lose, 'CREATE TABLE children (id integer)', ...insertions('children', 40)];
        refused(connection, after(migration('0001_kids', ...refill)), 'data_loss', /27 of the 30 rows of children/);
      });
    });

    it('a trigger that goes with a table which is rebuilt', () => {
      const trigger = migration(
        '0001_count_parents',
        'CREATE TABLE counts (n integer NOT NULL)',
        'INSERT INTO counts VALUES (10)',
        'CREATE TRIGGER parents_count AFTER INSERT ON parents BEGIN UPDATE counts SET n = n + 1; END',
      );
      const rebuild = migration('0002_optional_names', ...REBUILD_PARENTS.sql.split(BREAK));
      family((connection) => {
        migrate(connection, after(trigger));
        const error = refused(connection, after(trigger, rebuild), 'data_loss', /the trigger parents_count/);
        assert.match(error.hint, /Create parents_count again/);
        const again = `${rebuild.sql};\n--> statement-breakpoint\nCREATE TRIGGER parents_count AFTER INSERT ON parents BEGIN UPDATE counts SET n = n + 1; END`;
        migrate(connection, after(trigger, migration('0002_optional_names', again)));
        connection.exec("INSERT INTO parents VALUES ('new', NULL)");
        assert.equal(connection.prepare('SELECT n FROM counts').get()?.n, 11);
      });
    });
  });

  describe('lets go what a migration says that it loses', () => {
    it('rows of a table, a dropped table, a trigger', () => {
      family((connection) => {
        const lossy = migration(
          '0001_declared',
          '-- allow-loss: children, "parents"\nDELETE FROM parents WHERE id > \'p4\'',
          'DROP TABLE children',
          'CREATE TRIGGER t AFTER INSERT ON parents BEGIN SELECT 1; END',
        );
        const dropped = migration('0002_no_trigger', 'DROP TRIGGER t');
        migrate(connection, after(lossy, dropped));
        assert.equal(count(connection, 'parents'), 5);
        assert.equal(count(connection, "sqlite_schema WHERE name IN ('children', 't')"), 0);
      });
    });

    it('no other table', () => {
      family((connection) => {
        const other = migration('0001_other', '-- allow-loss: parents\nDELETE FROM children');
        refused(connection, after(other), 'data_loss', /0 of the 30 rows of children/);
      });
    });
  });

  it('sees a rename as no loss, whatever it is quoted with', () => {
    family((connection) => {
      migrate(
        connection,
        after(
          migration('0001_kids', '/* one */ ALTER TABLE "children" RENAME TO [kids of all]'),
          migration('0002_again', 'ALTER TABLE `kids of all` RENAME TO Children'),
        ),
      );
      assert.equal(count(connection, 'children'), 30);
    });
  });

  describe('references', () => {
    it('that a migration leaves dangling are refused, with table and rows', () => {
      family((connection) => {
        refused(
          connection,
          after(migration('0001_orphans', "UPDATE children SET parent_id = 'gone' WHERE id IN (2, 5)")),
          'foreign_keys',
          /0001_orphans would leave references to missing rows: 2 from children to parents, rowid 2, 5/,
        );
      });
    });

    it('that were dangling before do not lock their owner out, and are told', () => {
      family((connection) => {
        connection.exec("PRAGMA foreign_keys = OFF; UPDATE children SET parent_id = 'gone' WHERE id = 7");
        connection.exec('PRAGMA foreign_keys = ON');
        const { dangling } = migrate(connection, after(REBUILD_PARENTS));
        assert.deepEqual(dangling, [{ table: 'children', parent: 'parents', count: 1, rowids: [7] }]);
        refused(
          connection,
          after(REBUILD_PARENTS, migration('0002_more', "UPDATE children SET parent_id = 'x' WHERE id < 3")),
          'foreign_keys',
          /3 from children to parents, rowid 1, 2, 7 \(1 of them existed before\)/,
        );
      });
    });

    it('to a table that a migration drops are refused, also where no row refers', () => {
      family((connection) => {
        connection.exec('DELETE FROM children');
        const orphaned = migration('0001_orphaned', '-- allow-loss: parents\nDROP TABLE parents');
        refused(
          connection,
          after(orphaned),
          'foreign_keys',
          /leave children with a foreign key to parents, which does not exist/,
        );
        const both = migration('0001_both', '-- allow-loss: parents\nDROP TABLE parents', 'DROP TABLE children');
        assert.equal(migrate(connection, after(both)).applied.length, 1);
      });
    });

    it('that went along with a table which was renamed out of the way are refused', () => {
      family((connection) => {
        const oldWay = migration(
          '0001_old_way',
          'ALTER TABLE parents RENAME TO old_parents',
          'CREATE TABLE parents (id text PRIMARY KEY, name text)',
          'INSERT INTO parents SELECT id, name FROM old_parents',
          'DROP TABLE old_parents',
        );
        refused(connection, after(oldWay), 'foreign_keys', /children with a foreign key to old_parents/);
        const legacy = migration('0001_old_way', 'PRAGMA legacy_alter_table = ON', ...oldWay.sql.split(BREAK));
        assert.equal(migrate(connection, after(legacy)).applied.length, 1);
        assert.equal(count(connection, 'children'), 30);
      });
    });

    it('to columns that are no key are refused', () => {
      family((connection) => {
        const create = 'CREATE TABLE pets (id integer PRIMARY KEY, owner text REFERENCES parents(name))';
        const pets = migration('0001_pets', create, "INSERT INTO pets (owner) VALUES ('name 1')");
        refused(connection, after(pets), 'foreign_keys', /foreign key mismatch/);
      });
    });
  });

  describe('refuses before anything runs', () => {
    const first = "INSERT INTO parents VALUES ('early', 'must not be')";
    const cases: [string, string, RegExp][] = [
      ['a chunk of two statements', 'SELECT 1; SELECT 2', /Chunk 2 of 0001_bad holds 2 statements/],
      ['a COMMIT', 'COMMIT', /Statement 2 of 0001_bad is COMMIT/],
      ['a BEGIN behind a comment', '/* x */ -- y\n begin', /is BEGIN/],
      ['a VACUUM', 'VACUUM', /is VACUUM/],
      ['an ATTACH', "ATTACH ':memory:' AS other", /is ATTACH/],
      ['a pragma that outlasts the migration', 'PRAGMA writable_schema = ON', /sets a pragma/],
      ['a text behind a NUL', 'SELECT 1\0; DROP TABLE parents', /has a NUL/],
    ];
    for (const [what, sql, message] of cases) {
      it(what, () => {
        family((connection) => {
          const bad = migration('0001_bad', first, sql);
          const good = migration('0002_good', 'CREATE TABLE late (id integer)');
          refused(connection, after(bad, good), 'failed', message);
        });
      });
    }

    it('inside a transaction of the caller', () => {
      family((connection) => {
        connection.runTransaction(() =>
          assert.throws(() => migrate(connection, after(REBUILD_PARENTS)), /cannot be migrated inside a transaction/),
        );
        assert.equal(ledgerHashes(connection).length, 1);
      });
    });
  });

  it('refuses to leave a trigger or a view that names what is gone', () => {
    family((connection) => {
      const trigger = 'CREATE TRIGGER t AFTER INSERT ON parents BEGIN DELETE FROM children; END';
      migrate(connection, after(migration('0001_trigger', trigger)));
      const drop = migration('0002_drop', '-- allow-loss: children\nDROP TABLE children');
      const history = after(migration('0001_trigger', trigger), drop);
      refused(
        connection,
        history,
        'failed',
        /0002_drop would leave a broken trigger or view: error in trigger t: no such table/,
      );
      connection.exec("INSERT INTO parents VALUES ('still', 'works')");
    });
    family((connection) => {
      connection.exec('CREATE VIEW broken AS SELECT * FROM nowhere');
      assert.equal(
        migrate(connection, after(migration('0001_index', 'CREATE INDEX i ON parents (name)'))).applied.length,
        1,
      );
    });
  });

  it('names the statement that fails, and rolls back every migration of the run', () => {
    family((connection) => {
      const good = migration('0001_good', 'ALTER TABLE parents ADD COLUMN age integer');
      const bad = migration('0002_bad', 'CREATE TABLE x (id)', 'INSERT INTO nowhere VALUES (1)');
      const error = refused(connection, after(good, bad), 'failed', /Statement 2 of 0002_bad failed.*nowhere/s);
      assert.ok(error.cause instanceof Error);
    });
  });

  it('fails where rows make it fail: a column that is NOT NULL and has no default', () => {
    family((connection) => {
      const add = migration('0001_age', 'ALTER TABLE parents ADD `age` integer NOT NULL');
      refused(connection, after(add), 'failed', /Statement 1 of 0001_age failed/);
    });
  });

  it('keeps the first error where SQLite has rolled back by itself', () => {
    family((connection) => {
      const unique = 'CREATE UNIQUE INDEX u ON children (parent_id, note)';
      const again = "INSERT OR ROLLBACK INTO children (parent_id, note) VALUES ('p1', 'note 1 1')";
      refused(connection, after(migration('0001_twice', unique, again)), 'failed', /UNIQUE constraint failed/);
    });
  });

  it('replays the history as it was run, though a migration turns the keys on at its end', () => {
    family((connection) => {
      const later = migration(
        '0002_apart',
        '-- allow-loss: parents, children\nDROP TABLE parents',
        "UPDATE children SET parent_id = 'nobody'",
        'DROP TABLE children',
      );
      assert.deepEqual(migrate(connection, after(REBUILD_PARENTS, later)).drift, []);
    });
  });

  it('puts foreign keys and settings back after an error, and leaves them off where they were off', () => {
    family((connection) => {
      const bad = migration('0001_bad', 'PRAGMA legacy_alter_table = ON', 'SELECT nothing');
      refused(connection, after(bad), 'failed', /nothing/);
      assert.equal(connection.pragma('legacy_alter_table', { simple: true }), 0);
      assert.equal(connection.pragma('busy_timeout', { simple: true }), BUSY_TIMEOUT_MS);
      connection.exec('PRAGMA foreign_keys = OFF');
      migrate(connection, after(REBUILD_PARENTS));
      assert.equal(connection.pragma('foreign_keys', { simple: true }), 0);
    });
  });

  it('rolls back where onProgress throws, and throws the same', () => {
    family((connection) => {
      const stop = new Error('stop');
      const before = stateOf(connection);
      assert.throws(
        () =>
          migrate(connection, after(REBUILD_PARENTS), {
            onProgress: ({ step }) => {
              if (step === 4) throw stop;
            },
          }),
        (error) => error === stop,
      );
      assert.deepEqual(stateOf(connection), before);
    });
  });

  it('reports the snapshot, every statement with its table, and the checks', () => {
    family((connection, path) => {
      const seen: MigrationProgress[] = [];
      migrate(connection, after(REBUILD_PARENTS, migration('0002_index', 'CREATE INDEX i ON parents (name)')), {
        onProgress: (progress) => seen.push(progress),
      });
      assert.deepEqual(
        seen.map(({ phase, tag, migration: place, migrations, step, steps, table, action }) =>
          [phase, tag, `${place}/${migrations}`, `${step}/${steps}`, table, action].join(' '),
        ),
        [
          'snapshot 0001_optional_names 1/2 0/6  copy the file',
          'statement 0001_optional_names 1/2 1/6  PRAGMA',
          'statement 0001_optional_names 1/2 2/6 parents CREATE TABLE',
          'statement 0001_optional_names 1/2 3/6 parents INSERT',
          'statement 0001_optional_names 1/2 4/6 parents DROP TABLE',
          'statement 0001_optional_names 1/2 5/6 parents ALTER TABLE',
          'statement 0001_optional_names 1/2 6/6  PRAGMA',
          'verify 0001_optional_names 1/2 6/6  count rows',
          'statement 0002_index 2/2 1/1 parents CREATE INDEX',
          'verify 0002_index 2/2 1/1  count rows',
        ],
      );
      assert.ok(path.endsWith('family.db'));
    });
  });

  it('makes a trigger whose body holds semicolons', () => {
    family((connection) => {
      const body = 'BEGIN UPDATE parents SET name = CASE name WHEN 1 THEN 2 ELSE name END; DELETE FROM children; END;';
      migrate(connection, after(migration('0001_trigger', `CREATE TRIGGER t AFTER DELETE ON parents ${body}`)));
      assert.equal(count(connection, "sqlite_schema WHERE type = 'trigger'"), 1);
    });
  });

  it('reports drift: what is missing, changed and extra against the history', () => {
    family((connection) => {
      connection.exec('DROP INDEX children_parent; CREATE INDEX mine ON children (note); CREATE TABLE other (id)');
      connection.exec('ALTER TABLE parents ADD COLUMN extra text');
      assert.deepEqual(migrate(connection, historyOf(FAMILY)).drift, [
        { kind: 'missing', type: 'index', name: 'children_parent' },
        { kind: 'changed', type: 'table', name: 'parents' },
        { kind: 'extra', type: 'index', name: 'mine' },
        { kind: 'extra', type: 'table', name: 'other' },
      ]);
    });
  });

  it('makes a new file without a snapshot, and sets the application id that the history gives', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    migrate(connection, { ...historyOf(FAMILY), applicationId: 77 });
    assert.equal(connection.pragma('application_id', { simple: true }), 77);
    assert.ok(!readdirSync(folder.path).includes('backups'));
  });

  it('writes the ledger as Drizzle does, and when what was applied beside it', () => {
    family((connection) => {
      assert.deepEqual(connection.prepare('SELECT id, hash, created_at FROM __drizzle_migrations').all(), [
        { id: null, hash: FAMILY.hash, created_at: FAMILY.when },
      ]);
      const [logged] = connection.prepare('SELECT at, event, tag, hash FROM __dork_migrations_log').all();
      assert.match(String(logged?.at), /^\d{4}-\d\d-\d\dT/);
      assert.deepEqual({ ...logged, at: '' }, { at: '', event: 'applied', tag: '0000_family', hash: FAMILY.hash });
    });
  });
});

function insertions(table: string, rows: number): string[] {
  return Array.from({ length: rows }, (_, i) => `INSERT INTO ${table} VALUES (${i})`);
}
