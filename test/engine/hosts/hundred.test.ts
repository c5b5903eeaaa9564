/** A host's history of 100 migrations, from every point of it, on a file with rows, against plain SQL with keys off. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { defineDb } from '#entry';
import { Connection } from '../../../src/engine/connection/connection.ts';
import { dataTables, quoted } from '../../../src/engine/migrations/rows.ts';
import { stepsOf } from '../../../src/engine/migrations/steps.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER, RUNTIME } from '../../support/runtime.ts';
import { adapter } from '../migrations/support.ts';
import { GrowingHost, MIGRATIONS } from './hundred.ts';

/** Each driver goes from other points, every sixth; from each one with DORK_SOAK=1. */
const STEP = process.env.DORK_SOAK ? 1 : 6;
const FIRST = process.env.DORK_SOAK ? 1 : 1 + ['bun:sqlite', 'better-sqlite3', 'node:sqlite'].indexOf(DRIVER);

const host = new GrowingHost();
const of = (count: number) =>
  defineDb({
    name: 'host',
    schema: {},
    history: { migrations: host.migrations.slice(0, count) },
    allowLoss: host.allowLoss,
  });

/** Adds rows to every table, the people first; what they hold differs from call to call. */
function populate(connection: Connection, call: number): void {
  const names = dataTables(connection).filter((name) => name === 'people' || name.startsWith('things_'));
  for (const name of names.sort()) {
    const columns = connection.prepare<{ name: string }>('SELECT name FROM pragma_table_info(?)').all(name);
    const extras = columns.map((column) => column.name).filter((column) => column.startsWith('extra_'));
    const owner = name === 'people' ? [] : ['owner_id'];
    const insert = connection.prepare(
      `INSERT INTO ${name} (${['title', ...owner, ...extras].join(', ')}) VALUES (${['?', ...owner.map(() => '(SELECT max(id) FROM people)'), ...extras.map(() => '?')].join(', ')})`,
    );
    for (let i = 0; i < 2; i++) insert.run(`${name} ${call} ${i}`, ...extras.map((extra) => `${extra} of ${call}`));
  }
}

/** The schema, every row of every table, and what a search finds. */
function dump(connection: Connection): unknown {
  const schema = connection
    .prepare<{ sql: string | null; name: string }>(
      'SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name',
    )
    .all()
    .filter(({ name }) => !/__drizzle|_migrations_log/.test(name));
  const searches = schema.filter(({ sql }) => sql?.startsWith('CREATE VIRTUAL TABLE')).map(({ name }) => name);
  return [
    schema,
    dataTables(connection).map((name) => [name, connection.prepare(`SELECT * FROM ${quoted(name)} ORDER BY 1`).all()]),
    searches.map((name) => connection.prepare(`SELECT rowid FROM ${name} WHERE ${name} MATCH '1' ORDER BY 1`).values()),
    connection.prepare('SELECT name, seq FROM sqlite_sequence ORDER BY name').all(),
    connection.pragma('integrity_check', { simple: true }),
    connection.prepare('PRAGMA foreign_key_check').all(),
  ];
}

function byHand(file: string, from: number): unknown {
  using connection = new Connection(adapter, file);
  connection.exec('PRAGMA foreign_keys = OFF; BEGIN');
  for (const migration of host.migrations.slice(from)) for (const { sql } of stepsOf(migration)) connection.exec(sql);
  connection.exec('COMMIT');
  return dump(connection);
}

describe(`a host's history of ${MIGRATIONS} migrations, on ${RUNTIME}`, { timeout: 600_000 }, () => {
  it('has rebuilds, searches, triggers, views and declared drops', () => {
    const all = host.migrations.map(({ sql }) => sql).join('\n');
    for (const part of [
      'DROP TABLE `people`',
      'fts5',
      'CREATE TRIGGER',
      'CREATE VIEW',
      'STRICT',
      'lower(title)',
      'WHERE id % 2',
    ])
      assert.ok(all.includes(part), part);
    assert.ok(Object.keys(host.allowLoss).length >= 5);
  });

  it('comes out as plain SQL with keys off from its points, with rows, and loses nothing undeclared', {
    timeout: 600_000,
  }, () => {
    using folder = temporaryFolder();
    const walker = folder.file('walker.db');
    for (let point = FIRST; point < MIGRATIONS; point += STEP) {
      of(point).runMigrations(walker, { snapshot: false });
      {
        using db = of(point).createDb(walker);
        populate(db.$client, point);
      }
      const [ours, plain] = [folder.file(`ours-${point}.db`), folder.file(`plain-${point}.db`)];
      copyFileSync(walker, ours);
      copyFileSync(walker, plain);
      const report = of(MIGRATIONS).runMigrations(ours, { snapshot: false });
      assert.deepEqual([report.applied.length, report.drift, report.dangling], [MIGRATIONS - point, [], []]);
      using connection = new Connection(adapter, ours);
      assert.deepEqual(dump(connection), byHand(plain, point), `from ${point}`);
    }
  });

  it('is refused from each point at which a drop is not declared, with everything as it was', () => {
    using folder = temporaryFolder();
    const tags = Object.keys(host.allowLoss);
    for (const tag of tags) {
      const place = host.migrations.findIndex((migration) => migration.tag === tag);
      const file = folder.file(`${tag}.db`);
      {
        using db = of(place).createDb(file);
        populate(db.$client, place);
      }
      const history = { migrations: host.migrations.slice(0, place + 1) };
      const undeclared = defineDb({ name: 'host', schema: {}, history });
      const [table] = host.allowLoss[tag] ?? [];
      assert.throws(() => undeclared.createDb(file), {
        code: 'MIGRATION_DATA_LOSS',
        message: new RegExp(`${tag} would leave 0 of the 2 rows of ${table}`),
      });
      assert.equal(of(place).migrationStatus(file).state, 'current');
    }
  });
});
