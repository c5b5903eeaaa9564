import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDb, InvalidInputError, TraceStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { dump } from './fixtures/dump.ts';

const AT = '2026-02-25T09:30:00.000Z';
const AT_MS = Date.parse(AT);
const LATER = '2026-02-25T09:30:00.250Z';

/** A span with every field. */
const FULL = {
  messageId: 'message-1',
  traceId: 'trace-1',
  subject: 'relay.agent.proj.backend',
  spanId: 'span-1',
  parentSpanId: 'span-0',
  fromEndpoint: 'endpoint-1',
  toEndpoint: 'endpoint-2',
  status: 'processed',
  kind: 'lifecycle',
  budgetHopsUsed: 2,
  budgetTtlRemainingMs: 59_750,
  sentAt: AT,
  deliveredAt: LATER,
  processedAt: '2026-02-25T09:30:01.000Z',
  error: 'none to speak of',
  metadata: { attempt: 1, nested: { list: [1, 'two', null, true] } },
} as const;

const BARE = { messageId: 'm', traceId: 't', subject: 's', sentAt: AT };

const STORED_BARE = {
  messageId: 'm',
  traceId: 't',
  spanId: null,
  parentSpanId: null,
  subject: 's',
  fromEndpoint: null,
  toEndpoint: null,
  status: 'sent',
  kind: 'delivery',
  budgetHopsUsed: null,
  budgetTtlRemainingMs: null,
  sentAt: AT,
  deliveredAt: null,
  processedAt: null,
  errorMessage: null,
  metadata: null,
} as const;

function isInvalid(field: string): (error: unknown) => boolean {
  return (error) => error instanceof InvalidInputError && error.field === field && error.code === 'INVALID_INPUT';
}

/** The span without its id, which is new each time. */
function withoutId(span: object | null): unknown {
  return span && Object.fromEntries(Object.entries(span).filter(([key]) => key !== 'id'));
}

