import assert from 'node:assert/strict';
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import {
  AgentRegistry,
  BudgetMapper,
  createDb,
  type Db,
  DenialList,
  health,
  migrationStatus,
  PulseStore,
  SqliteIndex,
  TraceStore,
} from '#entry';

/**
 * What was acknowledged, outside the database: each writer has a file to which it adds a line after each commit, and
 * makes sure that it is on the disk, before it goes on. A transaction writes through all six stores what follows from
 * the writer's name and a number that counts up; so what must be there, and what must not, can be told from the files.
 */

const LOG = /^acknowledged-(.+)\.log$/;

/** The newest denials of a writer that are kept; older ones are taken back, so that there are deletions too. */
const KEPT_DENIALS = 10;

const INSTANT = '2026-01-01T00:00:00.000Z';

/** Writes transactions, and logs those that were acknowledged. */
export class Writer implements Disposable {
  readonly #db: Db;
  readonly #name: string;
  readonly #log: number;
  readonly #pulse: PulseStore;
  readonly #messages: SqliteIndex;
  readonly #spans: TraceStore;
  readonly #agents: AgentRegistry;
  readonly #denials: DenialList;
  readonly #budget: BudgetMapper;
  #next: number;

  /** @param logs The folder of the files. */
  constructor(db: Db, name: string, logs: string) {
    this.#db = db;
    this.#name = name;
    this.#log = openSync(join(logs, `acknowledged-${name}.log`), 'a', 0o600);
    this.#pulse = new PulseStore(db);
    this.#messages = new SqliteIndex(db);
    this.#spans = new TraceStore(db);
    this.#agents = new AgentRegistry(db);
    this.#denials = new DenialList(db);
    this.#budget = new BudgetMapper(db);
    this.#next = this.#messages.getBySubject(name).length;
  }

  /** Commits one transaction through all six stores, and logs it. Gives its number. */
  write(): number {
    const n = this.#next;
    this.#db.transaction(() => this.#rows(n));
    writeSync(this.#log, `${n}\n`);
    fsyncSync(this.#log);
    this.#next++;
    return n;
  }

  #rows(n: number): void {
    const writer = this.#name;
    const id = `${writer}-${n}`;
    if (n === 0) {
      this.#agents.insert({
        id: writer,
        name: writer,
        runtime: 'other',
        projectPath: `/projects/${writer}`,
        registeredAt: INSTANT,
        registeredBy: 'test',
      });
      this.#pulse.createSchedule({ name: writer, prompt: 'p', cron: '* * * * *' });
    }
    this.#messages.insertMessage({ id, subject: writer, endpointHash: writer, payload: payloadOf(writer, n) });
    this.#spans.insertSpan({ messageId: id, traceId: writer, subject: writer, spanId: String(n), sentAt: INSTANT });
    const schedule = this.#pulse.getSchedules().find(({ name }) => name === writer);
    const run = this.#pulse.createRun(schedule?.id ?? '', 'agent');
    this.#pulse.updateRun(run.id, { status: 'completed', outputSummary: id });
    this.#denials.deny(`/denied/${id}`, 'manual', null, writer);
    if (n >= KEPT_DENIALS) this.#denials.clear(`/denied/${writer}-${n - KEPT_DENIALS}`);
    this.#agents.updateHealth(writer, INSTANT, String(n));
    this.#budget.recordCall(writer);
  }

  [Symbol.dispose](): void {
    closeSync(this.#log);
  }
}

/** From nothing to some overflow pages. */
function payloadOf(writer: string, n: number): string {
  return `${writer}/${n}/`.repeat((n * 7919) % (n % 16 === 0 ? 3000 : 80));
}

/** How many transactions of each writer were acknowledged, from its file. */
export function acknowledgedIn(logs: string): Map<string, number> {
  const acknowledged = new Map<string, number>();
  for (const name of readdirSync(logs)) {
    const writer = LOG.exec(name)?.[1];
    if (writer === undefined) continue;
    // What follows the last line end is a line that a crash cut off.
    const lines = readFileSync(join(logs, name), 'latin1').split('\n').slice(0, -1);
    acknowledged.set(writer, lines.length === 0 ? 0 : Number(lines.at(-1)) + 1);
  }
  return acknowledged;
}

/**
 * Everything that was acknowledged is there, of each transaction all or nothing, and nothing that nobody wrote: a writer
 * that was killed has at most one transaction that is there and not in its file.
 *
 * @param strangers Whether rows of others may be there too. Default `none`.
 */
