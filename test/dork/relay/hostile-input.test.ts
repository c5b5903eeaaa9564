/** Row 18 of what must be survived: whatever text comes is stored exactly, or refused by the name of its field. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Db, InvalidInputError, type RelayMessage, SqliteIndex, type TraceSpanInput, TraceStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { dump, recounted } from './fixtures/dump.ts';

const AT = '2026-02-25T09:30:00.000Z';
const BEFORE = '2026-02-25T09:29:59.999Z';

/** What UTF-8 can hold. */
const HOSTILE: Record<string, string> = {
  empty: '',
  space: ' \t\r\n ',
  sql: "'; DROP TABLE relay_index; --",
  'more sql': `") ON CONFLICT DO NOTHING; DELETE FROM relay_traces; --`,
  like: '%_\\%',
  parameter: '?1 :id $x @y',
  'nul first': '\0',
  'nul inside': 'a\0b',
  'number-like': '1e3',
  'null-like': 'null',
  json: '{"__proto__":{"polluted":true}}',
  proto: '__proto__',
  constructor: 'constructor',
  emoji: '👩‍👩‍👧‍👦',
  'right to left': '\u202eabc\u202c',
  combining: 'e\u0301',
  noncharacter: '\uffff\u{10ffff}',
  bom: '\ufefftext',
  path: '../../etc/passwd',
};
const LONG = 'x'.repeat(10 * 2 ** 20);

/** What it cannot. */
const LONE_SURROGATES = ['\ud800', 'a\udc00b', '\udc00\ud800', `${'x'.repeat(1000)}\ud83d`];

function isInvalid(field: string): (error: unknown) => boolean {
  return (error) =>
    error instanceof InvalidInputError &&
    error.field === field &&
    error.message.length < 200 &&
    !error.message.includes('\ud800');
}

const NEIGHBOUR: RelayMessage = {
  id: 'neighbour',
  subject: 'neighbour',
  endpointHash: 'neighbour',
  status: 'delivered',
  createdAt: AT,
  expiresAt: null,
  sender: 'neighbour',
  payload: 'neighbour',
  metadata: 'neighbour',
};
const MESSAGE_TEXTS = ['id', 'subject', 'endpointHash', 'sender', 'payload', 'metadata'] as const;
const SPAN: TraceSpanInput = { messageId: 'neighbour', traceId: 'neighbour', subject: 'neighbour', sentAt: AT };
const SPAN_TEXTS = [
  'messageId',
  'traceId',
  'subject',
  'spanId',
  'parentSpanId',
  'fromEndpoint',
  'toEndpoint',
  'error',
] as const;

/** Both stores, each with a row that must stay as it is. */
function neighbours(): { test: ReturnType<typeof storeDb>; index: SqliteIndex; traces: TraceStore } & Disposable {
  const test = storeDb();
  const index = new SqliteIndex(test.db);
  const traces = new TraceStore(test.db);
  index.insertMessage(NEIGHBOUR);
  traces.insertSpan(SPAN);
  return { test, index, traces, [Symbol.dispose]: () => test[Symbol.dispose]() };
}

function assertSound(db: Db): void {
  assert.equal(db.$client.pragma('integrity_check', { simple: true }), 'ok');
  const { counted, kept } = recounted(db);
  assert.deepEqual(kept, counted);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
}

