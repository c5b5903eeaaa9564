/** What DorkOS's callers do, each a habit that failed once. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AgentRegistry,
  type AgentRuntime,
  agents,
  type BudgetAllowed,
  type BudgetDenied,
  BudgetMapper,
  DenialList,
  type ListRunsOptions,
  type PulsePermissionMode,
  PulseStore,
  type QueryMessagesOptions,
  SqliteIndex,
  type SqliteIndexOptions,
  TraceStore,
} from '#entry';
import { RUNTIME } from '../support/runtime.ts';
import { storeDb } from '../support/store-db.ts';
import { sampleAgent } from './mesh/sample-agent.ts';

const AT = '2026-02-25T09:30:00.000Z';
const LATER = '2026-02-25T09:30:00.001Z';
/** A text that was cut by UTF-16 units, in the middle of an emoji. */
const HALF = `${'x'.repeat(499)}😀`.slice(0, 500);
const WHOLE = HALF.toWellFormed();
const SCHEDULE = { name: 'n', prompt: 'p', cron: '* * * * *' };

describe(`the habits of DorkOS's callers on ${RUNTIME}`, () => {
  it('cut text in half an emoji: a finished job is stored, and so is everything that people say', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id, description, prompt } = pulse.createSchedule({ ...SCHEDULE, description: HALF, prompt: HALF });
    assert.deepEqual([description, prompt], [WHOLE, WHOLE]);
    const run = pulse.createRun(id, 'scheduled');
    const ended = pulse.updateRun(run.id, { status: 'completed', outputSummary: HALF, error: HALF });
    assert.deepEqual([ended?.status, ended?.outputSummary, ended?.error], ['completed', WHOLE, WHOLE]);
    const traces = new TraceStore(test.db);
    traces.insertSpan({ messageId: 'm', traceId: 't', subject: 's', error: HALF });
    assert.equal(traces.getSpanByMessageId('m')?.errorMessage, WHOLE);
    assert.equal(traces.updateSpan('m', { status: 'failed', error: `${HALF}!` }), true);
    const registry = new AgentRegistry(test.db);
    registry.insert(sampleAgent({ id: 'a', description: HALF }));
    assert.equal(registry.get('a')?.description, WHOLE);
    new DenialList(test.db).deny('/a', 'manual', HALF, 'me');
    assert.equal(new DenialList(test.db).list()[0]?.reason, WHOLE);
  });

  it('cut what is an identity or a structure too: that is refused by its name', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const isNamed = (field: string) => (error: unknown) => (error as { field?: string }).field === field;
    assert.throws(() => pulse.createSchedule({ ...SCHEDULE, cron: HALF }), isNamed('cron'));
    assert.throws(() => pulse.createSchedule({ ...SCHEDULE, cwd: HALF }), isNamed('cwd'));
    const index = new SqliteIndex(test.db);
    assert.throws(() => index.insertMessage({ id: HALF, subject: 's', endpointHash: 'e' }), isNamed('id'));
    assert.throws(() => index.insertMessage({ id: 'i', subject: HALF, endpointHash: 'e' }), isNamed('subject'));
    assert.throws(() => new DenialList(test.db).deny(HALF, 's', 'r', 'me'), isNamed('path'));
  });

  it('filter by the older words, and by fields of a form that nobody filled in', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages([
      { id: 'a', subject: 's', endpointHash: 'e' },
      { id: 'b', subject: 's', endpointHash: 'e', status: 'delivered' },
    ]);
    const idsOf = (options: QueryMessagesOptions) => index.queryMessages(options).messages.map(({ id }) => id);
    assert.deepEqual([idsOf({ status: 'new' }), idsOf({ status: 'cur' })], [['a'], ['b']]);
    const empty = { status: '', subject: '', sender: '', endpointHash: '', cursor: '' };
    assert.deepEqual(idsOf(empty), ['b', 'a']);
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(SCHEDULE);
    pulse.createRun(id, 'manual');
    assert.equal(pulse.listRuns({ scheduleId: '', status: '' }).length, 1);
    const registry = new AgentRegistry(test.db);
    registry.insert(sampleAgent({ id: 'a' }));
    assert.equal(registry.list({ runtime: '', capability: '' }).length, 1);
    assert.equal(registry.listWithHealth({ runtime: '', capability: '' }).length, 1);
  });

  it('count what a sender sent after an instant, not at it; a message without a sender is never counted', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const message = { subject: 's', endpointHash: 'e' };
    index.insertMessage({ ...message, id: 'a', sender: 'x', createdAt: AT });
    index.insertMessage({ ...message, id: 'b', sender: 'x', createdAt: LATER });
    index.insertMessage({ ...message, id: 'c', createdAt: LATER });
    assert.equal(index.countSenderInWindow('x', AT), 1);
    assert.equal(index.countSenderInWindow('', AT), 0);
  });

  it('put a Date, NaN and arrays into metadata: what JSON.stringify makes of them is stored', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    for (const metadata of [{ at: new Date(AT), ratio: Number.NaN, list: [undefined, 1] }, [1, 'two'], new Date(AT)]) {
      const json = JSON.stringify(metadata);
      const store = () => traces.insertSpan({ messageId: 'm', traceId: 't', subject: 's', metadata });
      if (json.startsWith('"')) assert.throws(store, { field: 'metadata' });
      else {
        store();
        assert.equal(traces.getSpanByMessageId('m')?.metadata, json);
      }
    }
  });

  it('mean no limit by Infinity', () => {
    using test = storeDb();
    const budgets = new BudgetMapper(test.db);
    const allowed: BudgetAllowed = { allowed: true, remaining: Number.POSITIVE_INFINITY };
    assert.deepEqual(budgets.checkBudget('a', Number.POSITIVE_INFINITY), allowed);
    assert.deepEqual(budgets.tryRecordCall('a', Number.POSITIVE_INFINITY), allowed);
    const denied: BudgetDenied = { allowed: false, used: 1 };
    assert.deepEqual(budgets.checkBudget('a', 1), denied);
  });

  it('schedule with a year or by a date, as croner runs them', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    pulse.createSchedule({ ...SCHEDULE, cron: '0 0 3 1 1 * 2099' });
    pulse.createSchedule({ ...SCHEDULE, cron: '2099-01-01T03:00:00' });
    assert.deepEqual(
      pulse.getSchedules({ withNextRun: true }).map(({ nextRun }) => nextRun),
      ['2099-01-01T03:00:00.000Z', '2099-01-01T03:00:00.000Z'],
    );
  });

  it('read older rows without a denier or an approver', () => {
    using test = storeDb();
    test.db.$client.exec(`INSERT INTO agent_denials (id, path, created_at) VALUES ('d', '/d', '${AT}');
      INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at) VALUES ('a', 'n', 'r', '/p', '${AT}', '${AT}')`);
    assert.equal(new DenialList(test.db).list()[0]?.deniedBy, 'unknown');
    assert.equal(new AgentRegistry(test.db).get('a')?.registeredBy, 'mesh');
  });

  it('name types, words and columns as DorkOS does', () => {
    using test = storeDb();
    // Each of these lines is a promise of the types.
    const options: SqliteIndexOptions = { dbPath: '/older/index.db' };
    const status: string = 'pending';
    const filters: [QueryMessagesOptions, ListRunsOptions] = [{ status }, { status }];
    const mode: PulsePermissionMode = 'plan';
    const otherMode: PulsePermissionMode = String(options.dbPath);
    const runtimes: AgentRuntime[] = ['claude-code', 'of my own'];
    assert.ok(filters && otherMode && runtimes);
    const schedule = new PulseStore(test.db).createSchedule({ ...SCHEDULE, permissionMode: mode });
    assert.ok(schedule.permissionMode === 'plan');
    new AgentRegistry(test.db).insert(sampleAgent({ id: 'a', capabilities: ['review'] }));
    assert.deepEqual(test.db.select({ words: agents.capabilities }).from(agents).all(), [{ words: '["review"]' }]);
    assert.deepEqual(test.db.select().from(agents).get()?.capabilities, '["review"]');
  });

  it('call what transaction(fn) gives: it is committed once, and no later call is taken for another one', async () => {
    using test = storeDb();
    const { $client } = test.db;
    $client.exec('CREATE TABLE habits (x)');
    const insert = $client.prepare('INSERT INTO habits VALUES (?)');
    const rows = () => $client.prepare('SELECT count(*) AS n FROM habits').get()?.n;
    type Called = (() => void) & { immediate(): void };
    const begin = (fn: () => void) => $client.transaction(fn) as unknown as Called;
    begin(() => {
      insert.run(1);
    })();
    begin(function named() {
      insert.run(2);
    }).immediate();
    assert.equal(rows(), 2);
    const again = begin(() => {
      insert.run(3);
    });
    again();
    const ran = { name: 'DorkDbError', code: 'ALREADY_RUN' };
    assert.throws(again, ran);
    const later = begin(() => {
      insert.run(4);
    });
    await null;
    assert.throws(later, ran);
    assert.equal(rows(), 4);
    // A function that expects arguments is refused before it runs, an error rolls back, and a result stays a result.
    assert.throws(() => $client.transaction(((x: number) => insert.run(x)) as never), TypeError);
    assert.throws(
      () =>
        begin(() => {
          insert.run(5);
          throw new RangeError('stop');
        }),
      RangeError,
    );
    assert.equal(rows(), 4);
    const find = $client.prepare('SELECT x FROM habits WHERE x = ?');
    assert.equal(
      $client.transaction(() => find.get(9)),
      undefined,
    );
    const nothing = $client.transaction(() => {
      if (find.get(1)) return undefined;
      return 5;
    });
    assert.equal(nothing, undefined);
  });

  it('reach for named parameters, arrays, raw() and pluck(): supported, or refused by name before anything runs', () => {
    using test = storeDb();
    const { $client } = test.db;
    $client.exec("CREATE TABLE habits (id INTEGER, name TEXT); INSERT INTO habits VALUES (1, 'a')");
    const select = $client.prepare('SELECT id, name FROM habits WHERE id = @id');
    assert.deepEqual(select.get({ id: 1 }), { id: 1, name: 'a' });
    assert.deepEqual(select.raw().get({ id: 1 }), [1, 'a']);
    const insert = $client.prepare('INSERT INTO habits VALUES (?, ?)');
    assert.throws(() => insert.run([2, 'b']), { name: 'TypeError', message: /is an array\. Spread it/ });
    for (const name of ['pluck', 'expand', 'bind']) {
      const call = (insert as unknown as Record<string, () => void>)[name];
      assert.throws(() => call?.call(insert), {
        name: 'TypeError',
        message: new RegExp(`no ${name}\\(\\) here\\. Use`),
      });
    }
    assert.equal($client.prepare('SELECT count(*) AS n FROM habits').get()?.n, 1);
  });
});
