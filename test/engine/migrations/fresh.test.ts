import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { MigrationError, type MigrationErrorKind } from '../../../src/engine/errors.ts';
import { isCurrent } from '../../../src/engine/migrations/current.ts';
import type { History, Migration } from '../../../src/engine/migrations/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { replay, schemaStatements } from '../../../src/engine/migrations/schema-state.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { count, FAMILY, historyOf, migration, open, REBUILD_PARENTS } from './support.ts';

/** As an embedded module has it. */
function embedded(connection: Connection, ...migrations: Migration[]): History {
  using memory = replay(connection, { migrations });
  return { migrations, schema: schemaStatements(memory) };
}

const SEED = migration('0001_seed', "INSERT INTO parents VALUES ('p', 'seed')");

describe(`a history on a new file, on ${RUNTIME}`, () => {
  it('is applied whole, with the progress and the report of any other run', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    const history = embedded(connection, FAMILY, REBUILD_PARENTS);
    const seen: string[] = [];
    const { applied, alreadyApplied, dangling, drift } = migrate(connection, history, {
      onProgress: ({ tag, phase, step, steps }) => seen.push(`${tag} ${phase} ${step}/${steps}`),
    });
    assert.deepEqual(
      applied.map(({ tag, statements }) => [tag, statements]),
      [
        ['0000_family', 3],
        ['0001_optional_names', 6],
      ],
    );
    assert.deepEqual({ alreadyApplied, dangling, drift }, { alreadyApplied: 0, dangling: [], drift: [] });
    assert.deepEqual(seen.slice(0, 5), [
      '0000_family statement 1/3',
      '0000_family statement 2/3',
      '0000_family statement 3/3',
      '0000_family verify 3/3',
      '0001_optional_names statement 1/6',
    ]);
    assert.ok(isCurrent(connection, history));
    assert.equal(
      connection.prepare("SELECT count(*) AS n FROM __dork_migrations_log WHERE event = 'applied'").get()?.n,
      2,
    );
  });

  it('keeps the rows that it inserts', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    migrate(connection, embedded(connection, FAMILY, SEED));
    assert.equal(count(connection, 'parents'), 1);
  });

  it('makes a full text search, and keeps the rows that it is filled with', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    const search = migration(
      '0002_search',
      "CREATE VIRTUAL TABLE parents_fts USING fts5(name, content='parents')",
      "INSERT INTO parents_fts(parents_fts) VALUES ('rebuild')",
    );
    migrate(connection, embedded(connection, FAMILY, SEED, search));
    assert.equal(count(connection, "parents_fts WHERE parents_fts MATCH 'seed'"), 1);
  });

  const refused: [what: string, kind: MigrationErrorKind, message: RegExp, ...migrations: Migration[]][] = [
    [
      'loses rows of an earlier migration',
      'data_loss',
      /0002_loses would leave 0 of the 1 rows of parents/,
      FAMILY,
      SEED,
      migration('0002_loses', "DELETE FROM parents WHERE id = 'p'"),
    ],
    [
      'rebuilds a table without its trigger',
      'data_loss',
      /0002_optional_names rebuilds parents, which would drop the trigger t/,
      FAMILY,
      migration('0001_trigger', 'CREATE TRIGGER t AFTER DELETE ON parents BEGIN DELETE FROM children; END'),
      { ...REBUILD_PARENTS, tag: '0002_optional_names' },
    ],
    [
      'leaves a broken trigger',
      'failed',
      /0001_trigger would leave .*nobody/,
      FAMILY,
      migration('0001_trigger', 'CREATE TRIGGER t AFTER INSERT ON parents BEGIN DELETE FROM nobody; END'),
    ],
    [
      'leaves a foreign key to nothing',
      'foreign_keys',
      /0000_orphans would leave orphans with a foreign key to nobody/,
      migration('0000_orphans', 'CREATE TABLE orphans (id integer PRIMARY KEY, of text REFERENCES nobody(id))'),
    ],
  ];
  for (const [what, kind, message, ...migrations] of refused) {
    it(`is refused where it ${what}, and leaves the file empty`, () => {
      using folder = temporaryFolder();
      using connection = open(folder.file('new.db'));
      for (const history of [historyOf(...migrations), embedded(connection, ...migrations)]) {
        assert.throws(
          () => migrate(connection, history),
          (error) => error instanceof MigrationError && error.kind === kind && message.test(error.message),
        );
        assert.equal(connection.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n, 0);
      }
    });
  }

  it('that does not yield the schema beside it is applied, and its difference is reported', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    const { applied, drift } = migrate(connection, { ...historyOf(FAMILY), schema: ['CREATE TABLE other (id)'] });
    assert.deepEqual([applied.length, drift], [1, []]);
    assert.equal(count(connection, 'parents'), 0);
  });

  it('names the statement that fails', () => {
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    const history = {
      ...historyOf(FAMILY, migration('0001_bad', 'DROP TABLE nothing')),
      schema: ['CREATE TABLE a (b)'],
    };
    assert.throws(() => migrate(connection, history), /Statement 1 of 0001_bad failed/);
    assert.equal(connection.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n, 0);
  });
});
