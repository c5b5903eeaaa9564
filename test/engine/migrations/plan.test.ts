import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createDb, migrationStatus, repairLedger } from '#entry';
import { history as dorkHistory } from '../../../drizzle/history.ts';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { InvalidInputError, MigrationError, type MigrationErrorKind } from '../../../src/engine/errors.ts';
import { backupFolder } from '../../../src/engine/file/copy-name.ts';
import { type History, hashOf, type Migration } from '../../../src/engine/migrations/history.ts';
import { repair } from '../../../src/engine/migrations/repair.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { listSnapshots } from '../../../src/engine/migrations/snapshot.ts';
import { statusOf } from '../../../src/engine/migrations/status.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { FAMILY, fillFamily, historyOf, ledgerHashes, migration, open } from './support.ts';

const A = migration('0001_ages', 'ALTER TABLE parents ADD COLUMN age integer');
const B = migration('0002_cities', 'ALTER TABLE parents ADD COLUMN city text');
const C = migration('0003_tall', 'ALTER TABLE parents ADD COLUMN tall integer');

/** The same entry with another text. */
function edited(of: Migration, edit: (sql: string) => string): Migration {
  const sql = edit(of.sql);
  return { ...of, sql, hash: hashOf(sql) };
}

function fileWith(history: History, run: (connection: Connection, path: string) => void): void {
  using folder = temporaryFolder();
  const path = folder.file('plan.db');
  using connection = open(path);
  migrate(connection, historyOf(FAMILY));
  fillFamily(connection, 3);
  migrate(connection, history);
  run(connection, path);
}

function dump(connection: Connection): unknown {
  return ['sqlite_schema', '__drizzle_migrations', '__dork_migrations_log', 'parents', 'children'].map((table) =>
    connection.prepare(`SELECT * FROM ${table}`).all(),
  );
}

function refused(connection: Connection, history: History, kind: MigrationErrorKind): MigrationError {
  const before = dump(connection);
  let caught: unknown;
  try {
    migrate(connection, history);
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof MigrationError, String(caught));
  assert.equal(caught.kind, kind);
  assert.equal(caught.code, `MIGRATION_${kind.toUpperCase()}`);
  assert.match(caught.message, / \S+ was not changed\.$/);
  assert.doesNotMatch(`${caught.message} ${caught.hint}`, /reset|start over|delete the database/i);
  assert.deepEqual(dump(connection), before);
  assert.equal(statusOf(connection, history).state, kind);
  return caught;
}

