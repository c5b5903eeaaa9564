import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { drizzleKitBin } from '../../../src/engine/authoring/drizzle-kit.ts';
import { problemsOfFolder } from '../../../src/engine/authoring/folder.ts';
import { drizzleKitRandomNames, problemOfName } from '../../../src/engine/authoring/names.ts';
import { trapsOf } from '../../../src/engine/authoring/traps.ts';
import { Connection } from '../../../src/engine/connection/connection.ts';
import type { Migration } from '../../../src/engine/migrations/history.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { ROOT, RUNTIME } from '../../support/runtime.ts';
import { adapter, FAMILY, historyOf, migration, REBUILD_PARENTS, writeFolder } from '../migrations/support.ts';

const BREAK = ';\n--> statement-breakpoint\n';

/** What is found in a migration that comes after the family. */
function problemsOf(statements: readonly string[]): string[] {
  return problemsOfAll(FAMILY, migration('0001_change', ...statements)).map(({ message }) => message);

  function problemsOfAll(...migrations: Migration[]) {
    using empty = new Connection(adapter, ':memory:');
    return trapsOf(empty, historyOf(...migrations));
  }
}

const REBUILD = REBUILD_PARENTS.sql.split(BREAK);

describe(`the traps of drizzle-kit, on ${RUNTIME}`, () => {
  it('are none in a rebuild as it should be, a column with a default, a table more', () => {
    for (const statements of [
      REBUILD,
      ["ALTER TABLE `parents` ADD `age` text DEFAULT 'x' NOT NULL"],
      ['ALTER TABLE `parents` ADD `age` text'],
      ['CREATE TABLE pets (id integer PRIMARY KEY)', 'CREATE INDEX i ON pets (id)'],
      ['-- allow-loss: children\nDROP TABLE children'],
      ['DROP INDEX children_parent'],
    ])
      assert.deepEqual(problemsOf(statements), []);
  });

  const cases: [string, readonly string[], RegExp][] = [
    [
      'a column that is NOT NULL without a default',
      ['ALTER TABLE `parents` ADD `age` integer NOT NULL'],
      /NOT NULL and has no default/,
    ],
    [
      'the same with the word COLUMN',
      ['ALTER TABLE parents ADD COLUMN age integer NOT NULL'],
      /NOT NULL and has no default/,
    ],
    [
      'a rebuild with another change beside it',
      [...REBUILD, 'ALTER TABLE `children` ADD `age` integer'],
      /rebuilds parents and has other changes too: ALTER TABLE children/,
    ],
    [
      'a column added to the table that is rebuilt',
      ['ALTER TABLE `parents` ADD `age` integer', ...REBUILD],
      /rebuilds parents and has other changes too: ALTER TABLE parents/,
    ],
    [
      'two rebuilds',
      [...REBUILD, ...REBUILD.map((sql) => sql.replaceAll('parents', 'others'))],
      /fails on an empty database|has other changes too/,
    ],
    [
      'a rebuild that copies a column which the old table lacks',
      REBUILD.map((sql) =>
        sql.startsWith('INSERT')
          ? 'INSERT INTO `__new_parents`("id", "name") SELECT "id", "nickname" FROM `parents`'
          : sql,
      ),
      /copies its column nickname, but the old table lacks it/,
    ],
    [
      'a rebuild that leaves a column behind',
      REBUILD.map((sql) =>
        sql.startsWith('INSERT') ? 'INSERT INTO `__new_parents`("id") SELECT "id" FROM `parents`' : sql,
      ),
      /does not copy its column name/,
    ],
    [
      'a rebuild that copies a generated column, as drizzle-kit writes it',
      REBUILD.map((sql) =>
        sql
          .replace(/`name` text.*\)$/, '`name` text, `loud` text GENERATED ALWAYS AS (upper(name)) VIRTUAL)')
          .replace('"name") SELECT "id", "name"', '"name", "loud") SELECT "id", "name", "name"'),
      ),
      /copies its column loud, which is generated/,
    ],
    ['a dropped table that is not declared', ['DROP TABLE children'], /drops children and does not declare it/],
    [
      'deleted rows that are not declared',
      ['DELETE FROM children WHERE note IS NULL'],
      /deletes from children and does not declare/,
    ],
    ['two statements in a chunk', ['SELECT 1; SELECT 2'], /holds 2 statements/],
    ['a migration of comments only', ['-- nothing here'], /has no statement/],
    ['what fails on an empty database', ['INSERT INTO nowhere VALUES (1)'], /fails on an empty database/],
  ];
  for (const [what, statements, message] of cases) {
    it(`finds ${what}`, () => {
      assert.match(problemsOf(statements).join('\n'), message);
    });
  }

  it('lets a rebuild store the values of a column that was generated', () => {
    using empty = new Connection(adapter, ':memory:');
    const loud = migration('0001_loud', 'ALTER TABLE parents ADD loud text GENERATED ALWAYS AS (upper(name)) VIRTUAL');
    const stored = REBUILD.map((sql) =>
      sql.replace(/`name` text.*\)$/, '`name` text, `loud` text)').replaceAll('"id", "name"', '"id", "name", "loud"'),
    );
    const problems = trapsOf(empty, historyOf(FAMILY, loud, migration('0002_stored', ...stored)));
    assert.deepEqual(
      problems.map(({ message }) => message).filter((message) => / column loud\b/.test(message)),
      ['0002_stored rebuilds parents, and the new table lacks the generated column loud.'],
    );
  });

  it('names the view to drop first where a rebuild fails at it', () => {
    using empty = new Connection(adapter, ':memory:');
    const view = migration('0001_view', 'CREATE VIEW names AS SELECT name FROM parents');
    const [problem] = trapsOf(empty, historyOf(FAMILY, view, migration('0002_rebuild', ...REBUILD)));
    assert.match(problem?.message ?? '', /fails on an empty database/);
    assert.match(problem?.hint ?? '', /^DROP the view names at the beginning/);
  });

  it('finds a trigger, and an index that drizzle-kit does not know, which a rebuild drops', () => {
    const trigger = 'CREATE TRIGGER parents_count AFTER INSERT ON parents BEGIN SELECT 1; END';
    const index = 'CREATE INDEX parents_lower ON parents (lower(name))';
    const objects = migration('0001_objects', trigger, index);
    const find = (statements: readonly string[], droppedIndexes: string[] = []) => {
      using empty = new Connection(adapter, ':memory:');
      const rebuild = { ...migration('0002_rebuild', ...statements), droppedIndexes };
      return trapsOf(empty, historyOf(FAMILY, objects, rebuild)).map(({ message }) => message);
    };
    assert.deepEqual(find(REBUILD), [
      '0002_rebuild rebuilds parents and drops the trigger parents_count with the old one.',
      '0002_rebuild rebuilds parents and drops the index parents_lower with the old one.',
    ]);
    assert.deepEqual(find([...REBUILD, trigger, index]), []);
    assert.deepEqual(find([...REBUILD, trigger], ['parents_lower']), []);
    assert.deepEqual(find(['DROP TRIGGER parents_count', ...REBUILD, index]), []);
  });

  it('finds what drizzle-kit does not know of and a rebuild leaves out', () => {
    const find = (table: string, allow = '') => {
      using empty = new Connection(adapter, ':memory:');
      const first = migration('0000_first', `CREATE TABLE parents ${table}`);
      const rebuild = migration('0001_rebuild', `${allow}${REBUILD[0]}`, ...REBUILD.slice(1));
      return trapsOf(empty, historyOf(first, rebuild)).map(({ message }) => message);
    };
    assert.deepEqual(find('(id text PRIMARY KEY NOT NULL, name text NOT NULL)'), []);
    const strict = '(id text PRIMARY KEY NOT NULL, name text NOT NULL) STRICT';
    assert.deepEqual(find(strict), ['0001_rebuild rebuilds parents, and the new table lacks STRICT.']);
    assert.deepEqual(find(strict, '-- allow-loss: parents STRICT\n'), []);
    const generated = '(id text PRIMARY KEY NOT NULL, name text NOT NULL, n integer AS (length(name)))';
    assert.deepEqual(find(generated), [
      '0001_rebuild rebuilds parents, and the new table lacks the generated column n.',
    ]);
  });
});

