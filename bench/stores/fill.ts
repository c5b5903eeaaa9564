import type { BareDatabase } from '../harness/bare.ts';

/**
 * The same rows on every run. What an operation answers with stays as large while the tables grow: a fixed number of
 * messages wait at an endpoint, a trace has ten spans, a window has as many rows.
 */

export const SUBJECTS = 100;
export const ENDPOINTS = 200;
export const SENDERS = 100;
export const SCHEDULES = 50;
export const AGENTS = 100;
/** The newest messages, which wait. */
export const PENDING = 4000;
export const SPANS_OF_A_TRACE = 10;
/** Runs of the one schedule that is pruned after each of its runs. */
export const KEPT_RUNS = 100;

/** Text that sorts as its number does and looks like a ULID of some years ago. */
export const idOf = (i: number): string => `01HZ${String(i).padStart(22, '0')}`;
export const subjectOf = (i: number): string => `relay.agent.project.subject-${i % SUBJECTS}`;
export const endpointOf = (i: number): string => `endpoint-hash-${i % ENDPOINTS}`;
export const senderOf = (i: number): string => `relay.agent.project.sender-${i % SENDERS}`;
export const scheduleOf = (i: number): string => `schedule-${i % SCHEDULES}`;
export const agentOf = (i: number): string => `agent-${i % AGENTS}`;
export const RARE_ENDPOINT = 'endpoint-hash-rare';
export const RARE_SUBJECT = 'relay.agent.project.rare';
export const PRUNED_SCHEDULE = 'schedule-pruned';

const START = Date.parse('2026-01-01T00:00:00.000Z');

/** The instant of the i-th row: one a second. */
export const instantOf = (i: number): string => new Date(START + i * 1000).toISOString();

/** `instantOf()` in SQL; the expression is the number of the row, or what else is to be added to the start. */
const instant = (seconds: string, milliseconds = '0') =>
  `strftime('%Y-%m-%dT%H:%M:%S', '2026-01-01', '+' || (${seconds}) || ' seconds') || printf('.%03dZ', ${milliseconds})`;

const ID = "printf('01HZ%022d', i)";

/** Numbers 0 to n - 1 as `i`, of which `?` is the count. */
const EACH = 'WITH RECURSIVE each(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM each WHERE i + 1 < ?)';

const MESSAGES = `${EACH} INSERT INTO relay_index
    (id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at)
  SELECT ${ID},
    CASE WHEN i % 1000 = 7 AND i < 20000 THEN '${RARE_SUBJECT}' ELSE 'relay.agent.project.subject-' || (i % ${SUBJECTS}) END,
    'relay.agent.project.sender-' || (i % ${SENDERS}),
    CASE WHEN i % 1000 = 3 AND i < 20000 THEN '${RARE_ENDPOINT}' ELSE 'endpoint-hash-' || (i % ${ENDPOINTS}) END,
    CASE WHEN i >= ?2 - ${PENDING} THEN 'pending' WHEN i % 50 = 1 THEN 'failed' ELSE 'delivered' END,
    CASE WHEN i % 4 = 0 THEN '2099-01-01T00:00:00.000Z' END,
    CASE WHEN i % 2 = 0 THEN '{"text":"the content of message ' || i || ', about as long as one is"}' END,
    NULL,
    ${instant('i')}
  FROM each`;

const SPANS = `${EACH} INSERT INTO relay_traces
    (id, message_id, trace_id, span_id, parent_span_id, subject, from_endpoint, to_endpoint, status,
     budget_hops_used, budget_ttl_remaining_ms, sent_at, delivered_at, processed_at, error_message, metadata)
  SELECT ${ID}, 'message-' || i, 'trace-' || (i / ${SPANS_OF_A_TRACE}), 'span-' || i, NULL,
    'relay.agent.project.subject-' || (i % ${SUBJECTS}), 'endpoint-' || (i % ${SENDERS}), 'endpoint-' || (i % ${ENDPOINTS}),
    CASE WHEN i % 20 = 0 THEN 'dead_lettered' WHEN i % 10 = 1 THEN 'failed' WHEN i % 3 = 0 THEN 'processed' ELSE 'delivered' END,
    i % 5, 60000, ${instant('i')},
    CASE WHEN i % 5 > 0 THEN ${instant('i + i % 7', '(i * 7919) % 1000')} END,
    NULL, NULL, CASE WHEN i % 4 = 0 THEN '{"attempt":1}' END
  FROM each`;