describe(`the ledger against the history, on ${RUNTIME}`, () => {
  it('refuses an entry that is older than the last applied one, and says which and the way out', () => {
    fileWith(historyOf(FAMILY, B), (connection) => {
      const error = refused(connection, historyOf(FAMILY, A, B, C), 'out_of_order');
      assert.match(error.message, /0001_ages is not applied, but the later 0002_cities is: a merge inserted it/);
      assert.match(error.hint, /0001_ages.*bun run generate/);
    });
  });

  it('names every late entry', () => {
    fileWith(historyOf(FAMILY, C), (connection) => {
      const error = refused(connection, historyOf(FAMILY, A, B, C), 'out_of_order');
      assert.match(error.message, /0001_ages, 0002_cities are not applied, but the later 0003_tall is/);
    });
  });

  it('refuses entries that were applied in another order', () => {
    fileWith(historyOf(FAMILY, B, A), (connection) => {
      const error = refused(connection, historyOf(FAMILY, A, B), 'out_of_order');
      assert.match(error.message, /0001_ages was applied after 0002_cities/);
    });
  });

  it('refuses an applied entry whose SQL was changed, and shows both hashes and the repair', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      const now = edited(A, (sql) => sql.replace('integer', 'text'));
      const error = refused(connection, historyOf(FAMILY, now, B), 'edited');
      assert.ok(error.message.includes(A.hash) && error.message.includes(now.hash));
      assert.match(error.message, /its SQL differs/);
      assert.match(error.hint, /dork-db repair-ledger 0001_ages/);
    });
  });

  it('tells a change of comments, white space and line ends from a change of SQL', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      for (const edit of [
        (sql: string) => `-- why\n${sql}`,
        (sql: string) => sql.replace(' ', '\r\n  '),
        (sql: string) => `${sql}; /* end */\n`,
      ]) {
        const error = refused(connection, historyOf(FAMILY, edited(A, edit)), 'edited');
        assert.match(error.message, /comments, white space or line ends only: its SQL is the same/);
      }
      const literal = edited(A, (sql) => `${sql} DEFAULT 'a  b'`);
      assert.match(refused(connection, historyOf(FAMILY, literal), 'edited').message, /its SQL differs/);
    });
  });

  it('tells changed line ends of an entry that Drizzle applied, where there is no log; not inside a text', () => {
    const plain = migration('0001_two', 'ALTER TABLE parents\nADD COLUMN age integer');
    const text = migration('0002_text', "INSERT INTO parents VALUES ('x\ny', '', 1)");
    fileWith(historyOf(FAMILY, plain, text), (connection) => {
      connection.exec('DROP TABLE __dork_migrations_log');
      const crlf = (sql: string) => sql.replaceAll('\n', '\r\n');
      const status = (...migrations: Migration[]) => statusOf(connection, historyOf(FAMILY, ...migrations)).problem;
      assert.match(String(status(edited(plain, crlf), text)?.message), /its SQL is the same/);
      assert.match(String(status(plain, edited(text, crlf))?.message), /its SQL differs/);
      const unknown = edited(plain, (sql) => sql.replace('age', 'years'));
      assert.match(String(status(unknown, text)?.message), /0001_two was changed after it was applied \(/);
    });
  });

  it('takes an entry whose time stamp alone was changed as applied', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      const restamped = historyOf({ ...FAMILY, when: 1 }, { ...A, when: 99 }, B);
      const { applied, alreadyApplied } = migrate(connection, restamped);
      assert.deepEqual([applied.map(({ tag }) => tag), alreadyApplied], [['0002_cities'], 2]);
    });
  });

  it('knows an edited entry by its name where its time stamp was changed too', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      const regenerated = { ...edited(A, (sql) => sql.replace('integer', 'real')), when: 12345 };
      assert.match(refused(connection, historyOf(FAMILY, regenerated), 'edited').message, /0001_ages was changed/);
    });
  });

  it('takes an entry that stands twice in the ledger as applied once', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      connection.exec(
        'INSERT INTO __drizzle_migrations (hash, created_at) SELECT hash, created_at FROM __drizzle_migrations',
      );
      assert.deepEqual(
        migrate(connection, historyOf(FAMILY, A, B)).applied.map(({ tag }) => tag),
        ['0002_cities'],
      );
    });
  });

  it('applies two entries of the same text both', () => {
    const bump = (tag: string) => migration(tag, "UPDATE parents SET name = name || '!'");
    fileWith(historyOf(FAMILY, bump('0001_bump')), (connection) => {
      migrate(connection, historyOf(FAMILY, bump('0001_bump'), bump('0002_bump_again')));
      assert.equal(connection.prepare("SELECT name FROM parents WHERE id = 'p1'").get()?.name, 'name 1!!');
      assert.deepEqual(migrate(connection, historyOf(FAMILY, bump('0001_bump'), bump('0002_bump_again'))).applied, []);
    });
  });

  describe('a database that is newer than the code', () => {
    it('is refused, names what it does not know and since when, and the newest snapshot that fits', () => {
      fileWith(historyOf(FAMILY, A), (connection, path) => {
        migrate(connection, historyOf(FAMILY, A, B));
        migrate(connection, historyOf(FAMILY, A, B, C));
        const error = refused(connection, historyOf(FAMILY, A), 'newer_database');
        assert.match(error.message, /0002_cities \(applied \d{4}-\d\d-\d\dT[^)]+\), 0003_tall \(applied/);
        const fitting = listSnapshots(path).find((name) => name.endsWith('-0001_ages.db'));
        assert.ok(fitting && error.hint.includes(fitting), error.hint);
        using snapshot = open(fitting);
        assert.deepEqual(migrate(snapshot, historyOf(FAMILY, A)).applied, []);
      });
    });

    it('says so where no snapshot fits, and where another tool applied what is unknown', () => {
      fileWith(historyOf(FAMILY, A), (connection, path) => {
        rmSync(backupFolder(path), { recursive: true });
        connection.exec('DROP TABLE __dork_migrations_log');
        connection.exec(
          "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('feedfeedfeedfeed', 'not a time')",
        );
        const { problem, state } = statusOf(connection, historyOf(FAMILY, A));
        assert.equal(state, 'newer_database');
        assert.match(String(problem?.message), /does not know feedfeedfeed\. \S+ was not changed/);
        assert.match(String(problem?.hint), /No backup of it fits this version/);
      });
    });

    it('of another branch is told to be one', () => {
      fileWith(historyOf(FAMILY, A), (connection) => {
        const error = refused(connection, historyOf(FAMILY, B), 'newer_database');
        assert.match(
          error.message,
          /does not know 0001_ages.*It lacks 0002_cities: the two come from different branches/,
        );
      });
    });

    it('refuses a name, a reason or a person that is no text', () => {
      using connection = open(':memory:');
      for (const tag of [7n, null, {}, 'a\ud800']) {
        assert.throws(() => repair(connection, historyOf(FAMILY), tag as never), { field: 'tag' });
      }
      for (const field of ['reason', 'by']) {
        const options = { [field]: Symbol('x') };
        assert.throws(() => repair(connection, historyOf(FAMILY), '0000_family', options as never), {
          field: `options.${field}`,
        });
      }
    });

    it('opens read-only with migrations skipped, and in no other way', () => {
      using folder = temporaryFolder();
      const path = folder.file('dork.db');
      using db = createDb(path);
      db.$client.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('from the future', 9999999999999)");
      db.$client.close();
      for (const options of [{}, { readonly: true }, { migrations: 'require' }] as const) {
        assert.throws(
          () => createDb(path, options),
          (error) => error instanceof MigrationError && error.kind === 'newer_database',
        );
      }
      using reader = createDb(path, { migrations: 'skip', readonly: true });
      assert.deepEqual(reader.select().from(reader._.fullSchema.agents).all(), []);
      assert.throws(() => reader.$client.exec('DELETE FROM agents'));
      assert.equal(migrationStatus(path).state, 'newer_database');
    });
  });
});

