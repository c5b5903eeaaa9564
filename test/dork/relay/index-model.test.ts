/** Random operations on SqliteIndex, and raw SQL beside it, against a plain map in memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type Db,
  MESSAGE_STATUSES,
  type QueryMessagesOptions,
  type RelayIndexMetrics,
  type RelayMessage,
  type RelayMessageInput,
  SqliteIndex,
} from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { recounted } from './fixtures/dump.ts';

/** Fast-check prints the seed, and the smallest failing sequence, of a run that fails. */
const SEED = 20260225;

const START = Date.parse('2026-02-25T09:30:00.000Z');
const iso = (ms: number) => new Date(ms).toISOString();

const ids = fc.oneof(
  fc.integer({ min: 0, max: 150 }).map((n) => `id-${n}`),
  fc.constantFrom('', '\0', 'ID-1', 'é', '\u{1f600}', '__proto__', "'; DROP TABLE relay_index; --", '["id-7","e2"]'),
);
const subjects = fc.constantFrom('s1', 's2', 's3', '', 'S1', 's1\0');
const endpoints = fc.constantFrom('e1', 'e2', 'e3', '*', '');
const senders = fc.constantFrom('a', 'b', '');
const statuses = fc.constantFrom(...MESSAGE_STATUSES);
const instants = fc.integer({ min: 0, max: 30 }).map((seconds) => START + seconds * 1000);

const inputs: fc.Arbitrary<RelayMessageInput> = fc.record(
  {
    id: ids,
    subject: subjects,
    endpointHash: endpoints,
    status: fc.option(statuses, { nil: undefined }),
    createdAt: instants,
    expiresAt: fc.option(instants),
    sender: fc.option(senders),
    payload: fc.option(fc.string({ maxLength: 5 })),
    metadata: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }),
  },
  // Without it the creation is now, which the model cannot know.
  { requiredKeys: ['id', 'subject', 'endpointHash', 'createdAt'] },
);

/** Messages by their id and endpoint. */
type Model = Map<string, RelayMessage>;
const keyOf = ({ id, endpointHash }: Pick<RelayMessage, 'id' | 'endpointHash'>) => JSON.stringify([id, endpointHash]);

function insert(model: Model, input: RelayMessageInput): void {
  const { id, subject, endpointHash, status, createdAt, expiresAt, ...texts } = input;
  const known = model.get(keyOf(input));
  const message: RelayMessage = {
    id,
    subject,
    endpointHash,
    status: status ?? known?.status ?? 'pending',
    createdAt: iso(Number(createdAt)),
    expiresAt:
      expiresAt === undefined ? (known?.expiresAt ?? null) : expiresAt === null ? null : iso(Number(expiresAt)),
  };
  for (const key of ['sender', 'payload', 'metadata'] as const) {
    const value = texts[key] === undefined ? known?.[key] : texts[key];
    if (typeof value === 'string') message[key] = value;
  }
  model.set(keyOf(input), message);
}

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));
const byId = (a: RelayMessage, b: RelayMessage) => bytewise(b.id, a.id) || bytewise(b.endpointHash, a.endpointHash);
const newestFirst = (a: RelayMessage, b: RelayMessage) =>
  a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : byId(a, b);
const fitting = (model: Model, fits: (message: RelayMessage) => boolean) => [...model.values()].filter(fits);

function metricsOf(model: Model): RelayIndexMetrics {
  const bySubject = new Map<string, number>();
  const byStatus: RelayIndexMetrics['byStatus'] = {};
  for (const { subject, status } of model.values()) {
    bySubject.set(subject, (bySubject.get(subject) ?? 0) + 1);
    byStatus[status] = (byStatus[status] ?? 0) + 1;
  }
  return {
    totalMessages: model.size,
    byStatus,
    bySubject: [...bySubject]
      .map(([subject, count]) => ({ subject, count }))
      .sort((a, b) => b.count - a.count || bytewise(a.subject, b.subject)),
  };
}

interface System {
  readonly db: Db;
  readonly index: SqliteIndex;
  readonly model: Model;
}

/** Does one thing to both, and compares what it gives. */
type Step = (system: System) => void;

