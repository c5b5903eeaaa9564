/** Random operations on TraceStore against a plain map in memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SPAN_KINDS, SPAN_STATUSES, type TraceSpanInput, type TraceSpanPatch, TraceStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';

/** Fast-check prints the seed, and the smallest failing sequence, of a run that fails. */
const SEED = 20260225;

const START = Date.parse('2026-02-25T09:30:00.000Z');
const iso = (ms: number) => new Date(ms).toISOString();

const messageIds = fc.oneof(
  fc.integer({ min: 0, max: 80 }).map((n) => `m${n}`),
  fc.constantFrom('', '\0', '__proto__', "'; DROP TABLE relay_traces; --"),
);
const traceIds = fc.constantFrom('t1', 't2', 't3', 't\0');
const texts = fc.option(fc.string({ maxLength: 5 }));
const instants = fc.integer({ min: 0, max: 40 }).map((n) => START + n * 250);
const integers = fc.option(fc.integer({ min: -5, max: 100_000 }));
const jsonObjects = fc.option(
  fc.dictionary(fc.string({ maxLength: 5 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
);

const fields = {
  spanId: texts,
  parentSpanId: texts,
  fromEndpoint: texts,
  toEndpoint: texts,
  status: fc.constantFrom(...SPAN_STATUSES, 'pending' as const),
  kind: fc.constantFrom(...SPAN_KINDS),
  budgetHopsUsed: integers,
  budgetTtlRemainingMs: integers,
  deliveredAt: fc.option(instants),
  processedAt: fc.option(instants),
  error: texts,
  metadata: jsonObjects,
};

const inputs: fc.Arbitrary<TraceSpanInput> = fc.record(
  { messageId: messageIds, traceId: traceIds, subject: fc.string(), sentAt: instants, ...fields },
  { requiredKeys: ['messageId', 'traceId', 'subject', 'sentAt'] },
);
const patches: fc.Arbitrary<TraceSpanPatch> = fc.record(
  { traceId: traceIds, subject: fc.string(), sentAt: instants, ...fields },
  { requiredKeys: [] },
);

type Span = Record<string, unknown>;

/** What is stored of the fields that an input or a patch has. */
function stored(given: object): Record<string, unknown> {
  const columns: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    const name = key === 'error' ? 'errorMessage' : key;
    if (value === null) columns[name] = null;
    else if (key.endsWith('At')) columns[name] = iso(Number(value));
    else if (key === 'metadata') columns[name] = JSON.stringify(value);
    else columns[name] = value === 'pending' && key === 'status' ? 'sent' : value;
  }
  return columns;
}

const NOTHING = {
  spanId: null,
  parentSpanId: null,
  fromEndpoint: null,
  toEndpoint: null,
  status: 'sent',
  kind: 'delivery',
  budgetHopsUsed: null,
  budgetTtlRemainingMs: null,
  deliveredAt: null,
  processedAt: null,
  errorMessage: null,
  metadata: null,
};

interface System {
  readonly traces: TraceStore;
  /** In the order of insertion, which a replaced span keeps. */
  readonly model: Map<string, Span>;
}

type Step = (system: System) => void;

function step(name: string, run: Step): Step {
  return Object.assign(run, { [fc.toStringMethod]: () => name, toString: () => name });
}

const withoutId = (span: object | null) =>
  span && Object.fromEntries(Object.entries(span).filter(([key]) => key !== 'id'));

const insertStep = inputs.map((input) =>
  step(`insert ${JSON.stringify(input)}`, ({ traces, model }) => {
    traces.insertSpan(input);
    model.set(input.messageId, { ...NOTHING, ...stored(input) });
  }),
);

const updateStep = fc.tuple(messageIds, patches).map(([messageId, patch]) =>
  step(`update ${messageId} ${JSON.stringify(patch)}`, ({ traces, model }) => {
    const known = model.get(messageId);
    assert.equal(traces.updateSpan(messageId, patch), known !== undefined);
    if (known) model.set(messageId, { ...known, ...stored(patch) });
  }),
);

const refusedStep = messageIds.map((messageId) =>
  step(`refused ${messageId}`, ({ traces }) => {
    assert.throws(() => traces.insertSpan({ messageId, traceId: 't', subject: 's', status: 'gone' as never }));
    assert.throws(() => traces.updateSpan(messageId, { error: 'x', sentAt: 'never' }));
  }),
);

const deleteStep = instants.map((before) =>
  step(`delete before ${iso(before)}`, ({ traces, model }) => {
    const old = [...model].filter(([, span]) => String(span.sentAt) < iso(before));
    assert.equal(traces.deleteOlderThan(iso(before)), old.length);
    for (const [messageId] of old) model.delete(messageId);
  }),
);

const readStep = fc.tuple(messageIds, traceIds).map(([messageId, traceId]) =>
  step(`read ${messageId} ${traceId}`, ({ traces, model }) => {
    assert.deepStrictEqual(withoutId(traces.getSpanByMessageId(messageId)), model.get(messageId) ?? null);
    // The sort is stable.
    const trace = [...model.values()]
      .filter((span) => span.traceId === traceId)
      .sort((a, b) => Date.parse(String(a.sentAt)) - Date.parse(String(b.sentAt)));
    assert.deepStrictEqual(traces.getTrace(traceId).map(withoutId), trace);
    const deliveries = [...model.values()].filter(({ kind }) => kind === 'delivery');
    assert.equal(traces.getMetrics().totalMessages, deliveries.length);
  }),
);

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: insertStep },
    { weight: 6, arbitrary: updateStep },
    { weight: 1, arbitrary: refusedStep },
    { weight: 1, arbitrary: deleteStep },
    { weight: 4, arbitrary: readStep },
  ),
  { minLength: 1500, maxLength: 2000, size: 'max' },
);

describe(`TraceStore against a model on ${RUNTIME}`, () => {
  it('gives what a map in memory gives, through thousands of random operations', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        using test = storeDb();
        const system = { traces: new TraceStore(test.db), model: new Map() };
        for (const run of sequence) run(system);
        assert.equal(test.db.$client.pragma('integrity_check', { simple: true }), 'ok');
      }),
      { numRuns: 4, seed: SEED, endOnFailure: true },
    );
  });
});