describe(`TraceStore on ${RUNTIME}`, () => {
  it('gives back a span with every column in camelCase, as a plain object', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    assert.equal(traces.insertSpan(FULL), undefined);
    const span = traces.getSpanByMessageId('message-1');
    const { error, metadata, ...same } = FULL;
    assert.deepStrictEqual(span, {
      id: span?.id,
      ...same,
      errorMessage: error,
      metadata: '{"attempt":1,"nested":{"list":[1,"two",null,true]}}',
    });
    assert.match(span?.id ?? '', /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    assert.equal(Object.getPrototypeOf(span), Object.prototype);
    assert.deepStrictEqual(traces.getTrace('trace-1'), [span]);
  });

  it('stores a span of the required fields alone, with null for the others', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan(BARE);
    assert.deepStrictEqual(withoutId(traces.getSpanByMessageId('m')), STORED_BARE);
    traces.insertSpan({
      ...BARE,
      spanId: null,
      parentSpanId: null,
      fromEndpoint: null,
      toEndpoint: null,
      budgetHopsUsed: null,
      budgetTtlRemainingMs: null,
      deliveredAt: null,
      processedAt: null,
      error: null,
      metadata: null,
    });
    assert.deepStrictEqual(withoutId(traces.getSpanByMessageId('m')), STORED_BARE);
  });

  it('gives null and an empty trace for what is not there', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    assert.equal(traces.getSpanByMessageId('nobody'), null);
    assert.deepStrictEqual(traces.getTrace('nobody'), []);
  });

  it('takes now for the sending of a span that does not say', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    const before = new Date().toISOString();
    for (const sentAt of [undefined, null]) {
      traces.insertSpan({ ...BARE, sentAt });
      const span = traces.getSpanByMessageId('m');
      assert.ok(span && span.sentAt >= before && span.sentAt <= new Date().toISOString());
    }
  });

  it('takes pending for sent, in a new span and in a patch', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan({ ...BARE, status: 'pending' });
    assert.equal(traces.getSpanByMessageId('m')?.status, 'sent');
    traces.updateSpan('m', { status: 'failed' });
    traces.updateSpan('m', { status: 'pending' });
    assert.equal(traces.getSpanByMessageId('m')?.status, 'sent');
  });

  it('stores instants as ISO 8601 in UTC, from text with a zone and from Unix milliseconds', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan({
      ...BARE,
      sentAt: AT_MS,
      deliveredAt: '2026-02-25T10:30:00.25+01:00',
      processedAt: AT_MS + 0.9,
    });
    const span = traces.getSpanByMessageId('m');
    assert.deepEqual([span?.sentAt, span?.deliveredAt, span?.processedAt], [AT, LATER, AT]);
    traces.updateSpan('m', { sentAt: LATER, deliveredAt: AT_MS, processedAt: null });
    const patched = traces.getSpanByMessageId('m');
    assert.deepEqual([patched?.sentAt, patched?.deliveredAt, patched?.processedAt], [LATER, AT, null]);
  });

  it('replaces the span of a message by a second one: nothing of the first stays but its row', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan({ ...FULL, messageId: 'm' });
    const first = traces.getSpanByMessageId('m');
    traces.insertSpan(BARE);
    assert.deepStrictEqual(traces.getSpanByMessageId('m'), { id: first?.id, ...STORED_BARE });
    assert.deepStrictEqual(traces.getTrace('trace-1'), []);
    assert.equal(traces.getTrace('t').length, 1);
    assert.equal(traces.getMetrics().totalMessages, 1);
  });

  it('updates exactly the fields of a patch, each alone and all together', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    const { messageId: _, error, metadata, ...same } = FULL;
    const stored: Record<string, unknown> = { ...same, errorMessage: error, metadata: JSON.stringify(metadata) };
    const patch = { ...same, error, metadata };
    for (const [field, value] of Object.entries(patch)) {
      traces.insertSpan(BARE);
      assert.equal(traces.updateSpan('m', { [field]: value }), true);
      const column = field === 'error' ? 'errorMessage' : field;
      assert.deepStrictEqual(
        withoutId(traces.getSpanByMessageId('m')),
        { ...STORED_BARE, [column]: stored[column] },
        field,
      );
    }
    traces.insertSpan(BARE);
    traces.updateSpan('m', patch);
    assert.deepStrictEqual(withoutId(traces.getSpanByMessageId('m')), { messageId: 'm', ...stored });
  });

  it('leaves a field that is undefined alone, and clears one by null', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan({ ...FULL, messageId: 'm' });
    const before = traces.getSpanByMessageId('m');
    assert.equal(traces.updateSpan('m', {}), true);
    assert.equal(traces.updateSpan('m', { status: undefined, error: undefined, metadata: undefined }), true);
    assert.deepStrictEqual(traces.getSpanByMessageId('m'), before);
    traces.updateSpan('m', { error: null, metadata: null, toEndpoint: null, budgetHopsUsed: null });
    assert.deepStrictEqual(traces.getSpanByMessageId('m'), {
      ...before,
      errorMessage: null,
      metadata: null,
      toEndpoint: null,
      budgetHopsUsed: null,
    });
  });

  it('says of an update whether there is such a span, and changes no other', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan(BARE);
    const before = dump(test.db);
    assert.equal(traces.updateSpan('nobody', { status: 'failed' }), false);
    assert.equal(traces.updateSpan('nobody', {}), false);
    assert.deepEqual(dump(test.db), before);
  });

  it('refuses what does not fit by the name of the field, and writes nothing', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan({ ...FULL, messageId: 'm' });
    const before = dump(test.db);
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    let deep: unknown = 1;
    for (let i = 0; i < 1001; i++) deep = { deep };
    const cases: [field: string, change: Record<string, unknown>][] = [
      ['traceId', { traceId: 5 }],
      ['traceId', { traceId: null }],
      ['subject', { subject: null }],
      ['spanId', { spanId: 5 }],
      ['parentSpanId', { parentSpanId: {} }],
      ['fromEndpoint', { fromEndpoint: true }],
      ['toEndpoint', { toEndpoint: [] }],
      ['status', { status: 'done' }],
      ['status', { status: null }],
      ['kind', { kind: 'other' }],
      ['kind', { kind: null }],
      ['budgetHopsUsed', { budgetHopsUsed: 1.5 }],
      ['budgetHopsUsed', { budgetHopsUsed: '1' }],
      ['budgetTtlRemainingMs', { budgetTtlRemainingMs: Number.NaN }],
      ['budgetTtlRemainingMs', { budgetTtlRemainingMs: 2 ** 53 }],
      ['sentAt', { sentAt: 'now' }],
      ['deliveredAt', { deliveredAt: '2026-02-25T09:30:00' }],
      ['processedAt', { processedAt: Number.POSITIVE_INFINITY }],
      ['error', { error: new Error('no') }],
      ['metadata', { metadata: '{"a":1}' }],
      ['metadata', { metadata: { big: 1n } }],
      ['metadata', { metadata: cyclic }],
      ['metadata', { metadata: { deep } }],
    ];
    for (const [field, change] of cases) {
      assert.throws(() => traces.insertSpan({ ...BARE, ...change } as never), isInvalid(field), `insert ${field}`);
      assert.throws(() => traces.updateSpan('m', change as never), isInvalid(field), `update ${field}`);
    }
    for (const missing of ['messageId', 'traceId', 'subject'])
      assert.throws(() => traces.insertSpan({ ...BARE, [missing]: undefined } as never), isInvalid(missing));
    assert.throws(() => traces.updateSpan('m', { sentAt: null } as never), isInvalid('sentAt'));
    for (const none of [undefined, null, 'text', 5]) {
      assert.throws(() => traces.insertSpan(none as never), isInvalid('span'));
      assert.throws(() => traces.updateSpan('m', none as never), isInvalid('patch'));
    }
    for (const none of [undefined, null, 5, {}]) {
      assert.throws(() => traces.updateSpan(none as never, {}), isInvalid('messageId'));
      assert.throws(() => traces.getSpanByMessageId(none as never), isInvalid('messageId'));
      assert.throws(() => traces.getTrace(none as never), isInvalid('traceId'));
    }
    assert.deepEqual(dump(test.db), before);
  });

  it('takes numbers below zero for what was left of a budget', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.insertSpan({ ...BARE, budgetTtlRemainingMs: -250, budgetHopsUsed: 0 });
    assert.equal(traces.getSpanByMessageId('m')?.budgetTtlRemainingMs, -250);
    const { type } = test.db.$client.prepare('SELECT typeof(budget_hops_used) AS type FROM relay_traces').get() ?? {};
    assert.equal(type, 'integer');
  });

  it('gives a trace in the order of sending, spans of one millisecond as they were stored', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    for (const [messageId, ms] of [
      ['c', 5],
      ['a', 1],
      ['e', 5],
      ['d', 5],
      ['b', 3],
    ] as const)
      traces.insertSpan({ ...BARE, messageId, sentAt: AT_MS + ms });
    traces.insertSpan({ ...BARE, messageId: 'x', traceId: 'other', sentAt: AT });
    assert.deepEqual(
      traces.getTrace('t').map(({ messageId }) => messageId),
      ['a', 'b', 'c', 'e', 'd'],
    );
  });

  it('deletes the spans that were sent strictly before an instant', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    for (const ms of [-1, 0, 1]) traces.insertSpan({ ...BARE, messageId: `m${ms}`, sentAt: AT_MS + ms });
    assert.equal(traces.deleteOlderThan(AT), 1);
    assert.deepEqual(
      traces.getTrace('t').map(({ messageId }) => messageId),
      ['m0', 'm1'],
    );
    assert.equal(traces.deleteOlderThan('2026-02-25T10:30:00.001+01:00'), 1);
    assert.equal(traces.deleteOlderThan(AT), 0);
    for (const value of ['yesterday', '', null, Number.NaN])
      assert.throws(() => traces.deleteOlderThan(value as never), isInvalid('iso'));
    assert.equal(traces.getTrace('t').length, 1);
  });

  it('leaves the database open when it is closed, and writes nothing to one that is read-only', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    traces.close();
    traces.close();
    traces.insertSpan(BARE);
    using readonly = createDb(test.path, { readonly: true });
    const reader = new TraceStore(readonly);
    assert.equal(reader.getTrace('t').length, 1);
    assert.equal(reader.getMetrics().totalMessages, 1);
    assert.throws(() => reader.insertSpan({ ...BARE, messageId: 'n' }), { code: 'SQLITE_READONLY' });
  });
});