/** The step under the name that a failing sequence shows. */
function step(name: string, run: Step): Step {
  return Object.assign(run, { [fc.toStringMethod]: () => name, toString: () => name });
}

const insertStep = inputs.map((input) =>
  step(`insert ${JSON.stringify(input)}`, ({ index, model }) => {
    index.insertMessage(input);
    insert(model, input);
  }),
);

const insertManyStep = fc.tuple(fc.array(inputs, { maxLength: 8 }), fc.boolean()).map(([many, isBroken]) =>
  step(`insert ${isBroken ? 'and fail ' : ''}${JSON.stringify(many)}`, ({ index, model }) => {
    if (isBroken) {
      assert.throws(() => index.insertMessages([...many, { id: 'x' } as RelayMessageInput]));
      return;
    }
    assert.equal(index.insertMessages(many), many.length);
    for (const input of many) insert(model, input);
  }),
);

const statusStep = fc.tuple(ids, statuses, fc.option(endpoints, { nil: undefined })).map(([id, status, endpoint]) =>
  step(`${id} is ${status} at ${endpoint}`, ({ index, model }) => {
    const known = fitting(model, (one) => one.id === id && (endpoint === undefined || one.endpointHash === endpoint));
    assert.equal(index.updateStatus(id, status, endpoint), known.length > 0);
    for (const one of known) model.set(keyOf(one), { ...one, status });
  }),
);

const expireStep = instants.map((now) =>
  step(`expire before ${iso(now)}`, ({ index, model }) => {
    const expired = fitting(model, ({ expiresAt }) => expiresAt !== null && expiresAt < iso(now));
    assert.equal(index.deleteExpired(now), expired.length);
    for (const one of expired) model.delete(keyOf(one));
  }),
);

/** What somebody may do to the file beside the store. */
const rawStep = fc
  .tuple(
    fc.constantFrom('delete', 'subject', 'endpoint', 'replace', 'id', 'rollback', 'all'),
    ids,
    ids,
    subjects,
    statuses,
  )
  .map(([kind, id, other, subject, status]) =>
    step(`raw ${kind} ${id} ${other} ${subject} ${status}`, ({ db, model }) => {
      const run = (sql: string, ...params: unknown[]) => db.$client.prepare(sql).run(...params);
      const known = fitting(model, (one) => one.id === id);
      switch (kind) {
        case 'delete':
          run('DELETE FROM relay_index WHERE subject = ?', subject);
          for (const message of fitting(model, (one) => one.subject === subject)) model.delete(keyOf(message));
          return;
        case 'subject':
          run('UPDATE relay_index SET subject = ?, status = ? WHERE id = ?', subject, status, id);
          for (const message of known) model.set(keyOf(message), { ...message, subject, status });
          return;
        case 'endpoint':
          run("UPDATE relay_index SET subject = ? WHERE endpoint_hash = 'e2'", subject);
          for (const message of fitting(model, ({ endpointHash }) => endpointHash === 'e2'))
            model.set(keyOf(message), { ...message, subject });
          return;
        case 'replace':
          run(
            'INSERT OR REPLACE INTO relay_index (id, subject, endpoint_hash, status, created_at) VALUES (?, ?, ?, ?, ?)',
            id,
            subject,
            'e1',
            status,
            iso(START),
          );
          model.delete(keyOf({ id, endpointHash: 'e1' }));
          insert(model, { id, subject, endpointHash: 'e1', status, createdAt: START });
          return;
        case 'id':
          run('UPDATE OR REPLACE relay_index SET id = ? WHERE id = ?', other, id);
          for (const message of known) {
            model.delete(keyOf(message));
            model.set(keyOf({ ...message, id: other }), { ...message, id: other });
          }
          return;
        case 'rollback':
          db.$client.exec('BEGIN');
          run('UPDATE relay_index SET subject = ?, status = ?', subject, status);
          run('DELETE FROM relay_index WHERE id > ?', id);
          db.$client.exec('ROLLBACK');
          return;
        case 'all':
          if (subject !== 's1\0') return;
          run('DELETE FROM relay_index');
          model.clear();
      }
    }),
  );