describe(`hostile input to SqliteIndex on ${RUNTIME}`, () => {
  for (const field of MESSAGE_TEXTS) {
    it(`is stored exactly as ${field}, found by it, and changes nothing else`, () => {
      using set = neighbours();
      const { test, index } = set;
      for (const [kind, text] of Object.entries({ ...HOSTILE, long: LONG })) {
        const message: RelayMessage = { ...NEIGHBOUR, id: `of-${kind}`, status: 'pending', [field]: text };
        index.insertMessage(message);
        const { id, subject, endpointHash, sender } = message;
        assert.deepStrictEqual(index.getMessage(id), message, kind);
        assert.ok(index.getBySubject(subject).some((found) => found.id === id));
        assert.ok(index.getByEndpoint(endpointHash).some((found) => found.id === id));
        assert.ok(index.countSenderInWindow(sender ?? '', BEFORE) >= 1);
        assert.ok(index.countNewByEndpoint(endpointHash) >= 1);
        assert.deepStrictEqual(
          index.queryMessages({ subject, endpointHash, sender, status: 'pending' }).messages.find((m) => m.id === id),
          message,
        );
        assert.ok(index.getMetrics().bySubject.some((counted) => counted.subject === subject));
        assert.equal(
          index.queryMessages({ cursor: id }).messages.some((found) => found.id === id),
          id === '',
        );
        assert.equal(index.updateStatus(id, 'failed'), true);
        assert.deepStrictEqual(index.getMessage(id), { ...message, status: 'failed' });
        assert.deepStrictEqual(index.getMessage('neighbour'), NEIGHBOUR);
      }
      assertSound(test.db);
    });

    if (field === 'payload' || field === 'metadata') continue;
    it(`is refused by the name of ${field} where UTF-8 cannot hold it, and nothing is written`, () => {
      using set = neighbours();
      const { test, index } = set;
      const before = dump(test.db);
      for (const text of LONE_SURROGATES) {
        assert.throws(() => index.insertMessage({ ...NEIGHBOUR, [field]: text }), isInvalid(field));
        assert.throws(
          () =>
            index.insertMessages([
              { ...NEIGHBOUR, id: 'n' },
              { ...NEIGHBOUR, [field]: text },
            ]),
          isInvalid(field),
        );
      }
      assert.deepEqual(dump(test.db), before);
    });
  }

  it('is refused by every argument that UTF-8 cannot hold, or that is no text', () => {
    using set = neighbours();
    const { test, index } = set;
    const before = dump(test.db);
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const value of [...LONE_SURROGATES, 5, 5n, null, undefined, true, Symbol('s'), () => 'x', ['neighbour'], {}]) {
      const bad = value as never;
      assert.throws(() => index.getMessage(bad), isInvalid('id'));
      assert.throws(() => index.updateStatus(bad, 'failed'), isInvalid('id'));
      assert.throws(() => index.getBySubject(bad), isInvalid('subject'));
      assert.throws(() => index.getByEndpoint(bad), isInvalid('endpointHash'));
      assert.throws(() => index.countSenderInWindow(bad, AT), isInvalid('sender'));
      assert.throws(() => index.countNewByEndpoint(bad), isInvalid('endpointHash'));
      if (value === undefined) continue;
      for (const option of ['subject', 'sender', 'endpointHash', 'cursor', 'status'])
        assert.throws(() => index.queryMessages({ [option]: bad }), isInvalid(option));
    }
    assert.throws(() => index.getMessage(new String('neighbour') as never), isInvalid('id'));
    assert.throws(() => index.getMessage(revoked.proxy as never), isInvalid('id'));
    assert.deepEqual(dump(test.db), before);
  });

  it('that throws when it is read is refused, and nothing is written', () => {
    using set = neighbours();
    const { test, index } = set;
    const before = dump(test.db);
    const getter = {
      ...NEIGHBOUR,
      get payload(): string {
        throw new Error('read');
      },
    };
    const unreadable = {
      get() {
        throw new Error('read');
      },
    };
    const proxy = new Proxy(NEIGHBOUR, unreadable);
    for (const message of [getter, proxy]) assert.throws(() => index.insertMessage(message), isInvalid('message'));
    assert.throws(() => index.queryMessages(new Proxy({ limit: 1 }, unreadable)), isInvalid('options'));
    assert.deepEqual(dump(test.db), before);
  });

  it('with keys that nobody knows, or inherited ones, writes the known fields alone', () => {
    using set = neighbours();
    const { test, index } = set;
    index.insertMessage(
      JSON.parse(
        `{"id":"a","subject":"s","endpointHash":"e","createdAt":"${AT}","__proto__":{"sender":"x"},"rowid":7}`,
      ),
    );
    assert.deepStrictEqual(index.getMessage('a'), {
      id: 'a',
      subject: 's',
      endpointHash: 'e',
      status: 'pending',
      createdAt: AT,
      expiresAt: null,
    });
    assertSound(test.db);
  });
});

