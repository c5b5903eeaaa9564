import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  InvalidInputError,
  SPAN_KINDS,
  SPAN_STATUSES,
  type TraceMetrics,
  type TraceSpanInput,
  TraceStore,
} from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';

const AT = Date.parse('2026-02-25T09:30:00.000Z');
const NO_REJECTIONS = { hopLimit: 0, ttlExpired: 0, cycleDetected: 0, budgetExhausted: 0 };
const NOTHING: TraceMetrics = {
  totalMessages: 0,
  deliveredCount: 0,
  failedCount: 0,
  deadLetteredCount: 0,
  avgDeliveryLatencyMs: null,
  p50DeliveryLatencyMs: null,
  p95DeliveryLatencyMs: null,
  p99DeliveryLatencyMs: null,
  activeEndpoints: 0,
  budgetRejections: NO_REJECTIONS,
};

interface Sent extends TraceSpanInput {
  sentAt: number;
  deliveredAt?: number;
}

/** The metrics as they are defined, from the spans in memory. */
function metricsOf(all: Iterable<Sent>, since = Number.NEGATIVE_INFINITY): TraceMetrics {
  const spans = [...all].filter(({ sentAt, kind = 'delivery' }) => sentAt >= since && kind === 'delivery');
  const count = (...statuses: unknown[]) => spans.filter(({ status = 'sent' }) => statuses.includes(status)).length;
  const latencies = spans
    .flatMap(({ sentAt, deliveredAt }) => (deliveredAt === undefined ? [] : deliveredAt - sentAt))
    .sort((a, b) => a - b);
  const at = (q: number) => latencies[Math.min(Math.floor(latencies.length * q), latencies.length - 1)] ?? null;
  return {
    totalMessages: spans.length,
    deliveredCount: count('delivered', 'processed'),
    failedCount: count('failed'),
    deadLetteredCount: count('dead_lettered', 'timeout'),
    avgDeliveryLatencyMs: latencies.length > 0 ? latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length : null,
    p50DeliveryLatencyMs: at(0.5),
    p95DeliveryLatencyMs: at(0.95),
    p99DeliveryLatencyMs: at(0.99),
    activeEndpoints: new Set(spans.map(({ toEndpoint, subject }) => toEndpoint ?? subject)).size,
    budgetRejections: NO_REJECTIONS,
  };
}

/** Instants of every year that is stored, dense around one of them. */
const instants = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: AT, max: AT + 5000 }) },
  {
    weight: 1,
    arbitrary: fc.integer({
      min: Date.parse('0000-01-01T00:00:00.000Z'),
      max: Date.parse('9999-12-31T23:59:59.999Z'),
    }),
  },
);

const spans = fc.array(
  fc.record(
    {
      messageId: fc.integer({ min: 0, max: 400 }).map((n) => `m${n}`),
      traceId: fc.constant('t'),
      subject: fc.constantFrom('s1', 's2', 'e1'),
      status: fc.constantFrom(...SPAN_STATUSES),
      kind: fc.constantFrom(...SPAN_KINDS),
      toEndpoint: fc.constantFrom('e1', 'e2', '', 'e\0x'),
      sentAt: instants,
      deliveredAt: instants,
    },
    { requiredKeys: ['messageId', 'traceId', 'subject', 'sentAt'] },
  ),
  { maxLength: 250 },
);

