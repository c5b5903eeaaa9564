import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { describe, it } from 'node:test';
import { Connection } from '../../../src/engine/connection/connection.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { listSnapshots } from '../../../src/engine/migrations/snapshot.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { start } from '../../support/processes.ts';
import { RUNTIME } from '../../support/runtime.ts';
import {
  adapter,
  CHILDREN_OF_EACH,
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

const SOAK = process.env.DORK_SOAK === '1';
const KILLS = SOAK ? 50 : 5;

/** With as many as in the full run the migration takes two seconds. */
const PARENTS = SOAK ? 12_000 : 2_000;

/** Rebuilds a table, moves data and builds indexes: the same work on every run. */
const LONG = migration(
  '0002_long',
  'CREATE TABLE visits (id integer PRIMARY KEY, child integer NOT NULL, at text NOT NULL)',
  `INSERT INTO visits (child, at) SELECT c.id, hex(c.id * n.value) FROM children c,
   (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 9) SELECT value FROM n) n`,
  'CREATE INDEX visits_at ON visits (at)',
  'CREATE INDEX visits_child ON visits (child, at)',
  "UPDATE visits SET at = at || '!'",
);
const LONG_ROWS = PARENTS * CHILDREN_OF_EACH * 9;
const HISTORY = historyOf(FAMILY, REBUILD_PARENTS, LONG);

/** A file at the first migration, large enough that its snapshot takes a while too. */
function makeOriginal(path: string): void {
  using connection = open(path);
  migrate(connection, historyOf(FAMILY));
  fillFamily(connection, PARENTS);
}

function isAfter(connection: Connection): boolean {
  return ledgerHashes(connection).length === HISTORY.migrations.length;
}

/** Before or after, never between. */
function assertWhole(connection: Connection): void {
  assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
  assert.equal(count(connection, 'parents'), PARENTS);
  assert.equal(count(connection, 'children'), PARENTS * CHILDREN_OF_EACH);
  const isDone = isAfter(connection);
  assert.equal(ledgerHashes(connection).length, isDone ? 3 : 1);
  assert.equal(count(connection, "sqlite_schema WHERE name LIKE 'visits%' OR name LIKE '__new%'"), isDone ? 3 : 0);
  if (isDone) assert.equal(count(connection, "visits WHERE at LIKE '%!'"), LONG_ROWS);
}

/** Every file that counts as a snapshot holds the state from before. */
function assertSnapshotsWhole(path: string): void {
  for (const snapshot of listSnapshots(path)) {
    using copy = new Connection(adapter, snapshot, { readonly: true });
    assert.equal(ledgerHashes(copy).length, 1);
    assert.equal(count(copy, 'children'), PARENTS * CHILDREN_OF_EACH);
  }
}

describe(`a migration that is killed, on ${RUNTIME}`, () => {
  it(`leaves the file before or after it at any of ${KILLS} moments, and the next start goes on`, {
    timeout: 900_000,
  }, async () => {
    using base = temporaryFolder();
    const original = base.file('family.db');
    makeOriginal(original);
    const migrations = writeFolder(base.file('drizzle'), HISTORY);

    using whole = temporaryFolder();
    copyFileSync(original, whole.file('family.db'));
    const undisturbed = start('test/engine/migrations/fixtures/migrator.ts', [whole.file('family.db'), migrations]);
    await undisturbed.next();
    const started = performance.now();
    await undisturbed.all();
    const duration = performance.now() - started;
    if (SOAK) assert.ok(duration >= 1000, `the migration took ${duration} ms, too short to be met in the middle`);

    let killedBetween = 0;
    // On a machine that became faster meanwhile the kills come too late: then more of them, and earlier.
    for (let kill = 0; kill < KILLS || (killedBetween < KILLS / 2 && kill < 10 * KILLS); kill++) {
      using folder = temporaryFolder();
      const path = folder.file('family.db');
      copyFileSync(original, path);
      const fixture = start('test/engine/migrations/fixtures/migrator.ts', [path, migrations]);
      await fixture.next();
      // One part of the range for each kill, so that all of it is met.
      const part = ((kill % KILLS) + Math.random()) / KILLS;
      await new Promise((resolve) => setTimeout(resolve, duration * part * (kill < KILLS ? 1 : 0.3)));
      fixture.child.kill('SIGKILL');
      await fixture.ended;
      {
        using connection = open(path);
        assertWhole(connection);
        if (!isAfter(connection)) killedBetween++;
      }
      assertSnapshotsWhole(path);
      const [last] = (
        await start('test/engine/migrations/fixtures/migrator.ts', [path, migrations]).all<{ done?: unknown }>()
      ).slice(-1);
      assert.ok(last?.done, JSON.stringify(last));
      using connection = open(path);
      assert.ok(isAfter(connection));
      assertWhole(connection);
      assert.deepEqual(
        readdirSync(folder.file('backups')).filter((name) => name.includes('.partial')),
        [],
      );
    }
    assert.ok(killedBetween >= KILLS / 2, `only ${killedBetween} of ${KILLS} kills met the migration`);
  });

  it('leaves of a half snapshot only wreckage that is no snapshot, and that the next start removes', {
    timeout: 300_000,
  }, async () => {
    using folder = temporaryFolder();
    const path = folder.file('family.db');
    makeOriginal(path);
    const migrations = writeFolder(folder.file('drizzle'), HISTORY);
    let wreckage: string[] = [];
    for (let attempt = 0; attempt < 20 && wreckage.length === 0; attempt++) {
      const fixture = start('test/engine/migrations/fixtures/migrator.ts', [path, migrations]);
      assert.equal((await fixture.next<{ phase: string }>()).phase, 'snapshot');
      await new Promise((resolve) => setTimeout(resolve, attempt));
      fixture.child.kill('SIGKILL');
      await fixture.ended;
      wreckage = existsSync(folder.file('backups'))
        ? readdirSync(folder.file('backups')).filter((name) => name.includes('.partial'))
        : [];
    }
    assert.notEqual(wreckage.length, 0, 'no kill met the snapshot');
    assertSnapshotsWhole(path);
    using connection = open(path);
    assertWhole(connection);
    assert.equal(ledgerHashes(connection).length, 1);
    const { snapshot } = migrate(connection, HISTORY);
    assertWhole(connection);
    const left = readdirSync(folder.file('backups'));
    assert.deepEqual(
      left.filter((name) => wreckage.includes(name)),
      [],
    );
    assert.ok(snapshot !== undefined && listSnapshots(path).includes(snapshot));
    assertSnapshotsWhole(path);
  });
});