describe('the names of migrations', () => {
  const randomNames = drizzleKitRandomNames(drizzleKitBin(ROOT));

  it('are refused where they are empty, random, or say nothing', () => {
    assert.ok(randomNames.adjectives.size > 100 && randomNames.heroes.size > 100);
    for (const name of [
      '',
      'lazy_gambit',
      'update',
      'schema_changes',
      'migration_2',
      'Agents',
      'a b',
      '../x',
      'wip',
      'a1b2c3',
      'x',
    ])
      assert.notEqual(problemOfName(name, randomNames), undefined, name);
    for (const name of ['consolidate', 'agent_budgets', 'relay_metrics', 'index_runs_by_session'])
      assert.equal(problemOfName(name, randomNames), undefined, name);
  });
});

describe('the migration folder', () => {
  const randomNames = drizzleKitRandomNames(drizzleKitBin(ROOT));

  /** A folder of two entries with the snapshots that drizzle-kit chains. */
  function folderOf(folder: string): void {
    writeFolder(folder, historyOf(FAMILY, REBUILD_PARENTS));
    const snapshot = (idx: number, id: string, prevId: string) =>
      writeFileSync(join(folder, 'meta', `000${idx}_snapshot.json`), JSON.stringify({ id, prevId }));
    snapshot(0, 'a', '0');
    snapshot(1, 'b', 'a');
  }

  const journal = (folder: string, edit: (text: string) => string) => {
    const path = join(folder, 'meta', '_journal.json');
    writeFileSync(path, edit(readFileSync(path, 'utf8')));
  };

  const cases: [string, (folder: string) => void, RegExp][] = [
    [
      'time stamps out of order',
      (folder) => journal(folder, (text) => text.replace(String(REBUILD_PARENTS.when), '5')),
      /0001_optional_names is not newer than 0000_family/,
    ],
    [
      'a number twice',
      (folder) => journal(folder, (text) => text.replace('0001_optional', '0000_optional')),
      /0000_optional_names is entry 1 of the journal/,
    ],
    [
      'a missing file',
      (folder) => rmSync(join(folder, '0001_optional_names.sql')),
      /in the journal but not in the folder/,
    ],
    [
      'a file more',
      (folder) => writeFileSync(join(folder, '0002_more.sql'), 'SELECT 1'),
      /0002_more.sql is in the folder but not in the journal/,
    ],
    [
      'a missing snapshot',
      (folder) => rmSync(join(folder, 'meta', '0001_snapshot.json')),
      /0001_optional_names has no snapshot/,
    ],
    [
      'two snapshots of one parent',
      (folder) => writeFileSync(join(folder, 'meta', '0001_snapshot.json'), '{"id":"b","prevId":"0"}'),
      /does not follow the previous one/,
    ],
    [
      'a random name',
      (folder) => journal(folder, (text) => text.replace('0001_optional_names', '0001_lazy_gambit')),
      /was chosen at random by drizzle-kit/,
    ],
  ];
  for (const [what, spoil, message] of cases) {
    it(`is refused with ${what}`, () => {
      using folder = temporaryFolder();
      folderOf(folder.path);
      assert.deepEqual(problemsOfFolder(folder.path, 'generate', randomNames), []);
      spoil(folder.path);
      assert.match(
        problemsOfFolder(folder.path, 'generate', randomNames)
          .map(({ message: text }) => text)
          .join('\n'),
        message,
      );
    });
  }
});