const readStep = fc.tuple(ids, subjects, endpoints, senders, instants).map(([id, subject, endpoint, sender, since]) =>
  step(`read ${id} ${subject} ${endpoint} ${sender} ${since}`, ({ index, model }) => {
    const [newest] = fitting(model, (one) => one.id === id).sort(newestFirst);
    assert.deepStrictEqual(index.getMessage(id), newest ?? null);
    assert.deepStrictEqual(index.getMessage(id, endpoint), model.get(keyOf({ id, endpointHash: endpoint })) ?? null);
    assert.deepStrictEqual(
      index.getBySubject(subject),
      fitting(model, (one) => one.subject === subject).sort(newestFirst),
    );
    const atEndpoint = fitting(model, ({ endpointHash }) => endpointHash === endpoint);
    assert.deepStrictEqual(index.getByEndpoint(endpoint), atEndpoint.sort(newestFirst));
    assert.equal(index.countNewByEndpoint(endpoint), atEndpoint.filter(({ status }) => status === 'pending').length);
    assert.equal(
      index.countSenderInWindow(sender, iso(since)),
      fitting(model, (one) => one.sender === sender && one.createdAt > iso(since)).length,
    );
    assert.deepStrictEqual(index.getMetrics(), metricsOf(model));
  }),
);

/** What a cursor says: an id, or an id and an endpoint. */
function isAfter(one: RelayMessage, cursor: string): boolean {
  const [id = cursor, endpoint]: string[] = cursor.startsWith('["') ? JSON.parse(cursor) : [cursor];
  const order = bytewise(one.id, id);
  return order < 0 || (order === 0 && endpoint !== undefined && bytewise(one.endpointHash, endpoint) < 0);
}

const pageStep = fc
  .record(
    {
      subject: subjects,
      status: statuses,
      sender: senders,
      endpointHash: endpoints,
      cursor: fc.oneof(
        ids,
        fc.tuple(ids, endpoints).map((key) => JSON.stringify(key)),
      ),
      limit: fc.integer({ min: 0, max: 60 }),
    },
    { requiredKeys: [] },
  )
  .map((options: QueryMessagesOptions) =>
    step(`page ${JSON.stringify(options)}`, ({ index, model }) => {
      const { cursor, limit = 50, ...filters } = options;
      const all = fitting(model, (message) =>
        Object.entries(filters).every(([key, value]) => value === '' || message[key as keyof RelayMessage] === value),
      )
        .filter((one) => !cursor || isAfter(one, cursor))
        .sort(byId);
      const messages = all.slice(0, limit);
      const page = index.queryMessages(options);
      const { nextCursor } = page;
      assert.deepStrictEqual(page.messages, messages);
      assert.equal(nextCursor !== undefined, all.length > limit && limit > 0);
      // The next page begins with the very next row.
      if (nextCursor !== undefined) {
        assert.deepStrictEqual(index.queryMessages({ ...options, cursor: nextCursor, limit: 1 }).messages, [
          all[limit],
        ]);
        // Where an id has one row, the cursor is the id.
        const { id = '' } = messages.at(-1) ?? {};
        if (all[limit]?.id !== id && !id.startsWith('[')) assert.equal(nextCursor, id);
      }
    }),
  );

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: insertStep },
    { weight: 1, arbitrary: insertManyStep },
    { weight: 4, arbitrary: statusStep },
    { weight: 1, arbitrary: expireStep },
    { weight: 2, arbitrary: rawStep },
    { weight: 2, arbitrary: readStep },
    { weight: 4, arbitrary: pageStep },
  ),
  { minLength: 1500, maxLength: 2000, size: 'max' },
);

describe(`SqliteIndex against a model on ${RUNTIME}`, () => {
  it('gives what a map in memory gives, through thousands of random operations', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(steps, (sequence) => {
        using test = storeDb();
        const system = { db: test.db, index: new SqliteIndex(test.db), model: new Map() };
        for (const [i, run] of sequence.entries()) {
          run(system);
          if (i % 50 > 0) continue;
          const { counted, kept } = recounted(test.db);
          assert.deepEqual(kept, counted);
        }
        assert.equal(test.db.$client.pragma('integrity_check', { simple: true }), 'ok');
      }),
      { numRuns: 5, seed: SEED, endOnFailure: true },
    );
  });
});
