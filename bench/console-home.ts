/**
 * Makes a database with many rows in each big table, the last week of them at the pace of a busy machine, for looking at
 * the console: bun bench/console-home.ts FILE [ROWS]. Default 1,000,000 rows. The same rows at each run but for their time.
 */
import { createDb, newId } from '../src/index.ts';

const [file, rows = '1000000'] = process.argv.slice(2);
if (!file) throw new Error('Give the path of the new file.');
const ROWS = Number(rows);
const WEEK_ROWS = Math.round(Math.min(ROWS, Math.max(ROWS / 50, 5000)));
const NOW = Date.now();
const WEEK = 7 * 86_400_000;
const YEAR = 365 * 86_400_000;

/** A small generator, so that every run makes the same rows. https://en.wikipedia.org/wiki/Linear_congruential_generator */
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
const iso = (ms: number) => new Date(ms).toISOString();

/** Most of the rows in the year before, the last ones in this week; nights are quiet. */
function timeOf(i: number): number {
  const first = ROWS - WEEK_ROWS;
  if (i < first) return NOW - YEAR + ((YEAR - WEEK) * i) / first;
  const at = NOW - WEEK + (WEEK * (i - first)) / WEEK_ROWS;
  return at - (new Date(at).getUTCHours() < 6 && random() < 0.7 ? 6 * 3_600_000 : 0);
}

using db = createDb(file);
const { $client } = db;
const into = (table: string, columns: string) => {
  const count = columns.split(',').length;
  return $client.prepare(`INSERT OR IGNORE INTO ${table} (${columns}) VALUES (${Array(count).fill('?').join(', ')})`);
};
/** In transactions of ten thousand rows. */
function fill(total: number, row: (i: number) => void): void {
  for (let from = 0; from < total; from += 10_000)
    $client.runTransaction(() => {
      for (let i = from; i < Math.min(total, from + 10_000); i++) row(i);
    });
}

const NAMES = ['Nightly report', 'Dependency check', 'Inbox triage', 'Backlog grooming', 'Release notes', 'Disk watch'];
const CRONS = ['0 2 * * *', '*/15 * * * *', '*/5 * * * *', '0 9 * * 1-5', '0 16 * * 5', '* * * * *'];
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', null, 'UTC'];
const schedules = NAMES.map(() => newId());
const schedule = into(
  'pulse_schedules',
  'id, name, cron, timezone, prompt, enabled, max_runtime, status, created_at, updated_at',
);
NAMES.forEach((name, i) => {
  const at = iso(NOW - YEAR + i);
  schedule.run(
    schedules[i],
    name,
    CRONS[i],
    ZONES[i],
    `${name}: go through it.`,
    i === 4 ? 0 : 1,
    600_000,
    'active',
    at,
    at,
  );
});

const run = into(
  'pulse_runs',
  'id, schedule_id, status, started_at, finished_at, duration_ms, output, error, session_id, "trigger", created_at',
);
fill(ROWS, (i) => {
  const at = timeOf(i);
  const isLast = i >= ROWS - 3;
  const luck = random();
  const status = isLast
    ? 'running'
    : luck < 0.93
      ? 'completed'
      : luck < 0.97
        ? 'failed'
        : luck < 0.985
          ? 'timeout'
          : 'cancelled';
  const took = Math.round(2000 + 60_000 * random() ** 3 + (status === 'timeout' ? 600_000 : 0));
  const begun = isLast ? NOW - (i === ROWS - 1 ? 60_000 : 3_600_000) : at;
  const error =
    status === 'failed' ? pick(['The agent ended with exit code 1.', 'rate limit', 'No such folder']) : null;
  const output = status === 'completed' ? 'Three things were looked at.\nNothing needs a person.' : null;
  run.run(
    newId(),
    pick(schedules),
    status,
    iso(begun),
    isLast ? null : iso(begun + took),
    isLast ? null : took,
    output,
    error,
    random() < 0.5 ? newId() : null,
    luck < 0.9 ? 'scheduled' : 'manual',
    iso(begun),
  );
});

const ENDPOINTS = Array.from({ length: 40 }, (_, i) => `endpoint-${String(i).padStart(2, '0')}`);
const SUBJECTS = Array.from({ length: 60 }, (_, i) => `relay.agent.project-${String(i).padStart(2, '0')}`);
const message = into(
  'relay_index',
  'id, subject, sender, endpoint_hash, status, expires_at, payload, metadata, created_at',
);
const span = into(
  'relay_traces',
  'id, message_id, trace_id, span_id, parent_span_id, subject, from_endpoint, to_endpoint, status, budget_hops_used, budget_ttl_remaining_ms, sent_at, delivered_at, processed_at, error_message',
);
let trace: { id: string; spans: string[] } = { id: newId(), spans: [] };
fill(ROWS, (i) => {
  const at = timeOf(i);
  const id = newId();
  const subject = pick(SUBJECTS);
  const luck = random();
  const status = i > ROWS - 200 && luck < 0.6 ? 'pending' : luck < 0.97 ? 'delivered' : 'failed';
  message.run(
    id,
    subject,
    pick(SUBJECTS),
    pick(ENDPOINTS),
    status,
    null,
    '{"text":"Please look at this."}',
    null,
    iso(at),
  );
  if (trace.spans.length > 6 || random() < 0.3) trace = { id: newId(), spans: [] };
  const parent = trace.spans.length === 0 ? null : pick(trace.spans);
  const spanId = id.slice(-16);
  trace.spans.push(spanId);
  const took = Math.round(20 + 2000 * random() ** 6 * (1 + Math.sin(at / 3_600_000)));
  const end =
    status === 'failed' ? pick(['dead_lettered', 'timeout', 'failed']) : status === 'pending' ? 'sent' : 'processed';
  const isDone = end === 'processed';
  span.run(
    newId(),
    id,
    trace.id,
    spanId,
    parent,
    subject,
    pick(ENDPOINTS),
    pick(ENDPOINTS),
    end,
    trace.spans.length,
    300_000 - took,
    iso(at),
    isDone ? iso(at + took) : null,
    isDone ? iso(at + took + 4000 * random()) : null,
    end === 'dead_lettered' ? 'No endpoint took it.' : null,
  );
});

const agent = into(
  'agents',
  'id, name, runtime, project_path, namespace, budget_json, last_seen_at, last_seen_event, registered_at, updated_at',
);
const bucket = into('rate_limit_buckets', 'agent_id, bucket_minute, count');
fill(40, (i) => {
  const id = newId();
  const at = iso(NOW - YEAR / (i + 1));
  const seen = iso(NOW - 10 ** (3 + (i % 6)));
  const budget = '{"maxHopsPerMessage":5,"maxCallsPerHour":100}';
  agent.run(
    id,
    `agent-${i}`,
    pick(['claude-code', 'codex', 'cursor']),
    `/projects/${i}`,
    'default',
    budget,
    seen,
    'heartbeat',
    at,
    at,
  );
  const minute = Math.floor(NOW / 60_000);
  for (let k = 0; k < 60; k++) if (random() < 0.4) bucket.run(id, minute - k, Math.ceil(random() * (i < 3 ? 8 : 2)));
});
const denial = into('agent_denials', 'id, path, strategy, reason, denier, created_at');
denial.run(newId(), '/projects/secret', 'manual', 'Not for agents.', 'ada', iso(NOW - WEEK));
db.$client.exec('ANALYZE');
console.log(`${file}: ${ROWS} runs, messages and spans, ${WEEK_ROWS} of them of the last week`);
