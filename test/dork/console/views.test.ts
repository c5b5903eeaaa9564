/** DorkOS's views, as the page gets them, on a filled home, on an empty one, and on one that is behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRegistry, BudgetMapper, createDb, DenialList, PulseStore, SqliteIndex, TraceStore } from '#entry';
import type { Block, Value } from '../../../src/engine/console/blocks.ts';
import { blockOf, Served } from '../../engine/console/served.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { queryPlan } from '../../support/query-plan.ts';
import { RUNTIME } from '../../support/runtime.ts';

const MAIN = 'src/cli/main.ts';
const VIEWS = ['runs', 'messages', 'traces', 'agents'];
const HOSTILE = '<img src=x onerror=alert(1)>\u202Egnp.exe\0\ud83d';

const plain = (value: Value | undefined) =>
  typeof value === 'object' && value !== null ? value.value : (value ?? null);
const fact = (blocks: Block[], name: string) => {
  const facts = blocks.flatMap((block) => (block.kind === 'facts' ? block.facts : []));
  return plain((facts.find((each) => each.name === name) ?? assert.fail(`no fact ${name}`)).value);
};

function filled(file: string) {
  const db = createDb(file);
  const pulse = new PulseStore(db);
  const { id } = pulse.createSchedule({
    name: 'Report <b>',
    prompt: 'p',
    cron: '0 9 * * *',
    timezone: 'Asia/Tokyo',
    maxRuntime: 1,
  });
  const late = pulse.createRun(id, 'scheduled');
  pulse.updateRun(late.id, { startedAt: Date.now() - 60_000 });
  const failed = pulse.createRun(id, 'manual');
  pulse.updateRun(failed.id, {
    status: 'failed',
    finishedAt: Date.now(),
    durationMs: 1234,
    error: HOSTILE.toWellFormed(),
    outputSummary: 'x'.repeat(200_000),
  });
  const index = new SqliteIndex(db);
  index.insertMessage({
    id: 'waits',
    subject: 's',
    endpointHash: 'there',
    payload: HOSTILE.toWellFormed().replace('\0', ''),
  });
  index.insertMessage({ id: 'lost', subject: 's', endpointHash: 'there', status: 'failed' });
  const traces = new TraceStore(db);
  const at = Date.now() - 1000;
  const span = (messageId: string, spanId: string, parentSpanId: string | null, more: object = {}) =>
    traces.insertSpan({
      messageId,
      traceId: 'trace',
      subject: `to ${messageId}`,
      spanId,
      parentSpanId,
      sentAt: at,
      ...more,
    });
  span('waits', 'a', null, { status: 'processed', deliveredAt: at + 10, processedAt: at + 400 });
  span('second', 'b', 'a', { status: 'delivered', deliveredAt: at + 500 });
  span('third', 'c', 'b', { status: 'dead_lettered' });
  // Two that name each other.
  span('fourth', 'd', 'e');
  span('fifth', 'e', 'd');
  new AgentRegistry(db).insert({
    id: 'agent',
    name: 'Ada',
    description: '',
    runtime: 'codex',
    projectPath: '/p',
    namespace: 'n',
    registeredBy: 'me',
    registeredAt: new Date().toISOString(),
    capabilities: [],
    behavior: { responseMode: 'always' },
    budget: { maxHopsPerMessage: 1, maxCallsPerHour: 2 },
  } as never);
  for (let i = 0; i < 3; i++) new BudgetMapper(db).recordCall('agent');
  new DenialList(db).deny('/denied', 'manual', 'why', 'me');
  return { db, failed, late };
}

describe(`the console of a DorkOS home on ${RUNTIME}`, () => {
  it('shows what runs, what will, what failed, and one run whole', async () => {
    using folder = temporaryFolder();
    const { db, failed } = filled(folder.file('dork.db'));
    await using served = await Served.start(MAIN, folder.file('dork.db'));
    const blocks = await served.view('runs');
    assert.deepEqual([fact(blocks, 'Running'), fact(blocks, 'Too long'), fact(blocks, 'Failed')], [1, 1, 1]);
    const [schedule] = blockOf(blocks, 'table', 'Schedules').rows;
    assert.equal(plain(schedule?.[0]), 'Report <b>');
    assert.match(String(plain(schedule?.[4])), /09:00, Asia\/Tokyo$/);
    assert.equal(blockOf(blocks, 'timeline').lanes[0]?.items.length, 2);
    assert.equal(plain(blockOf(blocks, 'table', 'Failed last').rows[0]?.[1]), 'failed');
    const one = await served.view('runs', { run: failed.id });
    assert.equal(blockOf(one, 'text', 'Error').text, HOSTILE.toWellFormed());
    assert.equal(blockOf(one, 'text', 'Output').text.length, 100_000);
    assert.equal((await served.view('runs', { run: 'none' }))[1]?.kind, 'verdict');
    assert.deepEqual((await served.view('runs', { hours: '168' })).length, blocks.length);
    db.$client.close();
  });

  it('shows what waits where, one message with its trace, and a trace as a waterfall', async () => {
    using folder = temporaryFolder();
    const { db } = filled(folder.file('dork.db'));
    await using served = await Served.start(MAIN, folder.file('dork.db'));
    const messages = await served.view('messages');
    assert.deepEqual([fact(messages, 'Waiting'), fact(messages, 'Failed')], [1, 1]);
    assert.deepEqual(
      blockOf(messages, 'table', 'Waiting messages by endpoint').rows.map((row) => row.map(plain)),
      [['there', 1]],
    );
    const message = await served.view('messages', { message: 'waits' });
    assert.equal(fact(message, 'Trace'), 'trace');
    assert.match(blockOf(message, 'text', 'Payload').text, /^<img src=x onerror=alert\(1\)>/);
    const trace = await served.view('traces', { trace: 'trace' });
    const lanes = blockOf(trace, 'timeline').lanes.map(({ name, depth }) => [name, depth]);
    assert.deepEqual(lanes, [
      ['to waits', 0],
      ['to second', 1],
      ['to third', 2],
      ['to fourth', 0],
      ['to fifth', 1],
    ]);
    const traces = await served.view('traces');
    assert.equal(blockOf(traces, 'table', 'Dead letters').rows.length, 1);
    assert.equal(blockOf(traces, 'table', 'Newest').rows.length, 5);
    db.$client.close();
  });

  it('shows agents with their calls against the budget, and denials', async () => {
    using folder = temporaryFolder();
    const { db } = filled(folder.file('dork.db'));
    await using served = await Served.start(MAIN, folder.file('dork.db'));
    const agents = await served.view('agents');
    const [row] = blockOf(agents, 'table', 'Agents').rows;
    assert.deepEqual([plain(row?.[0]), row?.[4], row?.[5]], ['Ada', { value: 3, tone: 'warning' }, 2]);
    assert.equal(blockOf(agents, 'table', 'Denials').rows.length, 1);
    db.$client.close();
  });

  it('shows what another program wrote: times that are none, and integers that no number can hold', async () => {
    using folder = temporaryFolder();
    const { db } = filled(folder.file('dork.db'));
    db.$client.exec(`
      UPDATE pulse_runs SET started_at = 'x', finished_at = '', duration_ms = 9223372036854775807;
      UPDATE relay_traces SET sent_at = 'x', delivered_at = 'y', budget_hops_used = 9223372036854775807;
      UPDATE pulse_schedules SET timezone = 'No/Where', max_runtime = 9223372036854775807;
      UPDATE agents SET last_seen_at = 'x', budget_json = '{"maxCallsPerHour":1e999}';
      UPDATE rate_limit_buckets SET count = 9007199254740993;`);
    db.$client.close();
    await using served = await Served.start(MAIN, folder.file('dork.db'));
    for (const view of ['now', ...VIEWS, 'file']) {
      const [first, second] = await served.view(view);
      assert.ok(second !== undefined, `${view}: ${JSON.stringify(first)}`);
    }
    const trace = await served.view('traces', { trace: 'trace' });
    assert.equal(plain(blockOf(trace, 'table', 'Spans').rows[0]?.[5]), '9223372036854775807');
  });

  it('shows an empty home as empty', async () => {
    using folder = temporaryFolder();
    createDb(folder.file('dork.db')).$client.close();
    await using served = await Served.start(MAIN, folder.file('dork.db'));
    for (const view of VIEWS) {
      const blocks = await served.view(view);
      assert.ok(blocks.length > 2, view);
      assert.equal(
        blocks.find(({ kind }) => kind === 'verdict'),
        undefined,
        view,
      );
    }
  });

  it('asks from indexes: no table is scanned but small ones of a fixed number of rows', async () => {
    const { VIEWS: views } = await import('../../../src/dork/console/views.ts');
    using folder = temporaryFolder();
    const { db } = filled(folder.file('dork.db'));
    using _ = db;
    const asked = new Set<string>();
    let isPlanning = false;
    db.$client.onPrepare((sql) => {
      if (!isPlanning) asked.add(sql);
    });
    const params = [{}, { hours: '168' }, { run: 'x' }, { message: 'waits' }, { trace: 'trace' }];
    for (const view of views)
      for (const given of params)
        await view.read({ db, kit: undefined as never, filename: '', params: given as Record<string, string> });
    isPlanning = true;
    const lines = [...asked].flatMap((sql) => queryPlan(db.$client, sql));
    const scans = lines.filter((line) => /^SCAN (pulse_runs|relay_index|relay_traces|rate_limit_buckets)/.test(line));
    // In the order of an index until a LIMIT.
    const meant = /USING (COVERING )?INDEX (relay_index_endpoint_pending|relay_traces_metrics|pulse_runs_created)$/;
    assert.deepEqual(
      scans.filter((line) => !meant.test(line)),
      [],
    );
    assert.ok(lines.length > 20);
  });
});
