import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { createDb } from '#entry';
import { acknowledgedIn, assertAcknowledged, assertKept, assertSound, writeHome } from '../oracle.ts';
import { EACH, type Scenario } from '../scenario.ts';

/** What a file would show that had lost something, or more than it should have; each must be noticed. */
const LOSSES = [
  "DELETE FROM relay_index WHERE id = 'ada-7'",
  "DELETE FROM relay_index WHERE id = 'ada-29'",
  "DELETE FROM relay_traces WHERE message_id = 'bob-3'",
  "DELETE FROM pulse_runs WHERE output = 'ada-12'",
  "UPDATE pulse_runs SET status = 'running' WHERE output = 'bob-0'",
  "UPDATE relay_index SET payload = payload || 'x' WHERE id = 'bob-16'",
  "DELETE FROM agent_denials WHERE path = '/denied/ada-25'",
  "INSERT INTO agent_denials (id, path, denier, created_at) VALUES ('x', '/denied/ada-4', 'ada', '')",
  "UPDATE agents SET last_seen_event = '28' WHERE id = 'ada'",
  "UPDATE rate_limit_buckets SET count = count - 1 WHERE agent_id = 'bob'",
  "UPDATE relay_counts SET pending = pending + 1 WHERE subject = 'ada'",
  "PRAGMA foreign_keys = OFF; DELETE FROM pulse_schedules WHERE name = 'ada'",
  "UPDATE __drizzle_migrations SET hash = 'x' WHERE rowid = 1",
  'DROP INDEX agent_denials_created',
];

/** The oracle itself: it must notice each kind of loss. */
export const ORACLE: Scenario = {
  name: 'oracle',
  promise: 'Whoever looks for losses notices each kind of them.',
  sides: EACH,
  rounds: { quick: LOSSES.length, usual: LOSSES.length },
  prepare: (bench) => {
    writeHome(join(bench.folder, 'dork.db'), bench.folder, ['ada', 'bob'], 30);
    return ({ number, folder }) => {
      cpSync(bench.folder, folder, { recursive: true });
      const file = join(folder, 'dork.db');
      assertKept(file, folder);
      const sql = LOSSES[number % LOSSES.length] ?? '';
      using db = createDb(file);
      db.$client.exec(sql);
      assert.throws(() => {
        assertSound(db);
        assertAcknowledged(db, acknowledgedIn(folder));
      }, assert.AssertionError);
      return undefined;
    };
  },
};