const RUNS = `${EACH} INSERT INTO pulse_runs
    (id, schedule_id, status, started_at, finished_at, duration_ms, output, error, session_id, trigger, created_at)
  SELECT ${ID}, 'schedule-' || (i % ${SCHEDULES}),
    CASE WHEN i >= ?2 - 5 THEN 'running' WHEN i % 20 = 1 THEN 'failed' ELSE 'completed' END,
    ${instant('i')}, ${instant('i + 30')}, 30000, 'What the run printed, the first lines of it: ' || i, NULL,
    'session-' || i, 'scheduled', ${instant('i')}
  FROM each`;

const SMALL = [
  `${EACH} INSERT INTO pulse_schedules
      (id, name, cron, timezone, prompt, enabled, permission_mode, status, created_at, updated_at)
    SELECT CASE WHEN i = ${SCHEDULES} THEN '${PRUNED_SCHEDULE}' ELSE 'schedule-' || i END, 'Schedule ' || i, '0 9 * * 1-5',
      'UTC', 'Write the report', 1, 'acceptEdits', 'active', ${instant('i')}, ${instant('i')}
    FROM each`,
  `${EACH} INSERT INTO pulse_runs (id, schedule_id, status, started_at, created_at)
    SELECT 'pruned-' || i, '${PRUNED_SCHEDULE}', 'completed', ${instant('i')}, ${instant('i')} FROM each`,
  `${EACH} INSERT INTO agents
      (id, name, description, runtime, project_path, namespace, capabilities_json, approver, last_seen_at,
       last_seen_event, registered_at, updated_at)
    SELECT 'agent-' || i, 'Agent ' || i, 'What it does', CASE WHEN i % 3 = 0 THEN 'cursor' ELSE 'claude-code' END,
      '/home/somebody/projects/project-' || i, 'namespace-' || (i % 5), '["code","review"]', 'somebody',
      ${instant('i')}, 'message', ${instant('i')}, ${instant('i')}
    FROM each`,
  `${EACH} INSERT INTO agent_denials (id, path, strategy, reason, denier, created_at)
    SELECT ${ID}, '/home/somebody/denied/project-' || i, 'manual', 'not wanted', 'somebody', ${instant('i')} FROM each`,
];
const SMALL_COUNTS = [SCHEDULES + 1, KEPT_RUNS, AGENTS, AGENTS];

interface SchemaObject {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/**
 * Fills an empty dork.db through the bare driver: what the stores keep, but not their code. No other connection may have
 * it open.
 */
export function fill(database: BareDatabase, rows: number): void {
  // Indexes made over what is there and counters taken in one go cost a tenth of keeping both row by row.
  const later = database
    .prepare(
      "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name IN ('relay_index', 'relay_traces', 'pulse_runs') AND sql NOT LIKE 'CREATE UNIQUE%'",
    )
    .all() as SchemaObject[];
  // A rollback journal holds nothing of pages that are new, while ten million rows as -wal are 13 GB more.
  database.exec('PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000');
  database.exec('BEGIN');
  for (const { type, name } of later) database.exec(`DROP ${type} "${name}"`);
  for (const [i, sql] of SMALL.entries()) database.prepare(sql).run(SMALL_COUNTS[i] as number);
  for (const sql of [MESSAGES, SPANS, RUNS]) run(database, sql, rows);
  for (const { sql } of later) if (sql.startsWith('CREATE INDEX')) database.exec(sql);
  database.exec(`INSERT INTO relay_counts (subject, pending, delivered, failed)
    SELECT subject, sum(status = 'pending'), sum(status = 'delivered'), sum(status = 'failed') FROM relay_index GROUP BY subject`);
  for (const { sql } of later) if (!sql.startsWith('CREATE INDEX')) database.exec(sql);
  database.exec('COMMIT');
  database.exec('ANALYZE');
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000');
}

function run(database: BareDatabase, sql: string, rows: number): void {
  const text = sql.replaceAll('?2', String(rows));
  database.prepare(text).run(rows);
}

/** Calls of each agent in each of the last 61 minutes; their minutes are those of now, so they are made by each round. */
export function fillBuckets(database: BareDatabase): void {
  const minute = Math.floor(Date.now() / 60_000);
  const insert = database.prepare('INSERT INTO rate_limit_buckets (agent_id, bucket_minute, count) VALUES (?, ?, 1)');
  database.exec('BEGIN');
  for (let agent = 0; agent < AGENTS; agent++) {
    for (let i = 0; i <= 60; i++) insert.run(agentOf(agent), minute - i);
  }
  database.exec('COMMIT');
}