describe(`repairing the ledger, on ${RUNTIME}`, () => {
  it('accepts an edited entry, and records who, when, why and both hashes beside the ledger', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      const now = edited(A, (sql) => `-- years\n${sql}`);
      const receipt = repair(connection, historyOf(FAMILY, now), '0001_ages', {
        reason: 'a comment',
        by: 'ada@laptop',
      });
      assert.deepEqual(ledgerHashes(connection), [FAMILY.hash, now.hash]);
      const log = connection.prepare("SELECT * FROM __dork_migrations_log WHERE event = 'repaired'").all();
      assert.equal(log.length, 1);
      const { at, tag, hash, previous_hash, by, reason } = log[0] ?? {};
      assert.deepEqual(
        { at, tag, hash, previous_hash, by, reason },
        {
          at: receipt.at,
          tag: '0001_ages',
          hash: now.hash,
          previous_hash: A.hash,
          by: 'ada@laptop',
          reason: 'a comment',
        },
      );
      assert.deepEqual([receipt.isCosmetic, receipt.drift], [true, []]);
      const status = statusOf(connection, historyOf(FAMILY, now));
      assert.equal(status.state, 'current');
      assert.ok(status.applied[1]?.appliedAt && status.applied[1].appliedAt <= receipt.at);
    });
  });

  it('runs no SQL of the edited entry, and reports what the schema lacks of it', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      const now = edited(A, (sql) => sql.replace('integer', 'text'));
      const { drift, isCosmetic, by } = repair(connection, historyOf(FAMILY, now), '0001_ages');
      assert.deepEqual(drift, [{ kind: 'changed', type: 'table', name: 'parents' }]);
      assert.equal(isCosmetic, false);
      assert.match(by, /.@./);
    });
  });

  it('accepts each of several edited entries by its name, and an edit of an edit', () => {
    fileWith(historyOf(FAMILY, A, B), (connection) => {
      const first = edited(A, (sql) => `-- 1\n${sql}`);
      const second = edited(B, (sql) => `-- 1\n${sql}`);
      repair(connection, historyOf(FAMILY, first, second), '0002_cities');
      assert.equal(statusOf(connection, historyOf(FAMILY, first, second)).state, 'edited');
      repair(connection, historyOf(FAMILY, first, second), '0001_ages');
      const third = edited(second, (sql) => `-- 2\n${sql}`);
      repair(connection, historyOf(FAMILY, first, third), '0002_cities');
      const status = statusOf(connection, historyOf(FAMILY, first, third));
      assert.equal(status.state, 'current');
      assert.ok(status.applied.every(({ appliedAt }) => appliedAt !== undefined));
    });
  });

  it('finds the edited one of migrations with the same SQL, first, last or between, and runs none of them again', () => {
    const louder = (tag: string) => migration(tag, "UPDATE parents SET name = name || '!'");
    const all = [louder('0001_louder'), A, louder('0003_louder'), B, louder('0005_louder')];
    for (const at of [0, 2, 4]) {
      fileWith(historyOf(FAMILY, ...all), (connection) => {
        const now = historyOf(
          FAMILY,
          ...all.map((each, i) => (i === at ? edited(each, (sql) => `-- why\n${sql}`) : each)),
        );
        const before = connection.prepare('SELECT * FROM parents').all();
        const { tag = '' } = all[at] ?? {};
        assert.match(refused(connection, now, 'edited').hint, new RegExp(`repair-ledger ${tag}`));
        for (const other of all)
          if (other.tag !== tag) assert.throws(() => repair(connection, now, other.tag), { field: 'tag' });
        assert.equal(repair(connection, now, tag).isCosmetic, true);
        assert.equal(statusOf(connection, now).state, 'current');
        assert.deepEqual(migrate(connection, now).applied, []);
        assert.deepEqual(connection.prepare('SELECT * FROM parents').all(), before);
      });
    }
  });

  it('refuses what is not an edited entry, and writes nothing', () => {
    fileWith(historyOf(FAMILY, A), (connection) => {
      const before = dump(connection);
      const history = historyOf(FAMILY, A, B);
      for (const [tag, message] of [
        ['0001_ages', /not edited since it was applied/],
        ['0002_cities', /not applied/],
        ['0009_nothing', /not in the history/],
        ["'; DROP TABLE parents; --", /not in the history/],
      ] as const) {
        assert.throws(
          () => repair(connection, history, tag),
          (error) => error instanceof InvalidInputError && message.test(error.message),
        );
      }
      assert.deepEqual(dump(connection), before);
    });
  });

  it('repairs a dork.db that is opened without migrating', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    createDb(path).$client.close();
    const last = dorkHistory.migrations.at(-1) as Migration;
    const history = {
      ...dorkHistory,
      migrations: [...dorkHistory.migrations.slice(0, -1), edited(last, (sql) => `${sql}\n-- a word\n`)],
    };
    using db = createDb(path, { migrations: 'skip' });
    assert.equal(migrationStatus(db, history).state, 'edited');
    assert.equal(repairLedger(db, last.tag, { history }).isCosmetic, true);
    assert.equal(migrationStatus(db, history).state, 'current');
  });
});

describe(`snapshots and the files around them, on ${RUNTIME}`, () => {
  it('are not looked for in a folder that holds other things', () => {
    fileWith(historyOf(FAMILY, A), (connection, path) => {
      const [snapshot] = listSnapshots(path);
      assert.ok(snapshot);
      mkdirSync(`${snapshot}.d`);
      copyFileSync(snapshot, snapshot.replace('plan-pre', 'other-pre'));
      renameSync(snapshot, snapshot.replace('.db', '.db.1.partial'));
      assert.deepEqual(listSnapshots(path), []);
      assert.ok(connection.isOpen);
    });
  });
});
