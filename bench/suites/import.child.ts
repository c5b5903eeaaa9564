import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBare, openConfigured } from '../harness/bare.ts';
import { time } from '../harness/compare.ts';
import { importPackage } from '../harness/ours.ts';
import type { Cost, Measurement, SuiteOptions } from '../harness/suite.ts';

const OLDER = `
  CREATE TABLE messages (id TEXT PRIMARY KEY, subject TEXT NOT NULL, sender TEXT NOT NULL, endpoint_hash TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'new', created_at TEXT NOT NULL, ttl INTEGER NOT NULL);
  CREATE TABLE message_traces (message_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, span_id TEXT NOT NULL,
    parent_span_id TEXT, subject TEXT NOT NULL, from_endpoint TEXT NOT NULL, to_endpoint TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending', budget_hops_used INTEGER, budget_ttl_remaining_ms INTEGER,
    sent_at INTEGER NOT NULL, delivered_at INTEGER, processed_at INTEGER, error TEXT);
  CREATE INDEX idx_messages_subject ON messages(subject);
  CREATE INDEX idx_traces_trace_id ON message_traces(trace_id);
  PRAGMA user_version = 2;`;

const EACH = 'WITH RECURSIVE each(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM each WHERE i + 1 < ?)';

const MESSAGES = `${EACH} INSERT INTO messages SELECT printf('01HZ%022d', i), 'relay.agent.project.subject-' || (i % 100),
    'relay.agent.project.sender-' || (i % 100), 'endpoint-hash-' || (i % 200),
    CASE WHEN i % 50 = 1 THEN 'failed' WHEN i % 20 = 2 THEN 'new' ELSE 'cur' END,
    strftime('%Y-%m-%dT%H:%M:%S.000Z', 1767225600 + i, 'unixepoch'), CASE WHEN i % 4 = 0 THEN 4070908800000 + i ELSE 0 END
  FROM each`;
const SPANS = `${EACH} INSERT INTO message_traces SELECT 'message-' || i, 'trace-' || (i / 10), 'span-' || i, NULL,
    'relay.agent.project.subject-' || (i % 100), 'endpoint-' || (i % 100), 'endpoint-' || (i % 200),
    CASE WHEN i % 20 = 0 THEN 'dead_lettered' WHEN i % 3 = 0 THEN 'processed' ELSE 'delivered' END, i % 5, 60000,
    1767225600000 + i * 1000, CASE WHEN i % 5 > 0 THEN 1767225600000 + i * 1000 + i % 5000 END, NULL, NULL
  FROM each`;

const iso = (ms: string) =>
  `strftime('%Y-%m-%dT%H:%M:%S', ${ms} / 1000, 'unixepoch') || printf('.%03dZ', ${ms} % 1000)`;

/** What somebody writes who knows that every row fits. */
const BARE = [
  `INSERT INTO main.relay_index (id, subject, sender, endpoint_hash, status, expires_at, created_at)
   SELECT id, subject, sender, endpoint_hash, CASE status WHEN 'new' THEN 'pending' WHEN 'cur' THEN 'delivered' ELSE status END,
     CASE WHEN ttl > 0 THEN ${iso('ttl')} END, created_at FROM older.messages`,
  `INSERT INTO main.relay_traces (id, message_id, trace_id, span_id, parent_span_id, subject, from_endpoint, to_endpoint,
     status, budget_hops_used, budget_ttl_remaining_ms, sent_at, delivered_at, processed_at, error_message)
   SELECT printf('01J%023d', rowid), message_id, trace_id, span_id, parent_span_id, subject, from_endpoint, to_endpoint,
     CASE status WHEN 'pending' THEN 'sent' ELSE status END, budget_hops_used, budget_ttl_remaining_ms, ${iso('sent_at')},
     CASE WHEN delivered_at IS NOT NULL THEN ${iso('delivered_at')} END,
     CASE WHEN processed_at IS NOT NULL THEN ${iso('processed_at')} END, error FROM older.message_traces`,
];

export async function prepare({ folder, rows }: SuiteOptions): Promise<void> {
  mkdirSync(join(folder, 'home', 'relay'), { recursive: true });
  const older = openBare(join(folder, 'home', 'relay', 'index.db'));
  older.exec(OLDER);
  for (const sql of [MESSAGES, SPANS]) older.prepare(sql).run(rows);
  older.close();
}

/** What both must have brought, but for the ids of the spans. */
const CONTENT = `SELECT count(*), sum(length(id || subject || sender || endpoint_hash || status || coalesce(expires_at, '') || created_at)),
    (SELECT count(*) FROM relay_traces),
    (SELECT sum(length(message_id || trace_id || status || sent_at || coalesce(delivered_at, ''))) FROM relay_traces),
    (SELECT max(delivered_at) FROM relay_traces), max(expires_at), min(created_at),
    (SELECT sum(pending * 3 + delivered * 5 + failed * 7) FROM relay_counts)
  FROM relay_index`;

export async function round({ folder, entry, rows }: SuiteOptions): Promise<Measurement[]> {
  const { createDb, closeDb, importLegacy } = await importPackage(entry);
  const home = join(folder, '..', 'home');
  const paths = { ours: join(folder, 'ours.db'), bare: join(folder, 'bare.db') };
  for (const path of Object.values(paths)) closeDb(createDb(path));
  let memory = 0;
  const acts: Record<keyof typeof paths, () => void> = {
    ours: () => {
      const db = createDb(paths.ours);
      const before = process.memoryUsage().rss;
      const receipt = importLegacy(db, { home });
      memory = process.memoryUsage().rss - before;
      assert.equal(receipt.failed, 0);
      closeDb(db);
    },
    bare: () => {
      const database = openConfigured(paths.bare);
      database.prepare('ATTACH ? AS older').run(join(home, 'relay', 'index.db'));
      database.exec('BEGIN IMMEDIATE');
      for (const sql of BARE) database.exec(sql);
      database.exec('COMMIT');
      database.close();
    },
  };
  const arms = Object.fromEntries(Object.entries(acts).map(([arm, act]) => [arm, time(act, 0, 1)]));
  const contents = Object.values(paths).map((path) => {
    const database = openConfigured(path);
    const content = database.prepare(CONTENT).get();
    database.close();
    return content;
  });
  assert.deepEqual(contents[0], contents[1], 'the import brought something else than the bare statements');
  const perRow = ({ cpu, wall }: Cost): Cost => ({ cpu: cpu / (2 * rows), wall: wall / (2 * rows) });
  return [
    {
      operation: 'a message and a span, each',
      arms: Object.fromEntries(Object.entries(arms).map(([arm, cost]) => [arm, perRow(cost)])),
      figures: {
        's, ours': (arms.ours?.wall ?? 0) / 1e6,
        's, bare': (arms.bare?.wall ?? 0) / 1e6,
        'MB above the start, ours': memory / 2 ** 20,
      },
    },
  ];
}
