import assert from 'node:assert/strict';
import { Connection } from '../../src/engine/connection/connection.ts';
import { migrate } from '../../src/engine/migrations/runner.ts';
import { listSnapshots } from '../../src/engine/migrations/snapshot.ts';
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
} from '../engine/migrations/support.ts';

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

/** A file that is two migrations behind, and so many parents in it. */
export class Family {
  readonly parents: number;

  constructor(parents: number) {
    this.parents = parents;
  }

  /** Makes the file, and the history in a folder. */
  make(file: string, folder: string): void {
    using connection = open(file);
    migrate(connection, historyOf(FAMILY));
    fillFamily(connection, this.parents);
    writeFolder(folder, HISTORY);
  }

  /** The file is before the migrations or after them, and has every row. Gives true for after. */
  assertWhole(connection: Connection): boolean {
    const children = this.parents * CHILDREN_OF_EACH;
    assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
    assert.deepEqual(connection.prepare('PRAGMA foreign_key_check').all(), []);
    assert.equal(count(connection, 'parents'), this.parents);
    assert.equal(count(connection, 'children'), children);
    const applied = ledgerHashes(connection).length;
    const isDone = applied === HISTORY.migrations.length;
    assert.ok(isDone || applied === 1, `${applied} migrations are applied`);
    assert.equal(
      count(connection, "sqlite_schema WHERE name LIKE 'visits%' OR name LIKE '\\_\\_new%' ESCAPE '\\'"),
      isDone ? 2 : 0,
    );
    if (isDone) assert.equal(count(connection, "visits WHERE at LIKE '%!'"), children * 9);
    return isDone;
  }

  /** Every file that counts as a snapshot holds the state from before. Gives how many there are. */
  assertSnapshotsWhole(file: string): number {
    const snapshots = listSnapshots(file);
    for (const snapshot of snapshots) {
      using copy = new Connection(adapter, snapshot, { readonly: true });
      assert.equal(ledgerHashes(copy).length, 1);
      assert.equal(count(copy, 'children'), this.parents * CHILDREN_OF_EACH);
    }
    return snapshots.length;
  }

  /** Opens the file, and applies what it lacks. Gives true if nothing was lacking. */
  goOn(file: string): boolean {
    using connection = open(file);
    const wasDone = this.assertWhole(connection);
    migrate(connection, HISTORY);
    assert.ok(this.assertWhole(connection));
    this.assertSnapshotsWhole(file);
    return wasDone;
  }
}
