/** kill -9 at any moment of an import, then again: complete, nothing doubled. DORK_SOAK=1 runs all 50 rounds. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { createDb, type Db, importLegacy } from '#entry';
import { ROOT, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import {
  agent,
  MESSAGES,
  meshAt,
  type OlderHome,
  olderHome,
  PULSE,
  schedule,
  stateOf,
  TRACES,
} from './fixtures/older-home.ts';

const ROUNDS = process.env.DORK_SOAK ? 50 : 2;

/** Rows of each big table: 200,000 in all, and 40,000 in CI. */
const RUNS = process.env.DORK_SOAK ? 60_000 : 12_000;
const RELAY = process.env.DORK_SOAK ? 70_000 : 14_000;

const ALL_ROWS = RUNS + 2 * RELAY + 50;

const TABLES = [
  'pulse_schedules',
  'pulse_runs',
  'relay_index',
  'relay_traces',
  'agents',
  'rate_limit_buckets',
  'legacy_rows',
];

/** How many rows there are, and how many different ones. */
function countsOf(db: Db): Record<string, unknown> {
  const counts: Record<string, unknown> = {};
  for (const table of TABLES) {
    counts[table] = db.$client.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n;
  }
  const sum = (sql: string) => Object.values(db.$client.prepare(sql).get() ?? {});
  counts.runs = sum('SELECT count(DISTINCT id), sum(duration_ms), min(created_at), max(created_at) FROM pulse_runs');
  counts.messages = sum(
    'SELECT count(DISTINCT id), count(expires_at), min(created_at), max(created_at) FROM relay_index',
  );
  counts.spans = sum(
    'SELECT count(DISTINCT message_id), count(DISTINCT id), min(sent_at), max(delivered_at) FROM relay_traces',
  );
  counts.bySubject = db.$client.prepare('SELECT * FROM relay_counts ORDER BY subject').all();
  counts.calls = sum('SELECT sum(count) FROM rate_limit_buckets');
  return counts;
}

describe(`an import that is killed on ${RUNTIME}`, () => {
  let older: OlderHome;
  let whole: Record<string, unknown>;
  let untouched: Record<string, string>;
  let wholeMs = 0;

  const prepare = () => {
    older = olderHome();
    older.schedules(Array.from({ length: 10 }, (_, i) => schedule(`s${i}`)));
    const numbers = (n: number) => `WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < ${n})`;
    const at = "strftime('%Y-%m-%dT%H:%M:%S', 1770000000 + n, 'unixepoch') || '.000Z'";
    older.write(
      'pulse.db',
      `${PULSE} INSERT INTO runs (id, schedule_id, status, started_at, duration_ms, trigger, created_at) ${numbers(RUNS)}
        SELECT 'r' || n, 's' || (n % 12), 'completed', ${at}, n, 'manual', ${at} FROM i;`,
    );
    older.write(
      'relay/index.db',
      `${MESSAGES} ${TRACES} INSERT INTO messages ${numbers(RELAY)}
        SELECT 'm' || n, 'subject ' || (n % 50), 'sender', 'h' || (n % 20), 'new', ${at}, (n % 2) * (1770000000000 + n) FROM i;
      INSERT INTO message_traces (message_id, trace_id, span_id, subject, from_endpoint, to_endpoint, status, sent_at, delivered_at) ${numbers(RELAY)}
        SELECT 'm' || n, 't' || (n / 3), 's' || n, 's', 'f', 't', 'delivered', 1770000000000 + n, 1770000000000 + n + n % 100 FROM i;`,
    );
    older.write('mesh/mesh.db', meshAt(4), {
      agents: Array.from({ length: 20 }, (_, i) => agent(`a${i}`)),
      budget_counters: Array.from({ length: 20 }, (_, i) => ({ agent_id: `a${i}`, bucket_minute: i, call_count: i })),
    });
    untouched = stateOf(older.home);
    const began = performance.now();
    const receipt = importLegacy(older.db, { home: older.home, keepOrphans: true });
    wholeMs = performance.now() - began;
    assert.deepEqual([receipt.failed, receipt.setAside, receipt.read], [0, 0, ALL_ROWS]);
    whole = countsOf(older.db);
  };
  after(() => older?.[Symbol.dispose]());

  it(`at ${ROUNDS} random moments leaves a receipt only of whole sources, and the next import completes the others`, {
    timeout: 1_800_000,
  }, async () => {
    // Here, since a hook has five seconds.
    prepare();
    let killed = 0;
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const folder = join(dirname(older.home), `round-${round}`);
      mkdirSync(folder);
      const file = join(folder, 'dork.db');
      createDb(file).$client.close();
      const [command, script] = runtimeCommand('test/dork/legacy/fixtures/import.ts');
      const child = spawn(command, [script, file, older.home], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
      await once(child.stdout, 'data');
      // A random moment of each part of the time that a whole import takes.
      const moment = ((round + Math.random()) / ROUNDS) * wholeMs;
      const timer = setTimeout(() => child.kill('SIGKILL'), moment);
      const [, signal] = await once(child, 'exit');
      clearTimeout(timer);
      if (signal === 'SIGKILL') killed++;
      {
        using db = createDb(file);
        const parts = partsOf(db);
        seen.add(JSON.stringify(parts));
        assert.deepEqual(db.$client.pragma('integrity_check', { simple: true }), 'ok');
        assert.deepEqual(stateOf(older.home), untouched);
        const receipt = importLegacy(db, { home: older.home, keepOrphans: true });
        assert.equal(receipt.imported + receipt.alreadyThere, ALL_ROWS);
        assert.deepEqual(countsOf(db), whole);
      }
      assert.deepEqual(readdirSync(folder), ['dork.db']);
      rmSync(folder, { recursive: true });
    }
    console.log(`${killed} of ${ROUNDS} killed on ${RUNTIME}, in ${seen.size} different states`);
    assert.ok(killed > 0, 'some were killed in time');
  });
});

/** How much of each source is there. A source that has a receipt is whole. */
function partsOf(db: Db): Record<string, string> {
  const count = (table: string) =>
    Number(db.$client.prepare<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n);
  const receipts = new Set(
    db.$client
      .prepare<{ source: string }>('SELECT source FROM legacy_imports')
      .all()
      .map(({ source }) => source),
  );
  const parts = {
    'schedules.json': count('pulse_schedules') >= 10,
    'pulse.db': count('pulse_runs') === RUNS,
    'relay/index.db': count('relay_index') === RELAY && count('relay_traces') === RELAY,
    'mesh/mesh.db': count('agents') === 20 && count('rate_limit_buckets') === 20,
  };
  const rows = {
    'schedules.json': count('pulse_schedules'),
    'pulse.db': count('pulse_runs'),
    'relay/index.db': count('relay_index') + count('relay_traces'),
    'mesh/mesh.db': count('agents') + count('rate_limit_buckets'),
  };
  const states: Record<string, string> = {};
  for (const source of Object.keys(parts) as (keyof typeof parts)[]) {
    if (receipts.has(source)) assert.ok(parts[source], `${source} has a receipt, and is not whole`);
    states[source] = parts[source] ? 'whole' : rows[source] > 0 ? 'begun' : 'out';
  }
  return states;
}
