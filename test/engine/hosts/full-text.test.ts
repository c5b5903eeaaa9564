/** Full-text search over a table whose rows a rebuild numbers again. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineDb } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { historyOf, migration } from '../migrations/support.ts';

interface Case {
  /** The columns before `title`. */
  readonly columns: string;
  readonly names: string;
  readonly options: string;
  readonly values: (id: number) => string;
}

const CASES: Readonly<Record<string, Case>> = {
  'a text key': {
    columns: 'sku text PRIMARY KEY NOT NULL',
    names: 'sku',
    options: "content='items'",
    values: (id) => `'S${id}'`,
  },
  'no key': {
    columns: 'sku text',
    names: 'sku',
    options: 'content=items, content_rowid=rowid',
    values: (id) => `'S${id}'`,
  },
  'a key of two columns': {
    columns: 'a integer, b integer',
    names: 'a, b',
    options: 'content="items"',
    values: (id) => `${id}, ${id}`,
  },
  'an id of its own': {
    columns: 'id integer PRIMARY KEY NOT NULL',
    names: 'id',
    options: "content='items', content_rowid='id'",
    values: (id) => String(id),
  },
};

const TRIGGER =
  'CREATE TRIGGER items_in AFTER INSERT ON items BEGIN INSERT INTO search(rowid, title) VALUES (new.rowid, new.title); END';
const TRIGGER_OUT =
  "CREATE TRIGGER items_out AFTER DELETE ON items BEGIN INSERT INTO search(search, rowid, title) VALUES ('delete', old.rowid, old.title); END";

describe(`full-text search after a rebuild, on ${RUNTIME}`, () => {
  for (const version of ['fts5', 'fts4']) {
    for (const [what, { columns, names, options, values }] of Object.entries(CASES)) {
      if (version === 'fts4' && options.includes('rowid')) continue;
      it(`finds the same rows of a table with ${what} by ${version}`, () => {
        using folder = temporaryFolder();
        const file = folder.file('shop.db');
        const key = names.includes(',') ? `, PRIMARY KEY (${names})` : '';
        const triggers = version === 'fts5' ? [TRIGGER, TRIGGER_OUT] : [TRIGGER.replace('(rowid', '(docid')];
        const first = migration(
          '0000_items',
          `CREATE TABLE items (${columns}, title text NOT NULL${key})`,
          `CREATE VIRTUAL TABLE search USING ${version}(${options}, title)`,
          ...triggers,
        );
        const rebuild = migration(
          '0001_rebuild',
          `CREATE TABLE __new_items (${columns}, title text${key})`,
          `INSERT INTO __new_items(${names}, title) SELECT ${names}, title FROM items`,
          'DROP TABLE items',
          'ALTER TABLE __new_items RENAME TO items',
          ...triggers,
        );
        const found = (db: { $client: { prepare(sql: string): { values(...params: string[]): unknown[][] } } }) =>
          ['anvil', 'bolt', 'chain', 'drill'].flatMap((word) =>
            db.$client
              .prepare('SELECT title FROM items WHERE rowid IN (SELECT rowid FROM search WHERE search MATCH ?)')
              .values(word)
              .flat(),
          );
        {
          using db = defineDb({ name: 'shop', schema: {}, history: historyOf(first) }).createDb(file);
          for (const [i, title] of ['anvil', 'bolt', 'chain', 'drill'].entries())
            db.$client.exec(`INSERT INTO items (${names}, title) VALUES (${values(i + 1)}, '${title}')`);
          if (version === 'fts4') db.$client.exec('DELETE FROM search WHERE docid = 2');
          db.$client.exec("DELETE FROM items WHERE title = 'bolt'");
          assert.deepEqual(found(db), ['anvil', 'chain', 'drill']);
        }
        using db = defineDb({ name: 'shop', schema: {}, history: historyOf(first, rebuild) }).createDb(file);
        assert.deepEqual(found(db), ['anvil', 'chain', 'drill']);
        db.$client.exec(
          version === 'fts5'
            ? "INSERT INTO search(search, rank) VALUES ('integrity-check', 1)"
            : "INSERT INTO search(search) VALUES ('integrity-check')",
        );
      });
    }
  }
});
