import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import {
  BudgetMapper,
  createDb,
  type Db,
  DorkDbError,
  InvalidInputError,
  type PruneOptions,
  type PruneProgress,
  PulseStore,
  prune,
  SqliteIndex,
  TraceStore,
} from '#entry';
import { OTHER } from '../engine/health/fixtures/holder.ts';
import { temporaryFolder } from '../support/folder.ts';
import { runtimeCommand } from '../support/runtime.ts';

const DAY = '2026-03-01T00:00:00.000Z';

function count(db: Db, table: string): number {
  return Number(db.$client.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.n);
}

/** Spans of which half were sent before the day. */
function addTraces(db: Db, many: number): void {
  const store = new TraceStore(db);
  db.transaction(() => {
    for (let i = 0; i < many; i++) {
      const sentAt = Date.parse(DAY) + (i % 2 === 0 ? -1 : 0);
      store.insertSpan({ messageId: `m${i}`, traceId: `t${i}`, subject: 's', sentAt });
    }
  });
}

describe('prune', () => {
  it('keeps exactly the newest runs of each schedule, also among runs of the same millisecond', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const store = new PulseStore(db);
    const make = () => store.createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' }).id;
    const [many, few, none] = [make(), make(), make()];
    const added = db.transaction(() => Array.from({ length: 700 }, () => store.createRun(many, 'manual').id));
    const kept = [store.createRun(few, 'manual').id];
    db.$client.prepare("UPDATE pulse_runs SET created_at = ?, status = 'completed'").run(DAY);
    const report = await prune(db, { runsPerSchedule: 5 });
    assert.equal(report.runs, 695);
    assert.ok(report.batches > 1);
    const left = (id: string) => store.listRuns({ scheduleId: id }).map((run) => run.id);
    assert.deepEqual(left(many), added.slice(-5).reverse());
    assert.deepEqual(left(few), kept);
    assert.deepEqual(left(none), []);
    assert.equal((await prune(db, { runsPerSchedule: 5 })).runs, 0, 'again: nothing left to do');
    assert.equal((await prune(db, { runsPerSchedule: 0 })).runs, 6);
  });

  it('never deletes a run that is still running, however many newer ones there are', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const store = new PulseStore(db);
    const { id } = store.createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    const long = store.createRun(id, 'manual');
    for (let i = 0; i < 10; i++) store.updateRun(store.createRun(id, 'manual').id, { status: 'completed' });
    const totals: number[] = [];
    const report = await prune(db, { runsPerSchedule: 3, onProgress: ({ totalRows }) => totals.push(totalRows) });
    assert.equal(report.runs, 7);
    assert.ok(
      totals.every((total) => total === 7),
      String(totals),
    );
    assert.equal(store.getRun(long.id)?.status, 'running');
    assert.equal(store.pruneRuns(id, 0), 3);
    assert.equal(store.updateRun(long.id, { status: 'completed', outputSummary: 'done' })?.outputSummary, 'done');
    assert.equal(store.pruneRuns(id, 0), 1);
  });

  it('deletes the spans of before an instant, not of it, and nothing that was not asked for', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    addTraces(db, 3000);
    const index = new SqliteIndex(db);
    index.insertMessage({
      id: 'old',
      subject: 's',
      endpointHash: 'e',
      status: 'pending',
      createdAt: DAY,
      expiresAt: DAY,
    });
    const report = await prune(db, { tracesOlderThan: DAY });
    assert.deepEqual([report.traces, report.runs, report.messages, report.buckets], [1500, 0, 0, 0]);
    assert.equal(count(db, 'relay_traces'), 1500);
    assert.equal(count(db, 'relay_index'), 1);
    assert.equal((await prune(db, { tracesOlderThan: Date.parse(DAY) + 1 })).traces, 1500, 'Unix milliseconds too');
  });

  it('deletes what has expired, keeps what has not or never will, and the index still counts right', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const index = new SqliteIndex(db);
    const add = (id: string, expiresAt?: string) =>
      index.insertMessage({ id, subject: 's', endpointHash: 'e', status: 'pending', createdAt: DAY, expiresAt });
    for (let i = 0; i < 300; i++) add(`gone${i}`, DAY);
    add('later', '9999-01-01T00:00:00.000Z');
    add('never');
    assert.equal((await prune(db, { expiredMessages: true })).messages, 300);
    assert.equal(index.getMetrics().totalMessages, 2);
    assert.ok(index.getMessage('later') && index.getMessage('never'));
  });

  it('deletes buckets that no window needs, and no call that counts', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const budgets = new BudgetMapper(db);
    budgets.recordCall('a');
    const minute = budgets.currentMinuteBucket();
    const insert = db.$client.prepare('INSERT INTO rate_limit_buckets VALUES (?, ?, 1)');
    for (const back of [60, 119, 125, 500]) insert.run('a', minute - back);
    assert.equal((await prune(db, { buckets: true })).buckets, 2);
    assert.equal(count(db, 'rate_limit_buckets'), 3);
  });

  it('lets this process answer and other processes write in between', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    addTraces(db, 40_000);
    const [command, script] = runtimeCommand('test/engine/maintenance/fixtures/count-up.ts', OTHER);
    const writer = spawn(command, [script, file], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(writer, 'exit');
    const written: string[] = [];
    writer.stdout.on('data', (data) => written.push(String(data)));
    await once(writer.stdout, 'data');
    let turns = 0;
    const timer = setInterval(() => turns++, 1);
    const before = count(db, 'agent_denials');
    const report = await prune(db, { tracesOlderThan: DAY });
    const during = count(db, 'agent_denials') - before;
    clearInterval(timer);
    writer.stdin.end();
    await ended;
    assert.equal(report.traces, 20_000);
    assert.ok(report.batches > 5, String(report.batches));
    assert.ok(turns >= report.batches - 1, `${turns} turns of the event loop in ${report.batches} batches`);
    assert.ok(during > 0, 'the other process wrote meanwhile');
    assert.match(written.join(''), /\d+ acknowledged, 0 failed\n$/);
    const acknowledged = Number(/(\d+) acknowledged/.exec(written.join(''))?.[1]);
    assert.equal(count(db, 'agent_denials'), acknowledged);
  });

  it('says how many rows of each kind there were and are gone, and stops where the caller throws', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    addTraces(db, 3000);
    const schedules = new PulseStore(db);
    const { id } = schedules.createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' });
    db.transaction(() => Array.from({ length: 40 }, () => schedules.createRun(id, 'manual')));
    db.$client.exec("UPDATE pulse_runs SET status = 'completed'");
    const options = { tracesOlderThan: DAY, runsPerSchedule: 10, expiredMessages: true, buckets: true };
    const failing = prune(db, {
      ...options,
      onProgress: ({ rows }) => {
        if (rows > 0) throw new Error('stopped');
      },
    });
    await assert.rejects(failing, /stopped/);
    const deleted = 40 - count(db, 'pulse_runs');
    assert.ok(deleted > 0 && count(db, 'relay_traces') === 3000, 'stopped after the first batch');

    const told: PruneProgress[] = [];
    const report = await prune(db, { ...options, onProgress: (progress) => told.push(progress) });
    const of = (kind: PruneProgress['kind']) => told.filter((progress) => progress.kind === kind);
    assert.deepEqual(of('runs').at(0), { kind: 'runs', rows: 0, totalRows: 30 - deleted });
    assert.deepEqual(of('runs').at(-1), { kind: 'runs', rows: 30 - deleted, totalRows: 30 - deleted });
    assert.deepEqual(of('traces').at(-1), { kind: 'traces', rows: 1500, totalRows: 1500 });
    assert.ok(of('traces').length > 2);
    assert.deepEqual(of('messages'), [{ kind: 'messages', rows: 0, totalRows: 0 }]);
    assert.deepEqual(of('buckets'), [{ kind: 'buckets', rows: 0, totalRows: 0 }]);
    assert.equal(report.traces, 1500);
  });

  it('refuses what does not fit before it deletes anything', async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    addTraces(db, 2);
    const refused: unknown[] = [
      {},
      { runsPerSchedule: -1, tracesOlderThan: DAY },
      { tracesOlderThan: DAY, runsPerSchedule: 1.5 },
      { tracesOlderThan: 'yesterday' },
      { tracesOlderThan: DAY, buckets: 'all' },
      { tracesOlderThan: DAY, expiredMessages: 1 },
      { tracesOlderThan: DAY, expiredMessages: null },
    ];
    for (const options of refused) await assert.rejects(prune(db, options as PruneOptions), InvalidInputError);
    using reader = createDb(file, { readonly: true });
    const isReadOnly = (error: unknown) => error instanceof DorkDbError && error.code === 'READ_ONLY';
    await assert.rejects(prune(reader, { tracesOlderThan: DAY }), isReadOnly);
    assert.equal(count(db, 'relay_traces'), 2);
  });

  it('is a command that takes ages and instants, and asks what is meant', { timeout: 60_000 }, () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    {
      using db = createDb(file);
      addTraces(db, 10);
    }
    const [command, script] = runtimeCommand('src/cli/main.ts');
    const run = (...args: string[]) =>
      spawnSync(command, [script, 'prune', '--db', file, ...args], { encoding: 'utf8' });
    assert.equal(run().status, 2);
    const traces = (...args: string[]) => (JSON.parse(run('--json', ...args).stdout) as { traces: number }).traces;
    assert.equal(traces('--traces-older-than', '36500d'), 0);
    assert.equal(traces('--traces-older-than', DAY), 5);
  });
});
