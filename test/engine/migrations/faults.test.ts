import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DatabaseBusyError } from '../../../src/engine/errors.ts';
import { type History, hashOf, type Migration } from '../../../src/engine/migrations/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { start } from '../../support/processes.ts';
import { RUNTIME, type Runtime } from '../../support/runtime.ts';
import {
  count,
  FAMILY,
  fillFamily,
  historyOf,
  ledgerHashes,
  migration,
  open,
  REBUILD_PARENTS,
  writeFolder,
} from './support.ts';

interface Answer {
  readonly done?: { readonly applied: readonly { readonly tag: string }[]; readonly snapshot?: string };
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

const AGES = migration('0001_ages', 'ALTER TABLE parents ADD COLUMN age integer');
const CITIES = migration('0002_cities', 'ALTER TABLE parents ADD COLUMN city text');

/** Runs the migrator as a process of a runtime and gives its last line. */
async function migrateOn(runtime: Runtime, path: string, history: History): Promise<Answer> {
  using folder = temporaryFolder();
  const lines = await start('test/engine/migrations/fixtures/migrator.ts', [path, writeFolder(folder.path, history)], {
    runtime,
  }).all<Answer>();
  return lines.at(-1) ?? {};
}

function edited(of: Migration): Migration {
  const sql = `${of.sql} DEFAULT 7`;
  return { ...of, sql, hash: hashOf(sql) };
}

/** The bytes of the file and the names around it, without what only readers leave. */
function stateOf(folder: string, path: string): unknown {
  const names = readdirSync(folder, { recursive: true }).map(String).sort();
  return [names, createHash('sha256').update(readFileSync(path)).digest('hex')];
}

for (const runtime of ['bun', 'node'] as const) {
  describe(`migrations in a process of ${runtime}, from ${RUNTIME}`, { timeout: 120_000 }, () => {
    const refusals: [string, readonly Migration[], History, string, RegExp][] = [
      [
        'rows that would be lost',
        [FAMILY],
        historyOf(FAMILY, migration('0001_lost', 'DELETE FROM children')),
        'MIGRATION_DATA_LOSS',
        /0 of the 30 rows of children/,
      ],
      [
        'references that would dangle',
        [FAMILY],
        historyOf(FAMILY, migration('0001_dangling', "UPDATE children SET parent_id = 'gone' WHERE id = 4")),
        'MIGRATION_FOREIGN_KEYS',
        /from children to parents, rowid 4/,
      ],
      [
        'an entry that a merge put before the last applied one',
        [FAMILY, CITIES],
        historyOf(FAMILY, AGES, CITIES),
        'MIGRATION_OUT_OF_ORDER',
        /0001_ages is not applied/,
      ],
      [
        'an applied entry that was edited',
        [FAMILY, AGES],
        historyOf(FAMILY, edited(AGES), CITIES),
        'MIGRATION_EDITED',
        new RegExp(AGES.hash),
      ],
      [
        'a database that is newer',
        [FAMILY, AGES],
        historyOf(FAMILY),
        'MIGRATION_NEWER_DATABASE',
        /0001_ages \(applied 20/,
      ],
      [
        'two statements in a chunk',
        [FAMILY],
        historyOf(FAMILY, migration('0001_two', 'CREATE TABLE a (id); DROP TABLE children')),
        'MIGRATION_FAILED',
        /Chunk 1 of 0001_two holds 2 statements/,
      ],
    ];
    for (const [what, applied, history, code, message] of refusals) {
      it(`refuse ${what}, and leave the file byte for byte as it was`, { timeout: 60_000 }, async () => {
        using folder = temporaryFolder();
        const path = folder.file('family.db');
        {
          using connection = open(path);
          migrate(connection, historyOf(FAMILY));
          fillFamily(connection);
          migrate(connection, historyOf(...applied));
        }
        rmSync(folder.file('backups'), { recursive: true, force: true });
        const before = stateOf(folder.path, path);
        const { error } = await migrateOn(runtime, path, history);
        assert.equal(error?.code, code, JSON.stringify(error));
        assert.match(error.message, message);
        assert.notEqual(error.hint, '');
        rmSync(folder.file('backups'), { recursive: true, force: true });
        assert.deepEqual(stateOf(folder.path, path), before);
      });
    }

    it('keep the children of a rebuilt parent, and know an entry whose time stamp changed', {
      timeout: 60_000,
    }, async () => {
      using folder = temporaryFolder();
      const path = folder.file('family.db');
      {
        using connection = open(path);
        migrate(connection, historyOf(FAMILY));
        fillFamily(connection);
      }
      const { done } = await migrateOn(runtime, path, historyOf({ ...FAMILY, when: 1 }, REBUILD_PARENTS));
      assert.deepEqual(
        done?.applied.map(({ tag }) => tag),
        ['0001_optional_names'],
      );
      using connection = open(path);
      assert.deepEqual([count(connection, 'parents'), count(connection, 'children')], [10, 30]);
    });
  });
}

describe(`one file on both runtimes, from ${RUNTIME}`, { timeout: 120_000 }, () => {
  it('is brought up by each in turn, with one history', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    const migrations = [FAMILY, AGES, CITIES, migration('0003_index', 'CREATE INDEX i ON parents (city)')];
    for (const [i] of migrations.entries()) {
      const { done } = await migrateOn(i % 2 ? 'node' : 'bun', path, historyOf(...migrations.slice(0, i + 1)));
      assert.equal(done?.applied.length, 1);
    }
    for (const runtime of ['bun', 'node'] as const)
      assert.deepEqual((await migrateOn(runtime, path, historyOf(...migrations))).done?.applied, []);
    using connection = open(path);
    assert.deepEqual(
      ledgerHashes(connection),
      migrations.map(({ hash }) => hash),
    );
  });

  it('waits for a writer no longer than it is told, and changes nothing then', () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    using connection = open(path);
    migrate(connection, historyOf(FAMILY));
    using writer = open(path);
    writer.exec('BEGIN IMMEDIATE');
    assert.throws(
      () => migrate(connection, historyOf(FAMILY, AGES), { lockTimeoutMs: 30 }),
      (error) => error instanceof DatabaseBusyError && error.retryable,
    );
    assert.equal(connection.pragma('foreign_keys', { simple: true }), 1);
    assert.equal(connection.inTransaction, false);
    writer.exec('ROLLBACK');
    assert.equal(migrate(connection, historyOf(FAMILY, AGES)).applied.length, 1);
  });
});
