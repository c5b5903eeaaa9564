/** One message at many endpoints: a row each. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDb, health, InvalidInputError, prune, type RelayMessage, SqliteIndex } from '#entry';
import { history } from '../../../drizzle/history.ts';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import { historyUpTo } from '../../kit/database-at.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { recounted } from './fixtures/dump.ts';
import { envelope, MaildirFiles } from './fixtures/maildir.ts';

const AT = '2026-02-25T09:30:00.000Z';
const at = (endpointHash: string, more: Partial<RelayMessage> = {}): RelayMessage => ({
  id: 'm',
  subject: 's',
  endpointHash,
  status: 'pending',
  createdAt: AT,
  expiresAt: null,
  sender: 'x',
  ...more,
});

describe(`a message at many endpoints on ${RUNTIME}`, () => {
  it('has a row at each, and inserting it again brings that of its endpoint up to date', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    for (const endpoint of ['*', 'e1', 'e2']) index.insertMessage(at(endpoint, { payload: endpoint }));
    index.insertMessage({ id: 'm', subject: 's', endpointHash: 'e1', status: 'failed' });
    assert.deepStrictEqual(index.getMessage('m', 'e1'), at('e1', { status: 'failed', payload: 'e1' }));
    assert.deepStrictEqual(index.getMessage('m', 'e2'), at('e2', { payload: 'e2' }));
    assert.equal(index.getMessage('m', 'e3'), null);
    assert.equal(index.getMessage('n', 'e1'), null);
    assert.equal(index.getByEndpoint('e2').length, 1);
    assert.equal(index.getBySubject('s').length, 3);
  });

  it('is, without an endpoint, its newest row, and of those of one millisecond the one with the greatest endpoint', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    for (const endpoint of ['e2', '*', 'e1']) index.insertMessage(at(endpoint));
    assert.equal(index.getMessage('m')?.endpointHash, 'e2');
    index.insertMessage(at('a', { createdAt: '2026-02-25T09:30:00.001Z' }));
    assert.equal(index.getMessage('m')?.endpointHash, 'a');
  });

  it('has a status at each, and gets one everywhere if no endpoint is named', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages([at('e1'), at('e2'), at('e1', { id: 'other' })]);
    assert.equal(index.updateStatus('m', 'delivered', 'e2'), true);
    assert.equal(index.updateStatus('m', 'delivered', 'e3'), false);
    const statuses = () =>
      index.queryMessages().messages.map(({ id, endpointHash, status }) => [id, endpointHash, status]);
    assert.deepEqual(statuses(), [
      ['other', 'e1', 'pending'],
      ['m', 'e2', 'delivered'],
      ['m', 'e1', 'pending'],
    ]);
    assert.equal(index.updateStatus('m', 'failed'), true);
    assert.deepEqual(
      statuses().map(([, , status]) => status),
      ['pending', 'failed', 'failed'],
    );
    for (const endpoint of [5, null, {}]) {
      const isInvalid = (error: unknown) => error instanceof InvalidInputError && error.field === 'endpointHash';
      assert.throws(() => index.getMessage('m', endpoint as never), isInvalid);
      assert.throws(() => index.updateStatus('m', 'failed', endpoint as never), isInvalid);
    }
  });

  it('counts at each endpoint, in the metrics, the counters and for its sender', async () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages([at('e1'), at('e2', { subject: 't' }), at('e3', { status: 'failed', expiresAt: AT })]);
    assert.deepEqual([index.countNewByEndpoint('e1'), index.countNewByEndpoint('e3')], [1, 0]);
    assert.equal(index.countSenderInWindow('x', '2026-02-25T09:29:59.999Z'), 3);
    assert.deepEqual(index.getMetrics(), {
      totalMessages: 3,
      byStatus: { pending: 2, failed: 1 },
      bySubject: [
        { subject: 's', count: 2 },
        { subject: 't', count: 1 },
      ],
    });
    const isCounted = () => {
      const { counted, kept } = recounted(test.db);
      assert.deepEqual(kept, counted);
      const { findings } = health(test.db, { deep: true });
      assert.deepEqual(
        findings.filter(({ check, severity }) => check === 'counters' && severity !== 'ok'),
        [],
      );
    };
    isCounted();
    // Only the row that has expired goes.
    assert.equal((await prune(test.db, { expiredMessages: true })).messages, 1);
    assert.deepEqual(index.getMessage('m', 'e3'), null);
    index.insertMessage(at('e3', { expiresAt: AT }));
    assert.equal(index.deleteExpired(), 1);
    assert.equal(index.getBySubject('s').length, 1);
    isCounted();
  });

  it('is walked by pages of every size, with every filter, each row once', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const rows = Array.from({ length: 60 }, (_, i) =>
      at(`e${String(i % 20).padStart(2, '0')}`, { id: `m${i % 3}`, status: i % 5 ? 'delivered' : 'pending' }),
    );
    index.insertMessages(rows);
    // An id that looks like a cursor.
    index.insertMessages([at('e1', { id: '["m1","e07"]' }), at('e2', { id: '["m1","e07"]' })]);
    for (const filter of [
      {},
      { subject: 's' },
      { sender: 'x' },
      { status: 'pending' },
      { subject: 's', status: 'delivered' },
    ]) {
      const all = index.queryMessages({ ...filter, limit: 1000 }).messages;
      assert.ok(all.length > 10);
      for (const limit of [1, 2, 3, 7, 19, 20, 21, all.length - 1]) {
        const met: RelayMessage[] = [];
        let cursor: string | undefined;
        do {
          const page = index.queryMessages({ ...filter, limit, cursor });
          met.push(...page.messages);
          cursor = page.nextCursor;
        } while (cursor !== undefined);
        assert.deepEqual(met, all, `${JSON.stringify(filter)} by ${limit}`);
      }
    }
  });

  it('keeps its place between two pages where rows come and go, and an id alone goes on behind all its rows', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages(['e1', 'e2', 'e3', 'e4'].flatMap((endpoint) => [at(endpoint), at(endpoint, { id: 'a' })]));
    const { messages, nextCursor } = index.queryMessages({ limit: 2 });
    assert.deepEqual(
      messages.map(({ endpointHash }) => endpointHash),
      ['e4', 'e3'],
    );
    test.db.$client.exec("DELETE FROM relay_index WHERE endpoint_hash IN ('e3', 'e2') AND id = 'm'");
    index.insertMessage(at('e5'));
    const next = index.queryMessages({ limit: 2, cursor: nextCursor });
    assert.deepEqual(
      next.messages.map(({ id, endpointHash }) => [id, endpointHash]),
      [
        ['m', 'e1'],
        ['a', 'e4'],
      ],
    );
    assert.deepEqual(new Set(index.queryMessages({ cursor: 'm' }).messages.map(({ id }) => id)), new Set(['a']));
    // A text that only looks like a pair is an id.
    for (const cursor of ['["m"]', '["m", "e2"]', '["m","e2","x"]', '["m",5]', '["\\ud800","e"]', '["m"'])
      assert.deepEqual(index.queryMessages({ cursor }), { messages: [] }, cursor);
  });

  it('is rebuilt from the files of each endpoint, whose facts may differ', async () => {
    using folder = temporaryFolder();
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const files = new MaildirFiles(folder.file('maildir'));
    files.write('e1', 'new', 'm', envelope());
    files.write('e2', 'cur', 'm', envelope({ subject: 'other' }));
    files.write('e3', 'failed', 'm', envelope());
    const endpoints = new Map(['e1', 'e2', 'e3'].map((hash) => [hash, 's']));
    index.insertMessages([at('e1', { status: 'failed', payload: 'kept' }), at('gone', { payload: 'of another' })]);
    for (let again = 0; again < 2; again++) {
      assert.equal(await index.rebuild(files, endpoints), 3);
      assert.deepEqual(
        index
          .queryMessages()
          .messages.map(({ endpointHash, status, subject, payload }) => [endpointHash, status, subject, payload]),
        [
          ['e3', 'failed', envelope().subject, 'of another'],
          ['e2', 'delivered', 'other', 'of another'],
          ['e1', 'pending', envelope().subject, 'kept'],
        ],
      );
      const { counted, kept } = recounted(test.db);
      assert.deepEqual(kept, counted);
    }
  });

  it('keeps the row at the other endpoints where one of its files is gone', async () => {
    using folder = temporaryFolder();
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const files = new MaildirFiles(folder.file('maildir'));
    files.write('e2', 'new', 'm', envelope());
    index.insertMessages(['e1', 'e2', 'e3'].map((endpoint) => at(endpoint)));
    assert.equal(
      await index.rebuild(
        files,
        new Map([
          ['e1', 's'],
          ['e2', 's'],
        ]),
      ),
      1,
    );
    assert.deepEqual(
      index.queryMessages().messages.map(({ endpointHash }) => endpointHash),
      ['e2'],
    );
  });

  it('comes through the migrations row for row, with its counters, triggers and the memory of imports', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using db = createDb(path, { migrations: 'skip' });
      migrate(db.$client, historyUpTo(history, 5), { snapshot: false });
      db.$client.exec(`
        INSERT INTO relay_index (id, subject, endpoint_hash, status, payload, created_at) VALUES
          ('a', 's', 'e1', 'pending', 'p', '${AT}'), ('b', 't', 'e2', 'failed', NULL, '${AT}');
        INSERT INTO legacy_rows (kind, id, state) VALUES
          ('message', 'a', 'x'), ('message', 'deleted', 'y'), ('span', 'a', 'z');
        INSERT INTO relay_traces (id, message_id, trace_id, subject, status, sent_at) VALUES
          ('t', 'a', 't', 's', 'delivered', '${AT}')`);
    }
    using db = createDb(path);
    const index = new SqliteIndex(db);
    const counters = () => db.$client.prepare('SELECT * FROM relay_counts ORDER BY subject').all();
    const before = counters();
    assert.deepEqual(before, [
      { subject: 's', pending: 1, delivered: 0, failed: 0 },
      { subject: 't', pending: 0, delivered: 0, failed: 1 },
    ]);
    assert.equal(index.getMessage('a')?.payload, 'p');
    index.insertMessage({ id: 'a', subject: 's', endpointHash: 'e2', createdAt: AT });
    index.updateStatus('a', 'delivered');
    assert.deepEqual(counters()[0], { subject: 's', pending: 0, delivered: 2, failed: 0 });
    assert.deepEqual(db.$client.prepare('SELECT kind, id FROM legacy_rows ORDER BY kind, id').all(), [
      { kind: 'message', id: 'a\u001fe1' },
      { kind: 'message', id: 'deleted' },
      { kind: 'span', id: 'a' },
    ]);
    assert.deepEqual(db.$client.prepare('SELECT kind FROM relay_traces').all(), [{ kind: 'delivery' }]);
  });
});
