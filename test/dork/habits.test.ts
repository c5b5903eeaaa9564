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
  type Connection,
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
    const texts = { name: HALF, description: HALF, prompt: HALF };
    const { id, name, description, prompt } = pulse.createSchedule({ ...SCHEDULE, ...texts });
    assert.deepEqual([name, description, prompt], [WHOLE, WHOLE, WHOLE]);
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
    new DenialList(test.db).deny('/a', HALF, HALF, HALF);
    const [denial] = new DenialList(test.db).list();
    assert.deepEqual([denial?.strategy, denial?.reason, denial?.deniedBy], [WHOLE, WHOLE, WHOLE]);
    const index = new SqliteIndex(test.db);
    index.insertMessage({ id: 'm', subject: 's', endpointHash: 'e', payload: HALF, metadata: HALF });
    const message = index.getMessage('m');
    assert.deepEqual([message?.payload, message?.metadata], [WHOLE, WHOLE]);
  });

  it('cut text in half an emoji inside of JSON: it is escaped, and comes back as it was', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const agent = {
      ...sampleAgent({ id: 'a', capabilities: [HALF, 'review'] }),
      persona: HALF,
      version: HALF,
      [HALF]: { deeper: [HALF] },
      behavior: { responseMode: 'always' as const, note: HALF },
    };
    registry.insert({ ...agent, name: HALF, registeredBy: HALF });
    assert.deepEqual(registry.get('a'), { ...agent, name: WHOLE, registeredBy: WHOLE });
    assert.equal(registry.update('a', { persona: `${HALF}!`, entrypoint: HALF, version: '1' }), true);
    const { persona, entrypoint, version } = registry.get('a') ?? assert.fail();
    assert.deepEqual([persona, entrypoint, version], [`${HALF}!`, HALF, '1']);
    assert.deepEqual(registry.list({ capability: 'review' }).length, 1);
    assert.equal(registry.updateHealth('a', AT, HALF), true);
    assert.equal(registry.getWithHealth('a')?.lastSeenEvent, WHOLE);
    assert.equal(test.db.$client.pragma('integrity_check', { simple: true }), 'ok');
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
    assert.equal(pulse.countRuns(''), 1);
    // What may be given is listed without the empty text.
    const words = { message: /must be one of running, completed, failed, cancelled, timeout(?!,)/ };
    assert.throws(() => pulse.listRuns({ status: 'bogus' }), words);
    assert.throws(() => index.queryMessages({ status: 'bogus' }), {
      message: /pending, delivered, failed, new, cur(?!,)/,
    });
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
      INSERT INTO agent_denials (id, path, denier, created_at) VALUES ('e', '/e', '', '${AT}');
      INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at) VALUES ('a', 'n', 'r', '/p', '${AT}', '${AT}')`);
    const deniers = new DenialList(test.db).list().map(({ deniedBy }) => deniedBy);
    assert.deepEqual(deniers, ['unknown', 'unknown']);
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

  it('call what $client.transaction(fn) gives: each call is one transaction, whatever the function returns', () => {
    using test = storeDb();
    const { $client } = test.db;
    $client.exec('CREATE TABLE habits (x)');
    const insert = $client.prepare('INSERT INTO habits VALUES (?)');
    const find = $client.prepare('SELECT x FROM habits WHERE x = ?');
    const rows = () => $client.prepare('SELECT count(*) AS n FROM habits').get()?.n;
    const results = [
      $client.transaction(() => insert.run(1))().changes,
      $client.transaction(() => {
        insert.run(2);
      })(),
      $client
        .transaction(function named() {
          insert.run(3);
          return 5;
        })
        .immediate(),
      $client.transaction(() => find.get(9)).deferred(),
      $client.transaction(() => find.get(1)).exclusive(),
      $client.transaction(() => find.get(1)).default(),
    ];
    assert.deepEqual(results, [1, undefined, 5, undefined, { x: 1 }, { x: 1 }]);
    assert.equal(rows(), 3);
    // Made once, called often, with arguments and a receiver.
    const insertAll = $client.transaction(function (this: { first: number }, more: readonly number[], last: number) {
      for (const x of [this.first, ...more, last]) insert.run(x);
      return $client.inTransaction;
    });
    assert.equal(rows(), 3);
    assert.equal(insertAll.call({ first: 10 }, [11, 12], 13), true);
    assert.equal(insertAll.deferred.call({ first: 20 }, [], 21), true);
    assert.equal(rows(), 9);
    assert.throws(() => insertAll.call({ first: 30 }, [31, Symbol('no') as never], 32), TypeError);
    assert.equal(rows(), 9);
    // Inside another one it is a savepoint.
    test.db.transaction(() => {
      assert.throws(
        $client.transaction(() => {
          insert.run(40);
          throw new RangeError('stop');
        }),
        RangeError,
      );
      $client.transaction(() => insert.run(41))();
    });
    assert.deepEqual([rows(), find.get(40), find.get(41)], [10, undefined, { x: 41 }]);
  });

  it('give $client.transaction() what it cannot run: that is refused before anything runs', async () => {
    using test = storeDb();
    const { $client } = test.db;
    let ran = 0;
    const count = () => ++ran;
    assert.throws(() => $client.transaction(async () => count()), TypeError);
    assert.throws(() => $client.transaction(count, 'deferred' as never), /transaction\(fn\)\.deferred\(\)/);
    for (const value of [undefined, null, 'x', {}]) assert.throws(() => $client.transaction(value as never), TypeError);
    assert.throws(() => $client.runTransaction(((x: number) => x + count()) as never), TypeError);
    assert.equal(ran, 0);
    const promised = $client.transaction(() => Promise.resolve(count()));
    assert.throws(promised, TypeError);
    assert.equal($client.inTransaction, false);
    assert.equal($client.runTransaction(count), 2);
  });

  it('forget to call it: the process is warned when the database is closed', async () => {
    const warned = async (use: (client: Connection) => void): Promise<unknown[]> => {
      const codes: unknown[] = [];
      const listen = (warning: Error & { code?: unknown }) => codes.push(warning.code);
      process.on('warning', listen);
      {
        using test = storeDb();
        use(test.db.$client);
      }
      await new Promise((resolve) => setImmediate(resolve));
      process.off('warning', listen);
      return codes;
    };
    assert.deepEqual(await warned(($client) => void $client.transaction(() => {})), ['DORK_DB_TRANSACTION_NOT_CALLED']);
    const made = ($client: Connection) => {
      const twice = $client.transaction(() => {});
      twice();
      twice.deferred();
      // One with parameters is kept for later use.
      $client.transaction((_: number) => {});
    };
    assert.deepEqual(await warned(made), []);
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
    for (const name of ['pluck', 'expand', 'bind', 'columns', 'safeIntegers']) {
      const call = (insert as unknown as Record<string, () => void>)[name];
      assert.throws(() => call?.call(insert), {
        name: 'TypeError',
        message: new RegExp(`no ${name}\\(\\) here\\. Use`),
      });
    }
    assert.equal($client.prepare('SELECT count(*) AS n FROM habits').get()?.n, 1);
  });
});