describe(`TraceStore.getMetrics on ${RUNTIME}`, () => {
  it('is zeros and nulls where there is no span', () => {
    using test = storeDb();
    assert.deepStrictEqual(new TraceStore(test.db).getMetrics(), NOTHING);
    assert.deepStrictEqual(new TraceStore(test.db).getMetrics({ since: AT }), NOTHING);
  });

  it('equals what JavaScript computes, for spans and windows of every kind', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(spans, fc.option(instants, { nil: undefined }), (inserted, since) => {
        using test = storeDb();
        const traces = new TraceStore(test.db);
        test.db.transaction(() => {
          for (const span of inserted) traces.insertSpan(span);
        });
        // A later span of a message replaces the earlier one.
        const kept = new Map(inserted.map((span) => [span.messageId, span])).values();
        assert.deepStrictEqual(traces.getMetrics({ since }), metricsOf(kept, since));
      }),
      { numRuns: 60, seed: 20260225 },
    );
  });

  it('gives the latency to the millisecond, below zero too, whatever the status', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    for (const [sentAt, deliveredAt] of [
      ['2026-02-25T09:30:00.999Z', '2026-02-25T09:30:01.000Z'],
      ['2026-02-25T09:30:00.000Z', '2026-02-25T09:30:00.001Z'],
      ['2026-12-31T23:59:59.998Z', '2027-01-01T00:00:00.003Z'],
      ['2024-02-28T23:59:59.500Z', '2024-02-29T00:00:00.000Z'],
      ['2026-02-25T09:30:00.010Z', '2026-02-25T09:30:00.003Z'],
      ['1969-12-31T23:59:59.999Z', '1970-01-01T00:00:00.001Z'],
      ['0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'],
    ] as const) {
      traces.insertSpan({ messageId: 'm', traceId: 't', subject: 's', status: 'failed', sentAt, deliveredAt });
      const { p50DeliveryLatencyMs, avgDeliveryLatencyMs } = traces.getMetrics();
      assert.equal(p50DeliveryLatencyMs, Date.parse(deliveredAt) - Date.parse(sentAt), sentAt);
      assert.equal(avgDeliveryLatencyMs, p50DeliveryLatencyMs);
    }
  });

  it('takes the value at position floor(n × q), at every number of spans', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    const sent: Sent[] = [];
    for (let n = 1; n <= 210; n++) {
      // Not in the order of the latencies.
      const span = {
        messageId: `m${n}`,
        traceId: 't',
        subject: 's',
        sentAt: AT + n,
        deliveredAt: AT + n + ((n * 7919) % 211),
      };
      traces.insertSpan(span);
      sent.push(span);
      assert.deepStrictEqual(traces.getMetrics(), metricsOf(sent), `${n} spans`);
    }
  });

  it('looks at the spans that were sent since an instant, that instant included, in any form', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    for (let i = 0; i < 10; i++)
      traces.insertSpan({
        messageId: `m${i}`,
        traceId: 't',
        subject: `s${i}`,
        sentAt: AT + i,
        deliveredAt: AT + 2 * i,
      });
    for (const since of [AT + 7, '2026-02-25T09:30:00.007Z', '2026-02-25T10:30:00.007+01:00'])
      assert.equal(traces.getMetrics({ since }).totalMessages, 3);
    assert.equal(traces.getMetrics({ since: undefined }).totalMessages, 10);
    assert.equal(traces.getMetrics({}).totalMessages, 10);
    for (const since of ['', 'yesterday', Number.NaN, null, new Date()])
      assert.throws(
        () => traces.getMetrics({ since } as never),
        (error) => error instanceof InvalidInputError && error.field === 'since',
      );
  });

  it('counts an endpoint once, and the subject where a span has none', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    const span = { traceId: 't', subject: 's', sentAt: AT };
    traces.insertSpan({ ...span, messageId: '1', toEndpoint: 'e' });
    traces.insertSpan({ ...span, messageId: '2', toEndpoint: 'e' });
    traces.insertSpan({ ...span, messageId: '3', subject: 'e' });
    assert.equal(traces.getMetrics().activeEndpoints, 1);
    traces.insertSpan({ ...span, messageId: '4' });
    assert.equal(traces.getMetrics().activeEndpoints, 2);
  });

  it('counts a message without a subscriber neither as delivered nor as failed, and an event of an adapter not at all', () => {
    using test = storeDb();
    const traces = new TraceStore(test.db);
    const span = { traceId: 't', subject: 's', sentAt: AT };
    traces.insertSpan({ ...span, messageId: '1', status: 'no_subscriber' });
    assert.deepStrictEqual(traces.getMetrics(), { ...NOTHING, totalMessages: 1, activeEndpoints: 1 });
    for (const [i, status] of SPAN_STATUSES.entries())
      traces.insertSpan({
        ...span,
        messageId: `a${i}`,
        kind: 'lifecycle',
        status,
        deliveredAt: AT + 5,
        toEndpoint: 'x',
      });
    assert.deepStrictEqual(traces.getMetrics(), { ...NOTHING, totalMessages: 1, activeEndpoints: 1 });
    assert.equal(traces.getTrace('t').length, 8);
    assert.equal(traces.deleteOlderThan('2026-02-25T09:30:00.001Z'), 8);
  });

  it('reads the index alone, with a window and without one', () => {
    using test = storeDb();
    new TraceStore(test.db).getMetrics();
    const [metrics] = test.statements();
    const lines = test.db.$client
      .prepare<{ detail: string }>(`EXPLAIN QUERY PLAN ${metrics?.sql}`)
      .all('', '')
      .map(({ detail }) => detail)
      .filter((line) => line.includes('relay_traces'));
    assert.deepEqual(
      [...new Set(lines)],
      ['SEARCH relay_traces USING COVERING INDEX relay_traces_metrics (sent_at>?)'],
    );
  });
});
