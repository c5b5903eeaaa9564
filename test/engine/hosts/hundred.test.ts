/** A host's history of 100 migrations, from every point of it, on a file with rows, against plain SQL with keys off. */
import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { defineDb } from '#entry';
import { Connection } from '../../../src/engine/connection/connection.ts';
import { stepsOf } from '../../../src/engine/migrations/steps.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER } from '../../support/runtime.ts';
import { adapter } from '../migrations/support.ts';
import { dump, GrowingHost, growingHost, MIGRATIONS, populate } from './hundred.ts';

/** The drivers share the points: each takes every third, and all of them with DORK_SOAK=1. */
const STEP = process.env.DORK_SOAK ? 1 : 3;
const FIRST = process.env.DORK_SOAK ? 1 : 1 + ['bun:sqlite', 'better-sqlite3', 'node:sqlite'].indexOf(DRIVER);

const host = new GrowingHost();

function byHand(file: string, from: number): unknown {
  using connection = new Connection(adapter, file);
  connection.exec('PRAGMA foreign_keys = OFF; BEGIN');
  for (const migration of host.migrations.slice(from)) for (const { sql } of stepsOf(migration)) connection.exec(sql);
  connection.exec('COMMIT');
  return dump(connection);
}

describe(`a host's history of ${MIGRATIONS} migrations, on ${DRIVER}`, { timeout: 600_000 }, () => {
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
      growingHost(point).runMigrations(walker, { snapshot: false });
      {
        using db = growingHost(point).createDb(walker);
        populate(db.$client, point);
      }
      const [ours, plain] = [folder.file(`ours-${point}.db`), folder.file(`plain-${point}.db`)];
      copyFileSync(walker, ours);
      copyFileSync(walker, plain);
      const report = growingHost().runMigrations(ours, { snapshot: false });
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
        using db = growingHost(place).createDb(file);
        populate(db.$client, place);
      }
      const history = { migrations: host.migrations.slice(0, place + 1) };
      const undeclared = defineDb({ name: 'host', schema: {}, history });
      const [table] = host.allowLoss[tag] ?? [];
      assert.throws(() => undeclared.createDb(file), {
        code: 'MIGRATION_DATA_LOSS',
        message: new RegExp(`${tag} would leave 0 of the 2 rows of ${table}`),
      });
      assert.equal(growingHost(place).migrationStatus(file).state, 'current');
    }
  });
});