export function assertAcknowledged(
  db: Db,
  acknowledged: ReadonlyMap<string, number>,
  strangers: 'none' | 'some' = 'none',
): void {
  const values = (sql: string, writer: string) => db.$client.prepare(sql).values(writer).flat();
  const subjects = db.$client.prepare('SELECT DISTINCT subject FROM relay_index').values().flat().map(String);
  for (const writer of new Set([...acknowledged.keys(), ...(strangers === 'none' ? subjects : [])])) {
    const least = acknowledged.get(writer) ?? 0;
    const messages = db.$client
      .prepare<{ id: string; payload: string }>(
        'SELECT id, payload FROM relay_index WHERE subject = ? ORDER BY cast(substr(id, length(subject) + 2) AS integer)',
      )
      .all(writer);
    const n = messages.length;
    assert.ok(n >= least, `${writer}: ${least} transactions were acknowledged, ${n} are there`);
    assert.ok(n <= least + 1, `${writer}: ${least} transactions were acknowledged, and ${n} are there`);
    const ids = Array.from({ length: n }, (_, i) => `${writer}-${i}`);
    assert.deepEqual(
      messages,
      ids.map((id, i) => ({ id, payload: payloadOf(writer, i) })),
      `messages of ${writer}`,
    );
    const spans = 'SELECT message_id FROM relay_traces WHERE trace_id = ? ORDER BY cast(span_id AS integer)';
    assert.deepEqual(values(spans, writer), ids, `spans of ${writer}`);
    const runs = `SELECT output FROM pulse_runs r JOIN pulse_schedules s ON s.id = r.schedule_id
      WHERE s.name = ? AND r.status = 'completed' ORDER BY cast(substr(output, length(s.name) + 2) AS integer)`;
    assert.deepEqual(values(runs, writer), ids, `runs of ${writer}`);
    const denials = 'SELECT path FROM agent_denials WHERE denier = ? ORDER BY rowid';
    const denied = ids.slice(-KEPT_DENIALS).map((id) => `/denied/${id}`);
    assert.deepEqual(values(denials, writer), denied, `denials of ${writer}`);
    const seen = values('SELECT last_seen_event FROM agents WHERE id = ?', writer);
    assert.deepEqual(seen, n === 0 ? [] : [String(n - 1)], `agent ${writer}`);
    const calls = values('SELECT coalesce(sum(count), 0) FROM rate_limit_buckets WHERE agent_id = ?', writer);
    assert.deepEqual(calls.map(Number), [n], `calls of ${writer}`);
    const counted = values('SELECT pending + delivered + failed FROM relay_counts WHERE subject = ?', writer);
    assert.deepEqual(counted.map(Number), n === 0 ? [] : [n], `counts of ${writer}`);
  }
}

/**
 * SQLite and this package find nothing wrong with the file: pages, indexes, foreign keys, ledger, schema. That its disk
 * is full is not the file's fault.
 *
 * @param names `many` if a crash may have left a temporary name of the file, which the next call of what was interrupted
 * removes. Default `one`.
 */
export function assertSound(db: Db, names: 'one' | 'many' = 'one'): void {
  assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  assert.deepEqual(db.$client.prepare('PRAGMA foreign_key_check').all(), []);
  const { state, drift } = migrationStatus(db);
  assert.deepEqual({ state, drift }, { state: 'current', drift: [] });
  const errors = health(db, { deep: true }).findings.filter(
    ({ check, severity, fact }) =>
      severity === 'error' && check !== 'disk' && !(names === 'many' && /has \d+ names \(hard links\)/.test(fact)),
  );
  assert.deepEqual(errors, []);
}

let looks = 0;

/**
 * As {@link assertSound} after a loss of power, whose reports take longer than all the rest, at every eighth call; else
 * SQLite's own checks.
 */
export function assertSoundOften(db: Db): void {
  if (looks++ % 8 === 0) {
    assertSound(db, 'many');
    return;
  }
  assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  assert.deepEqual(db.$client.prepare('PRAGMA foreign_key_check').all(), []);
}

/** Opens a file as its next user does: it is sound, and everything that was acknowledged is there. */
export function assertKept(file: string, logs: string, least?: ReadonlyMap<string, number>): void {
  using db = createDb(file);
  assertSound(db);
  assertAcknowledged(db, least ?? acknowledgedIn(logs));
}

/** Brings a file to so many transactions of each writer, in a home with its logs. */
export function writeHome(file: string, logs: string, writers: readonly string[], transactions: number): void {
  using db = createDb(file);
  for (const name of writers) {
    using writer = new Writer(db, name, logs);
    for (let i = 0; i < transactions; i++) writer.write();
  }
}

/** Nothing is left beside the file but what is expected there. */
export function assertNoWreckage(folder: string): void {
  if (!existsSync(folder)) return;
  const left = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    left.filter((name) => /partial|marker|compact|\.tmp/.test(name)),
    [],
  );
}
