import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InvalidInputError, type QueryMessagesOptions, type RelayMessage, SqliteIndex } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';

const AT = '2026-02-25T09:30:00.000Z';
const STATUSES = ['pending', 'delivered', 'failed'] as const;

/** Every combination of two subjects, two endpoints, two senders and no sender, and the statuses, three times. */
function messages(): RelayMessage[] {
  const made: RelayMessage[] = [];
  for (let i = 0; i < 2 * 2 * 3 * 3 * 3; i++) {
    const sender = [undefined, 'sender-1', 'sender-2'][Math.floor(i / 4) % 3];
    made.push({
      id: `m${String((i * 37) % 108).padStart(3, '0')}`,
      subject: `subject-${i % 2}`,
      endpointHash: `endpoint-${Math.floor(i / 2) % 2}`,
      status: STATUSES[Math.floor(i / 12) % 3] as RelayMessage['status'],
      createdAt: AT,
      expiresAt: null,
      ...(sender !== undefined && { sender }),
    });
  }
  return made;
}

const byIdDescending = (a: RelayMessage, b: RelayMessage) => (a.id < b.id ? 1 : -1);

/** What is asked for, in plain JavaScript. */
function expected(all: readonly RelayMessage[], { limit = 50, cursor, ...filters }: QueryMessagesOptions) {
  const fitting = all
    .filter((message) => Object.entries(filters).every(([key, value]) => message[key as keyof RelayMessage] === value))
    .filter(({ id }) => cursor === undefined || id < cursor)
    .toSorted(byIdDescending);
  const page = fitting.slice(0, limit);
  const last = page.at(-1);
  return fitting.length > limit && last ? { messages: page, nextCursor: last.id } : { messages: page };
}

/** Every combination of the filters, each once with a value that fits and once with one that nothing has. */
function* filters(): Generator<QueryMessagesOptions> {
  for (const subject of [undefined, 'subject-1', 'nobody'])
    for (const endpointHash of [undefined, 'endpoint-0', 'nobody'])
      for (const sender of [undefined, 'sender-2', 'nobody'])
        for (const status of [undefined, ...STATUSES])
          yield Object.fromEntries(
            Object.entries({ subject, endpointHash, sender, status }).filter(([, value]) => value !== undefined),
          );
}

describe(`queryMessages on ${RUNTIME}`, () => {
  it('gives the right page for every combination of filters, cursor and limit', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const all = messages();
    index.insertMessages(all);
    let pages = 0;
    for (const filter of filters()) {
      for (const cursor of [undefined, 'm050', 'm', 'z'])
        for (const limit of [undefined, 1, 4, 1000]) {
          const options: QueryMessagesOptions = { ...filter };
          if (cursor !== undefined) options.cursor = cursor;
          if (limit !== undefined) options.limit = limit;
          assert.deepStrictEqual(index.queryMessages(options), expected(all, options), JSON.stringify(options));
          pages++;
        }
    }
    assert.equal(pages, 3 * 3 * 3 * 4 * 4 * 4);
    // The same combination of filters is the same statement, whatever the values.
    assert.equal(test.statements().filter(({ sql }) => sql.startsWith('select')).length, 2 * 2 * 2 * 4 * 2);
    test.assertQueryPlans();
  });

  it('walks all messages page by page, each once', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const all = messages();
    index.insertMessages(all);
    for (const limit of [1, 7, 53, 54, 107, 108, 109]) {
      const met: RelayMessage[] = [];
      let cursor: string | undefined;
      do {
        const page = index.queryMessages({ cursor, limit });
        met.push(...page.messages);
        assert.equal('nextCursor' in page, page.nextCursor !== undefined);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      assert.deepEqual(met, all.toSorted(byIdDescending), `limit ${limit}`);
    }
  });

  it('has no next cursor where the last message is the last of the page', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages(messages());
    assert.equal(index.queryMessages({ limit: 108 }).nextCursor, undefined);
    assert.equal(index.queryMessages({ limit: 107 }).nextCursor, 'm001');
  });

  it('gives 50 by default, and an empty page for a limit of 0', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages(messages());
    assert.equal(index.queryMessages().messages.length, 50);
    assert.equal(index.queryMessages({ limit: undefined, subject: undefined }).messages.length, 50);
    assert.deepStrictEqual(index.queryMessages({ limit: 0 }), { messages: [] });
    assert.equal(index.queryMessages({ limit: Number.MAX_SAFE_INTEGER }).messages.length, 108);
  });

  it('goes on right where messages come and go between two pages', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    index.insertMessages(messages());
    const first = index.queryMessages({ limit: 10 });
    index.insertMessage({ id: 'zzz', subject: 's', endpointHash: 'e', createdAt: AT });
    test.db.$client.prepare('DELETE FROM relay_index WHERE id = ?').run(first.nextCursor);
    const second = index.queryMessages({ limit: 10, cursor: first.nextCursor });
    assert.equal(second.messages[0]?.id, 'm097');
  });

  it('refuses what does not fit by the name of the option', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const cases: [field: string, options: unknown][] = [
      ['limit', { limit: -1 }],
      ['limit', { limit: 1.5 }],
      ['limit', { limit: Number.NaN }],
      ['limit', { limit: 2 ** 53 }],
      ['limit', { limit: Number.POSITIVE_INFINITY }],
      ['limit', { limit: '10' }],
      ['limit', { limit: 10n }],
      ['limit', { limit: null }],
      ['status', { status: 'newer' }],
      ['subject', { subject: 5 }],
      ['sender', { sender: null }],
      ['endpointHash', { endpointHash: {} }],
      ['cursor', { cursor: 7 }],
      ['options', null],
      ['options', 5],
    ];
    for (const [field, options] of cases) {
      assert.throws(
        () => index.queryMessages(options as never),
        (error) => error instanceof InvalidInputError && error.field === field,
        field,
      );
    }
  });

  it('sorts ids as SQLite does, by their bytes', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    const ids = ['', ' ', '0', 'A', 'Z', 'a', 'é', 'z', '\u{ffff}', '\u{10000}', '\u{10ffff}'];
    index.insertMessages(ids.map((id) => ({ id, subject: 's', endpointHash: 'e', createdAt: AT })));
    const sorted = ids.toSorted((a, b) => Buffer.compare(Buffer.from(b), Buffer.from(a)));
    const met: string[] = [];
    let cursor: string | undefined;
    do {
      const page = index.queryMessages({ cursor, limit: 1 });
      met.push(...page.messages.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    assert.deepEqual(met, sorted);
  });
});
