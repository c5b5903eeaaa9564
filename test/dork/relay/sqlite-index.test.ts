import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDb, InvalidInputError, newId, type RelayMessage, SqliteIndex, sql } from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { dump, recounted } from './fixtures/dump.ts';

const AT = '2026-02-25T09:30:00.000Z';
const LATER = '2026-02-25T09:30:00.001Z';

/** A message with every field. */
const FULL: RelayMessage = {
  id: '01M82KWN3SG1SDM1KVKT780WNV',
  subject: 'relay.agent.proj.backend',
  endpointHash: 'hash-1',
  status: 'delivered',
  createdAt: AT,
  expiresAt: '2026-02-25T10:30:00.000Z',
  sender: 'relay.agent.proj.frontend',
  payload: '{"text":"hello"}',
  metadata: 'any text',
};

const BARE = { id: 'a', subject: 's', endpointHash: 'e', createdAt: AT };

function isInvalid(field: string): (error: unknown) => boolean {
  return (error) => error instanceof InvalidInputError && error.field === field && error.code === 'INVALID_INPUT';
}

describe(`SqliteIndex on ${RUNTIME}`, () => {
  it('gives back a message as it was inserted, as a plain object', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    assert.equal(index.insertMessage(FULL), undefined);
    const message = index.getMessage(FULL.id);
    assert.deepStrictEqual(message, FULL);
    assert.equal(Object.getPrototypeOf(message), Object.prototype);
  });

  it('leaves out what is not set, but for expiresAt, which is null', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(BARE);
    const expected = { ...BARE, status: 'pending', expiresAt: null };
    assert.deepStrictEqual(index.getMessage('a'), expected);
    assert.deepStrictEqual(index.getBySubject('s'), [expected]);
    assert.deepStrictEqual(index.getByEndpoint('e'), [expected]);
    assert.deepStrictEqual(index.queryMessages(), { messages: [expected] });
    for (const field of ['sender', 'payload', 'metadata'] as const) {
      index.insertMessage({ ...BARE, id: field, [field]: '' });
      assert.deepStrictEqual(index.getMessage(field), { ...expected, id: field, [field]: '' });
    }
  });

  it('gives null for an id that is not there', () => {
    using test = storeDb();
    assert.equal(new SqliteIndex(test.db).getMessage('nobody'), null);
  });

  it('indexes a message twice without harm', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(FULL);
    const before = dump(test.db);
    index.insertMessage(FULL);
    assert.deepEqual(dump(test.db), before);
  });

  it('does not erase what is there by a field that is absent or undefined', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(FULL);
    index.insertMessage({ id: FULL.id, subject: FULL.subject, endpointHash: FULL.endpointHash });
    assert.deepStrictEqual(index.getMessage(FULL.id), FULL);
    index.insertMessage({ ...FULL, sender: undefined, payload: undefined, metadata: undefined, expiresAt: undefined });
    assert.deepStrictEqual(index.getMessage(FULL.id), FULL);
    index.insertMessage({ ...FULL, status: undefined, createdAt: undefined, payload: 'new' });
    assert.deepStrictEqual(index.getMessage(FULL.id), { ...FULL, payload: 'new' });
  });

  it('clears a field by null, also the expiry', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(FULL);
    index.insertMessage({ ...FULL, sender: null, payload: null, metadata: null, expiresAt: null });
    const { sender: _s, payload: _p, metadata: _m, ...rest } = FULL;
    assert.deepStrictEqual(index.getMessage(FULL.id), { ...rest, expiresAt: null });
  });

  it('brings a message that is there up to date, its subject too', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(FULL);
    const changed: RelayMessage = { ...FULL, subject: 'other', status: 'failed' };
    index.insertMessage(changed);
    assert.deepStrictEqual(index.getMessage(FULL.id), changed);
    assert.deepStrictEqual(index.getBySubject(FULL.subject), []);
    assert.deepStrictEqual(index.getByEndpoint('hash-1'), [changed]);
    assert.deepStrictEqual(index.getMetrics().bySubject, [{ subject: 'other', count: 1 }]);
  });

  it('stores instants in UTC with milliseconds, from any zone and from Unix milliseconds', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage({ ...BARE, createdAt: '2026-02-25T10:30:00+01:00', expiresAt: Date.parse(LATER) });
    const { createdAt, expiresAt } = index.getMessage('a') ?? {};
    assert.deepEqual({ createdAt, expiresAt }, { createdAt: AT, expiresAt: LATER });
  });

  it('takes now for the creation of a new message that does not say', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const before = new Date().toISOString();
    index.insertMessage({ id: 'a', subject: 's', endpointHash: 'e' });
    const createdAt = index.getMessage('a')?.createdAt ?? '';
    assert.ok(createdAt >= before && createdAt <= new Date().toISOString());
  });

  it('refuses what does not fit by the name of the field, and writes nothing', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(FULL);
    const before = dump(test.db);
    const cases: [field: string, change: Record<string, unknown>][] = [
      ['id', { id: 5 }],
      ['id', { id: undefined }],
      ['id', { id: null }],
      ['subject', { subject: undefined }],
      ['subject', { subject: null }],
      ['endpointHash', { endpointHash: ['e'] }],
      ['status', { status: 'new' }],
      ['status', { status: 'DELIVERED' }],
      ['status', { status: null }],
      ['status', { status: {} }],
      ['createdAt', { createdAt: 'yesterday' }],
      ['createdAt', { createdAt: null }],
      ['createdAt', { createdAt: new Date() }],
      ['expiresAt', { expiresAt: '2026-02-31T00:00:00.000Z' }],
      ['expiresAt', { expiresAt: Number.NaN }],
      ['expiresAt', { expiresAt: Number.POSITIVE_INFINITY }],
      ['sender', { sender: 7 }],
      ['payload', { payload: { text: 'an object' } }],
      ['metadata', { metadata: true }],
    ];
    for (const [field, change] of cases) {
      assert.throws(() => index.insertMessage({ ...FULL, ...change } as never), isInvalid(field), field);
    }
    for (const none of [undefined, null, 'text', 5, () => {}]) {
      assert.throws(() => index.insertMessage(none as never), isInvalid('message'));
    }
    assert.deepEqual(dump(test.db), before);
  });

  it('inserts many in one transaction, also from a generator', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    function* messages() {
      for (let i = 0; i < 1000; i++) yield { ...BARE, id: `m${i}`, subject: `s${i % 3}` };
    }
    assert.equal(index.insertMessages(messages()), 1000);
    assert.equal(index.insertMessages([]), 0);
    assert.equal(index.getMetrics().totalMessages, 1000);
    assert.deepEqual(index.getMetrics().bySubject[0], { subject: 's0', count: 334 });
  });

  it('inserts none of many where one does not fit, or their source fails', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(FULL);
    const before = dump(test.db);
    assert.throws(() => index.insertMessages([BARE, { ...BARE, id: 'b', status: 'x' as never }]), isInvalid('status'));
    function* broken() {
      yield BARE;
      throw new RangeError('the source');
    }
    assert.throws(() => index.insertMessages(broken()), RangeError);
    assert.throws(() => index.insertMessages(undefined as never), isInvalid('messages'));
    assert.throws(() => index.insertMessages(5 as never), isInvalid('messages'));
    assert.deepEqual(dump(test.db), before);
    assert.equal(test.db.$client.inTransaction, false);
  });

  it('can be part of a larger transaction', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    assert.throws(() =>
      test.db.transaction(() => {
        index.insertMessages([BARE, { ...BARE, id: 'b' }]);
        index.updateStatus('a', 'failed');
        throw new Error('no');
      }),
    );
    assert.equal(index.getMetrics().totalMessages, 0);
    test.db.transaction(() => index.insertMessages([BARE]));
    assert.equal(index.getMetrics().totalMessages, 1);
  });

  it('updates a status, and says whether the message is there', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage(BARE);
    assert.equal(index.updateStatus('a', 'delivered'), true);
    assert.equal(index.updateStatus('a', 'delivered'), true);
    assert.equal(index.getMessage('a')?.status, 'delivered');
    assert.equal(index.updateStatus('b', 'failed'), false);
    assert.throws(() => index.updateStatus('a', 'gone' as never), isInvalid('status'));
    assert.throws(() => index.updateStatus(undefined as never, 'failed'), isInvalid('id'));
    assert.equal(index.getMessage('a')?.status, 'delivered');
  });

  it('gives the messages of a subject and of an endpoint newest first, whatever their ids', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const made = ['c', 'a', 'd', 'b'].map((id, i) => ({
      ...BARE,
      id,
      createdAt: `2026-02-25T09:30:0${i}.000Z`,
      status: 'pending',
      expiresAt: null,
    }));
    for (const message of made) index.insertMessage(message as RelayMessage);
    index.insertMessage({ ...BARE, id: 'e', subject: 'other', endpointHash: 'other' });
    const newestFirst = made.toReversed();
    assert.deepStrictEqual(index.getBySubject('s'), newestFirst);
    assert.deepStrictEqual(index.getByEndpoint('e'), newestFirst);
    assert.deepStrictEqual(index.getBySubject('nobody'), []);
    assert.deepStrictEqual(index.getByEndpoint('nobody'), []);
  });

  it('gives messages of one millisecond in the order of their ids descending, which is that of insertion for ULIDs', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const ids = Array.from({ length: 20 }, () => newId());
    for (const id of ids) index.insertMessage({ ...BARE, id });
    const newestFirst = ids.toReversed();
    assert.deepEqual(
      index.getBySubject('s').map(({ id }) => id),
      newestFirst,
    );
    assert.deepEqual(
      index.getByEndpoint('e').map(({ id }) => id),
      newestFirst,
    );
  });

  it('counts what one sender has sent after an instant', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessage({ ...BARE, id: '1', sender: 'x', createdAt: '2026-02-25T09:29:59.999Z' });
    index.insertMessage({ ...BARE, id: '2', sender: 'x' });
    index.insertMessage({ ...BARE, id: '3', sender: 'x', createdAt: LATER, status: 'failed' });
    index.insertMessage({ ...BARE, id: '4', sender: 'y', createdAt: LATER });
    index.insertMessage({ ...BARE, id: '5', createdAt: LATER });
    assert.equal(index.countSenderInWindow('x', AT), 1, 'not at that instant');
    assert.equal(index.countSenderInWindow('x', '2026-02-25T09:29:59.999Z'), 2);
    assert.equal(index.countSenderInWindow('x', '2026-02-25T10:29:59.999+01:00'), 2);
    assert.equal(index.countSenderInWindow('x', '2026-02-25T09:30:00.002Z'), 0);
    assert.equal(index.countSenderInWindow('z', AT), 0);
    assert.throws(() => index.countSenderInWindow('x', 'soon'), isInvalid('sinceIso'));
    assert.throws(() => index.countSenderInWindow(null as never, AT), isInvalid('sender'));
  });

  it('counts what waits at an endpoint, and only that', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    for (const [i, status] of (['pending', 'pending', 'delivered', 'failed'] as const).entries())
      index.insertMessage({ ...BARE, id: `${i}`, status });
    index.insertMessage({ ...BARE, id: 'other', endpointHash: 'other' });
    assert.equal(index.countNewByEndpoint('e'), 2);
    index.updateStatus('0', 'delivered');
    assert.equal(index.countNewByEndpoint('e'), 1);
    index.insertMessage({ ...BARE, id: '2', status: 'pending' });
    assert.equal(index.countNewByEndpoint('e'), 2);
    assert.equal(index.countNewByEndpoint('nobody'), 0);
  });

  it('deletes what expired strictly before an instant, and never what has no expiry', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const now = Date.parse(AT);
    index.insertMessage({ ...BARE, id: 'before', expiresAt: now - 1 });
    index.insertMessage({ ...BARE, id: 'at', expiresAt: now });
    index.insertMessage({ ...BARE, id: 'after', expiresAt: now + 1 });
    index.insertMessage({ ...BARE, id: 'never', expiresAt: null });
    assert.equal(index.deleteExpired(now), 1);
    assert.equal(index.getMessage('before'), null);
    assert.equal(index.deleteExpired(now + 1), 1);
    assert.equal(index.deleteExpired(), 1);
    assert.equal(index.deleteExpired(), 0);
    assert.deepEqual(
      index.queryMessages().messages.map(({ id }) => id),
      ['never'],
    );
    for (const value of [Number.NaN, 1e18, 'soon', null]) {
      assert.throws(() => index.deleteExpired(value as never), isInvalid('nowMs'), String(value));
    }
  });

  it('drops the counters of subjects that expired away', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages(
      Array.from({ length: 50 }, (_, i) => ({ ...BARE, id: `${i}`, subject: `s${i}`, expiresAt: 1 })),
    );
    index.insertMessage({ ...BARE, id: 'stays', subject: 's0' });
    assert.equal(index.deleteExpired(), 50);
    assert.deepEqual(test.db.$client.prepare('SELECT * FROM relay_counts').all(), [
      { subject: 's0', pending: 1, delivered: 0, failed: 0 },
    ]);
  });

  it('counts messages by status and by subject, most first, and leaves out what there is none of', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    assert.deepStrictEqual(index.getMetrics(), { totalMessages: 0, byStatus: {}, bySubject: [] });
    for (const [i, subject] of ['b', 'a', 'c', 'c', 'gone'].entries())
      index.insertMessage({ ...BARE, id: `${i}`, subject, status: i === 1 ? 'failed' : 'pending' });
    test.db.$client.exec("DELETE FROM relay_index WHERE subject = 'gone'");
    assert.deepStrictEqual(index.getMetrics(), {
      totalMessages: 4,
      byStatus: { pending: 3, failed: 1 },
      bySubject: [
        { subject: 'c', count: 2 },
        { subject: 'a', count: 1 },
        { subject: 'b', count: 1 },
      ],
    });
    const { counted, kept } = recounted(test.db);
    assert.deepEqual(kept, counted);
  });

  it('says whether the file is in WAL mode', () => {
    using test = storeDb();
    assert.equal(new SqliteIndex(test.db).isWalMode(), true);
    using memory = createDb(':memory:');
    assert.equal(new SqliteIndex(memory).isWalMode(), false);
  });

  it('leaves the database open when it is closed', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.close();
    index.close();
    index.insertMessage(BARE);
    assert.equal(index.getMetrics().totalMessages, 1);
  });

  it('reads from a database that is opened read-only, and does not write to it', () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    {
      using db = createDb(path);
      new SqliteIndex(db).insertMessage(BARE);
    }
    using db = createDb(path, { readonly: true });
    const index = new SqliteIndex(db);
    assert.equal(index.queryMessages().messages.length, 1);
    assert.equal(index.getMetrics().totalMessages, 1);
    assert.throws(() => index.insertMessage({ ...BARE, id: 'b' }), { code: 'SQLITE_READONLY' });
  });

  it('sees what another connection has written', () => {
    using test = storeDb();
    using other = createDb(test.path);
    new SqliteIndex(other).insertMessage(BARE);
    assert.equal(new SqliteIndex(test.db).getMessage('a')?.id, 'a');
    assert.equal(test.db.get<{ n: number }>(sql`SELECT count(*) AS n FROM relay_index`)?.n, 1);
  });
});
