import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Connection } from '../../../src/engine/connection/connection.ts';
import { type History, readHistory } from '../../../src/engine/migrations/history.ts';
import { type MigrateOptions, migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { fileWith, NOTES, NOTES_NEW, rebuild, refused, THREE, then } from './loss-support.ts';
import { count, historyOf, migration, open, writeFolder } from './support.ts';

describe(`an index that a rebuild forgets, on ${RUNTIME}`, () => {
  const INDEXES = [
    'CREATE INDEX notes_state ON notes (state) WHERE n > 1',
    'CREATE UNIQUE INDEX notes_lower ON notes (lower(body))',
    'CREATE INDEX notes_n ON notes (n)',
  ];
  const withoutN = NOTES_NEW.replace(', n integer', '');
  const indexes = (connection: Connection) =>
    connection
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
      .values()
      .flat();

  it('is refused by name, all of them at once, also on a new file', () => {
    const forgets = migration('0001_forgets', ...rebuild('notes', NOTES_NEW, 'id, body, state, n'));
    fileWith([NOTES, ...INDEXES], THREE, (connection, first) => {
      const { hint } = refused(connection, then(first, forgets), /the index notes_state .* the index notes_lower/);
      assert.match(
        hint,
        /Create notes_state, notes_lower, notes_n again .* allowLoss: \{"0001_forgets":\["notes_state","notes_lower","notes_n"\]\}/,
      );
      assert.deepEqual(indexes(connection), ['notes_lower', 'notes_n', 'notes_state']);
    });
    using folder = temporaryFolder();
    using connection = open(folder.file('new.db'));
    const history = historyOf(migration('0000_first', NOTES, ...INDEXES), forgets);
    const schema = [`CREATE TABLE "notes" (${NOTES_NEW})`];
    for (const known of [history, { ...history, schema }])
      assert.throws(() => migrate(connection, known), {
        code: 'MIGRATION_DATA_LOSS',
        message: /the index notes_lower/,
      });
  });

  it('passes if it is created again, dropped by name, allowed, or known to be dropped by drizzle-kit', () => {
    const table = rebuild('notes', NOTES_NEW, 'id, body, state, n');
    const [state, lower, n] = INDEXES as [string, string, string];
    const passes: [History['migrations'][number], MigrateOptions?][] = [
      [migration('0001_again', ...table, ...INDEXES)],
      [migration('0001_dropped', 'DROP INDEX notes_state', ...table, lower, n)],
      [migration('0001_said', `-- allow-loss: notes_state\n${table[0]}`, ...table.slice(1), lower, n)],
      [migration('0001_allowed', ...table, lower, n), { allowLoss: { '0001_allowed': ['notes_state'] } }],
      [{ ...migration('0001_kit', ...table, state, lower), droppedIndexes: ['notes_n'] }],
    ];
    for (const [passing, options] of passes)
      fileWith([NOTES, ...INDEXES], THREE, (connection, first) => {
        const { drift } = migrate(connection, then(first, passing), options);
        assert.deepEqual([drift, count(connection, 'notes')], [[], 3]);
      });
  });

  it('goes with its column', () => {
    const without = migration('0001_no_n', ...rebuild('notes', withoutN, 'id, body, state'), ...INDEXES.slice(1, 2));
    fileWith([NOTES, ...INDEXES.slice(1)], THREE, (connection, first) => {
      migrate(connection, then(first, without));
      assert.deepEqual(indexes(connection), ['notes_lower']);
    });
  });

  it('is created again if only this file has it, and refused if that is impossible', () => {
    const table = rebuild('notes', NOTES_NEW, 'id, body, state, n');
    fileWith([NOTES], THREE, (connection, first) => {
      connection.exec('CREATE INDEX by_hand ON notes (state, n) WHERE n > 1');
      const { drift } = migrate(connection, then(first, migration('0001_rebuild', ...table)));
      assert.deepEqual(drift, [{ kind: 'extra', type: 'index', name: 'by_hand' }]);
      assert.deepEqual(indexes(connection), ['by_hand']);
    });
    fileWith([NOTES], THREE, (connection, first) => {
      connection.exec('CREATE UNIQUE INDEX by_hand ON notes (id + 0)');
      const doubled = migration(
        '0001_same',
        ...rebuild('notes', 'id integer, body, state, n', 'id, body, state, n', '1, body, state, n'),
      );
      refused(connection, then(first, doubled), /the index by_hand/);
      assert.deepEqual(indexes(connection), ['by_hand']);
    });
  });

  it('passes if the snapshots of drizzle-kit show that it was dropped', () => {
    using folder = temporaryFolder();
    const rebuilt = migration('0001_kit', ...rebuild('notes', NOTES_NEW, 'id, body, state, n'), ...INDEXES.slice(1));
    const path = writeFolder(folder.file('drizzle'), historyOf(migration('0000_first', NOTES, ...INDEXES), rebuilt));
    const names = ['notes_state', 'notes_lower', 'notes_n'];
    for (const [idx, left] of [names, names.slice(1)].entries()) {
      const indexes = Object.fromEntries(left.map((name) => [name, { name, isUnique: false }]));
      const snapshot = { tables: { notes: { name: 'notes', columns: {}, indexes } } };
      writeFileSync(join(path, 'meta', `000${idx}_snapshot.json`), JSON.stringify(snapshot));
    }
    const history = readHistory(path);
    assert.deepEqual(
      history.migrations.map(({ droppedIndexes }) => droppedIndexes),
      [[], ['notes_state']],
    );
    using connection = open(folder.file('notes.db'));
    migrate(connection, historyOf(...history.migrations.slice(0, 1)));
    connection.exec(THREE);
    assert.deepEqual(migrate(connection, history).drift, []);
    rmSync(join(path, 'meta', '0001_snapshot.json'));
    assert.deepEqual(
      readHistory(path).migrations.map(({ droppedIndexes }) => droppedIndexes),
      [[], []],
    );
  });
});