describe(`hostile input to TraceStore on ${RUNTIME}`, () => {
  for (const field of SPAN_TEXTS) {
    it(`is stored exactly as ${field}, by insertion and by update, and changes nothing else`, () => {
      using set = neighbours();
      const { test, traces } = set;
      const neighbour = traces.getSpanByMessageId('neighbour');
      const column = field === 'error' ? 'errorMessage' : field;
      for (const [kind, text] of Object.entries({ ...HOSTILE, long: LONG })) {
        const span = { ...SPAN, messageId: `of-${kind}`, [field]: text };
        traces.insertSpan(span);
        const stored = traces.getSpanByMessageId(span.messageId);
        assert.equal(stored?.[column], text, kind);
        assert.ok(traces.getTrace(span.traceId).some(({ messageId }) => messageId === span.messageId));
        if (field === 'messageId') continue;
        traces.insertSpan({ ...SPAN, messageId: span.messageId });
        assert.equal(traces.updateSpan(span.messageId, { [field]: text }), true);
        assert.deepStrictEqual(traces.getSpanByMessageId(span.messageId), { ...stored, [column]: text });
      }
      assert.equal(traces.getMetrics().totalMessages, Object.keys(HOSTILE).length + 2);
      assert.deepStrictEqual(traces.getSpanByMessageId('neighbour'), neighbour);
      assertSound(test.db);
    });

    if (field === 'error') continue;

    it(`is refused by the name of ${field} where UTF-8 cannot hold it, and nothing is written`, () => {
      using set = neighbours();
      const { test, traces } = set;
      const before = dump(test.db);
      for (const text of LONE_SURROGATES) {
        assert.throws(() => traces.insertSpan({ ...SPAN, [field]: text }), isInvalid(field));
        if (field === 'messageId') assert.throws(() => traces.updateSpan(text, { error: 'x' }), isInvalid(field));
        else assert.throws(() => traces.updateSpan('neighbour', { [field]: text }), isInvalid(field));
      }
      assert.throws(() => traces.getSpanByMessageId('\ud800'), isInvalid('messageId'));
      assert.throws(() => traces.getTrace('\ud800'), isInvalid('traceId'));
      assert.deepEqual(dump(test.db), before);
    });
  }

  it('in metadata comes back as it went in, __proto__ keys too', () => {
    using set = neighbours();
    const { test, traces } = set;
    const metadata: Record<string, unknown> = JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{}},"":0,"a\\u0000b":"\\u0000","list":[[],{}]}',
    );
    for (const [kind, text] of Object.entries(HOSTILE)) metadata[kind] = text;
    metadata.long = LONG;
    for (const store of [
      () => traces.insertSpan({ ...SPAN, messageId: 'm', metadata }),
      () => traces.updateSpan('m', { metadata }),
    ]) {
      store();
      const stored = JSON.parse(traces.getSpanByMessageId('m')?.metadata ?? '');
      assert.deepStrictEqual(stored, metadata);
      assert.ok(Object.hasOwn(stored, '__proto__'));
    }
    assertSound(test.db);
  });

  it('in the error loses half a character, never the span', () => {
    using set = neighbours();
    const { test, traces } = set;
    for (const text of LONE_SURROGATES) {
      traces.insertSpan({ ...SPAN, messageId: 'half', error: text });
      assert.equal(traces.getSpanByMessageId('half')?.errorMessage, text.toWellFormed());
      assert.equal(traces.updateSpan('half', { error: `${text}!` }), true);
      assert.equal(traces.getSpanByMessageId('half')?.errorMessage, `${text.toWellFormed()}!`);
    }
    assertSound(test.db);
  });

  it('in metadata is what JSON.stringify makes of it', () => {
    using set = neighbours();
    const { test, traces } = set;
    const at = new Date(0);
    for (const metadata of [{ at, nan: Number.NaN, f: () => 1 }, [1, at], { m: new Map() }, { half: '\ud800' }]) {
      traces.insertSpan({ ...SPAN, messageId: 'm', metadata });
      assert.equal(traces.getSpanByMessageId('m')?.metadata, JSON.stringify(metadata));
      assert.equal(traces.updateSpan('m', { metadata }), true);
      assert.equal(traces.getSpanByMessageId('m')?.metadata, JSON.stringify(metadata));
    }
    assertSound(test.db);
  });

  it('in metadata that JSON cannot hold is refused, and nothing is written', () => {
    using set = neighbours();
    const { test, traces } = set;
    const before = dump(test.db);
    const bad: unknown[] = [{ n: 1n }, { toJSON: () => 'text' }, { toJSON: () => undefined }, new Date(), 'text', 5];
    for (const metadata of bad) {
      assert.throws(() => traces.insertSpan({ ...SPAN, metadata: metadata as never }), isInvalid('metadata'));
      assert.throws(() => traces.updateSpan('neighbour', { metadata: metadata as never }), isInvalid('metadata'));
    }
    assert.deepEqual(dump(test.db), before);
  });

  it('that throws when it is read is refused, and nothing is written', () => {
    using set = neighbours();
    const { test, traces } = set;
    const before = dump(test.db);
    const proxy = new Proxy(SPAN, {
      get() {
        throw new Error('read');
      },
    });
    assert.throws(() => traces.insertSpan(proxy), isInvalid('span'));
    assert.throws(() => traces.updateSpan('neighbour', proxy as never), InvalidInputError);
    const metadata = {
      get inner(): string {
        throw new Error('read');
      },
    };
    assert.throws(() => traces.insertSpan({ ...SPAN, metadata }), isInvalid('metadata'));
    assert.deepEqual(dump(test.db), before);
  });

  it('refuses options that are no object, or hold what does not fit', () => {
    using test = storeDb();
    for (const options of [null, 7, 'x', { since: 'yesterday' }]) {
      assert.throws(() => new TraceStore(test.db).getMetrics(options as never), { name: 'InvalidInputError' });
    }
  });
});
