import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Connection } from '../../../src/engine/connection/connection.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { listSnapshots } from '../../../src/engine/migrations/snapshot.ts';
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
} from '../../engine/migrations/support.ts';
import { assertNoWreckage } from '../oracle.ts';
import { killed, type Moment, wreckageIn } from './kill.ts';

const PARENTS = 2000;

/** Rebuilds a table, moves data and builds indexes. */
const LONG = migration(
  '0002_long',
  'CREATE TABLE visits (id integer PRIMARY KEY, child integer NOT NULL, at text NOT NULL)',
  `INSERT INTO visits (child, at) SELECT c.id, hex(c.id * n.value) FROM children c,
   (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 9) SELECT value FROM n) n`,
  'CREATE INDEX visits_at ON visits (at)',
  "UPDATE visits SET at = at || '!'",
);
const HISTORY = historyOf(FAMILY, REBUILD_PARENTS, LONG);

const fileIn = (home: string) => join(home, 'family.db');

function assertWhole(connection: Connection): boolean {
  assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
  assert.deepEqual(connection.prepare('PRAGMA foreign_key_check').all(), []);
  assert.equal(count(connection, 'parents'), PARENTS);
  assert.equal(count(connection, 'children'), PARENTS * CHILDREN_OF_EACH);
  const applied = ledgerHashes(connection).length;
  const isDone = applied === HISTORY.migrations.length;
  assert.ok(isDone || applied === 1, `${applied} migrations are applied`);
  assert.equal(
    count(connection, "sqlite_schema WHERE name LIKE 'visits%' OR name LIKE '\\_\\_new%' ESCAPE '\\'"),
    isDone ? 2 : 0,
  );
  if (isDone) assert.equal(count(connection, "visits WHERE at LIKE '%!'"), PARENTS * CHILDREN_OF_EACH * 9);
  return isDone;
}

/** Every file that counts as a snapshot holds the state from before. */
function assertSnapshotsWhole(file: string): void {
  for (const snapshot of listSnapshots(file)) {
    using copy = new Connection(adapter, snapshot, { readonly: true });
    assert.equal(ledgerHashes(copy).length, 1);
    assert.equal(count(copy, 'children'), PARENTS * CHILDREN_OF_EACH);
  }
}

const MIGRATE: Moment = {
  name: 'migrate',
  promise: 'A migration that is killed leaves the file before or after it, never between; the next start goes on.',
  job: 'migrate',
  model: (home) => {
    using connection = open(fileIn(home));
    migrate(connection, historyOf(FAMILY));
    fillFamily(connection, PARENTS);
    writeFolder(join(home, 'drizzle'), HISTORY);
  },
  args: (home) => ({ file: fileIn(home), folder: join(home, 'drizzle') }),
  check: (home) => {
    assertSnapshotsWhole(fileIn(home));
    const hasHalfSnapshot = wreckageIn(home).length > 0;
    using connection = open(fileIn(home));
    const wasDone = assertWhole(connection);
    migrate(connection, HISTORY);
    assert.ok(assertWhole(connection));
    assertSnapshotsWhole(fileIn(home));
    if (!wasDone) assertNoWreckage(home);
    return hasHalfSnapshot ? 'half a snapshot' : wasDone ? 'after' : 'before';
  },
  rounds: { quick: 4, usual: 40 },
  mustMeet: ['before|half a snapshot'],
};

const SNAPSHOT: Moment = {
  ...MIGRATE,
  name: 'snapshot',
  promise: 'Half a snapshot is no snapshot, and the next start removes it.',
  phase: 'snapshot',
  rounds: { quick: 6, usual: 30 },
  mustMeet: ['half a snapshot'],
};

export const KILL_MIGRATE = [MIGRATE, SNAPSHOT].map(killed);
