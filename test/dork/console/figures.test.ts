/** Runs, messages, traces and calls as figures over time, each from an index alone. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AgentRegistry,
  BudgetMapper,
  callFigures,
  createDb,
  InvalidInputError,
  PulseStore,
  runFigures,
  SqliteIndex,
  TraceStore,
  traceFigures,
  waitingMessages,
} from '#entry';
import { queryPlan } from '../../support/query-plan.ts';
import { RUNTIME } from '../../support/runtime.ts';

const HOUR = 3_600_000;

describe(`figures on ${RUNTIME}`, () => {
  it('count the runs of each hour by what became of them, as their rows say', () => {
    using db = createDb(':memory:');
    const pulse = new PulseStore(db);
    const { id } = pulse.createSchedule({ name: 'n', prompt: 'p', cron: '* * * * *' });
    for (let i = 0; i < 40; i++) {
      const run = pulse.createRun(id, 'manual');
      const at = new Date(Date.now() - i * 30 * 60_000).toISOString();
      db.$client.prepare('UPDATE pulse_runs SET created_at = ? WHERE id = ?').run(at, run.id);
      if (i > 0) pulse.updateRun(run.id, { status: i % 3 === 0 ? 'failed' : 'completed' });
    }
    const { hours, isCut } = runFigures(db, { hours: 6 });
    assert.equal(isCut, false);
    assert.equal(hours.length, 6);
    for (const { at, counts } of hours) {
      const end = new Date(Date.parse(at) + HOUR).toISOString();
      const rows = pulse.listRuns({ limit: 100 }).filter(({ createdAt }) => createdAt >= at && createdAt < end);
      for (const status of ['running', 'completed', 'failed', 'cancelled', 'timeout'] as const)
        assert.equal(counts[status], rows.filter((run) => run.status === status).length, `${at} ${status}`);
    }
  });

  it('have the percentiles of TraceStore.getMetrics(), and count deliveries alone', () => {
    using db = createDb(':memory:');
    const traces = new TraceStore(db);
    const at = Math.floor(Date.now() / HOUR) * HOUR;
    for (let i = 0; i < 57; i++) {
      const span = { messageId: `m${i}`, traceId: 't', subject: 's', sentAt: at };
      traces.insertSpan({ ...span, ...(i % 4 > 0 && { status: 'delivered' as const, deliveredAt: at + i * i }) });
    }
    const now = traceFigures(db, { hours: 2 }).hours.at(-1);
    const { p50DeliveryLatencyMs, p95DeliveryLatencyMs, p99DeliveryLatencyMs } = traces.getMetrics({ since: at });
    assert.deepEqual(
      [now?.p50Ms, now?.p95Ms, now?.p99Ms],
      [p50DeliveryLatencyMs, p95DeliveryLatencyMs, p99DeliveryLatencyMs],
    );
    assert.deepEqual([now?.counts.sent, now?.counts.delivered], [15, 42]);
    assert.equal(traceFigures(db, { hours: 2 }).hours[0]?.p50Ms, null);
  });

  it('show where messages wait, and the calls of the last hour by minute', () => {
    using db = createDb(':memory:');
    const index = new SqliteIndex(db);
    for (let i = 0; i < 5; i++)
      index.insertMessage({
        id: `m${i}`,
        subject: 's',
        endpointHash: i < 3 ? 'busy' : 'calm',
        status: i === 4 ? 'delivered' : 'pending',
      });
    assert.deepEqual(waitingMessages(db), [
      { endpointHash: 'busy', count: 3 },
      { endpointHash: 'calm', count: 1 },
    ]);
    const budgets = new BudgetMapper(db);
    for (const agent of ['a', 'b', 'b']) budgets.recordCall(agent);
    db.$client.exec("INSERT INTO rate_limit_buckets VALUES ('old', 1, 5)");
    const calls = callFigures(db);
    assert.deepEqual(
      calls.map(({ agentId, count }) => [agentId, count]),
      [
        ['b', 2],
        ['a', 1],
      ],
    );
    assert.equal(
      calls[0]?.minutes.reduce((sum, { count }) => sum + count, 0),
      2,
    );
    assert.equal(new AgentRegistry(db).list().length, 0);
  });

  it('refuse hours that cannot be', () => {
    using db = createDb(':memory:');
    for (const hours of [0, 169, 1.5, Number.NaN, '24' as never])
      for (const figures of [runFigures, traceFigures]) assert.throws(() => figures(db, { hours }), InvalidInputError);
  });

  it('read no table', () => {
    using db = createDb(':memory:');
    const asked: string[] = [];
    db.$client.onPrepare((sql) => void asked.push(sql));
    runFigures(db);
    traceFigures(db);
    waitingMessages(db);
    callFigures(db);
    const plans = [...asked].flatMap((sql) => queryPlan(db.$client, sql));
    assert.deepEqual(plans.filter((line) => /pulse_runs|relay_|rate_limit/.test(line)).sort(), [
      'SCAN relay_index USING COVERING INDEX relay_index_endpoint_pending',
      'SEARCH pulse_runs USING COVERING INDEX pulse_runs_status_created (status=? AND created_at>?)',
      'SEARCH rate_limit_buckets USING INDEX rate_limit_buckets_minute (bucket_minute>?)',
      'SEARCH relay_traces USING COVERING INDEX relay_traces_metrics (sent_at>? AND sent_at<?)',
    ]);
  });
});
