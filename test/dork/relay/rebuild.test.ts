import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  createDb,
  DatabaseBusyError,
  InvalidInputError,
  type MaildirStore,
  type RebuildProgress,
  type RelayMessage,
  SqliteIndex,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { storeDb } from '../../support/store-db.ts';
import { dump, recounted } from './fixtures/dump.ts';
import { envelope, MaildirFiles } from './fixtures/maildir.ts';

const AT = '2026-02-25T09:30:00.000Z';
const EXPIRY = '2026-02-25T10:30:00.000Z';
const ENDPOINTS = new Map([
  ['hash-1', 'relay.agent.proj.backend'],
  ['hash-2', 'relay.agent.proj.other'],
]);

const FROM_ENVELOPE = {
  subject: 'relay.agent.proj.backend',
  createdAt: AT,
  expiresAt: EXPIRY,
  sender: 'relay.agent.proj.frontend',
} as const;

/** A database, a Maildir folder and its files, gone at the end of the block. */
function maildirAndIndex() {
  const test = storeDb();
  const folder = temporaryFolder();
  return {
    test,
    index: new SqliteIndex(test.db),
    files: new MaildirFiles(folder.path),
    [Symbol.dispose]() {
      test[Symbol.dispose]();
      folder[Symbol.dispose]();
    },
  };
}

/** Nothing that a rebuild makes for itself is there. */
function assertNoStaging(test: ReturnType<typeof storeDb>): void {
  assert.deepEqual(test.db.$client.prepare('SELECT name FROM temp.sqlite_schema').all(), []);
  assert.deepEqual(
    test.db.$client.prepare("SELECT name FROM sqlite_schema WHERE name LIKE '%rebuild%' OR name LIKE '%stag%'").all(),
    [],
  );
  assert.equal(test.db.$client.inTransaction, false);
}

function allOf(index: SqliteIndex): RelayMessage[] {
  return index.queryMessages({ limit: 100_000 }).messages;
}

/** Lets something happen when the first envelope is asked for: then the folders of the endpoint were listed. */
function whileReading(files: MaildirStore, happen: (id: string) => void | Promise<void>): MaildirStore {
  return {
    listNew: (hash) => files.listNew(hash),
    listCurrent: (hash) => files.listCurrent(hash),
    listFailed: (hash) => files.listFailed(hash),
    async readEnvelope(hash, subdir, id) {
      await happen(id);
      return files.readEnvelope(hash, subdir, id);
    },
  };
}

function once(happen: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    happen();
  };
}

describe(`rebuild on ${RUNTIME}`, () => {
  it('indexes every file: new is pending, cur delivered, failed failed, the id the name of the file', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    files.write('hash-1', 'new', 'a', envelope());
    files.write('hash-1', 'cur', 'b', envelope({ budget: { ttl: 0 } }));
    files.write('hash-2', 'failed', 'c', envelope({ subject: 'relay.agent.proj.other', from: 'somebody', budget: {} }));
    assert.equal(await index.rebuild(files, ENDPOINTS), 3);
    assert.deepStrictEqual(allOf(index), [
      {
        id: 'c',
        ...FROM_ENVELOPE,
        subject: 'relay.agent.proj.other',
        endpointHash: 'hash-2',
        status: 'failed',
        expiresAt: null,
        sender: 'somebody',
      },
      { id: 'b', ...FROM_ENVELOPE, endpointHash: 'hash-1', status: 'delivered', expiresAt: null },
      { id: 'a', ...FROM_ENVELOPE, endpointHash: 'hash-1', status: 'pending' },
    ]);
    assert.deepStrictEqual(index.getMetrics(), {
      totalMessages: 3,
      byStatus: { pending: 1, delivered: 1, failed: 1 },
      bySubject: [
        { subject: 'relay.agent.proj.backend', count: 2 },
        { subject: 'relay.agent.proj.other', count: 1 },
      ],
    });
    assertNoStaging(test);
  });

  it('makes out of an index that is wrong in every way the same as out of an empty one', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    for (let i = 0; i < 90; i++) {
      files.write(
        i % 2 ? 'hash-1' : 'hash-2',
        (['new', 'cur', 'failed'] as const)[i % 3] ?? 'new',
        `m${i}`,
        envelope(),
      );
    }
    assert.equal(await index.rebuild(files, ENDPOINTS), 90);
    const right = allOf(index);
    test.db.$client.exec(`
      DELETE FROM relay_index WHERE id < 'm3';
      UPDATE relay_index SET status = 'delivered' WHERE id LIKE 'm5%';
      UPDATE relay_index SET subject = 'wrong', sender = 'wrong', endpoint_hash = 'wrong', expires_at = NULL,
        created_at = '2020-01-01T00:00:00.000Z' WHERE id LIKE 'm6%';
      INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at)
        VALUES ('', 's', 'hash-1', 'pending', '${AT}'), ('gone', 's', 'nowhere', 'failed', '${AT}')`);
    assert.equal(await index.rebuild(files, ENDPOINTS), 90);
    assert.deepStrictEqual(allOf(index), right);
    const { counted, kept } = recounted(test.db);
    assert.deepEqual(kept, counted);
    assertNoStaging(test);
  });

  it('repairs counters that something has spoiled, and drops those of subjects without messages', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    files.write('hash-1', 'new', 'a', envelope());
    await index.rebuild(files, ENDPOINTS);
    test.db.$client.exec("UPDATE relay_counts SET pending = 77; INSERT INTO relay_counts VALUES ('ghost', 1, 2, 3)");
    await index.rebuild(files, ENDPOINTS);
    assert.deepEqual(test.db.$client.prepare('SELECT * FROM relay_counts').all(), [
      { subject: 'relay.agent.proj.backend', pending: 1, delivered: 0, failed: 0 },
    ]);
  });

  it('writes nothing but what differs: what is right keeps its row', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    for (let i = 0; i < 20; i++) files.write('hash-1', 'cur', `m${i}`, envelope());
    await index.rebuild(files, ENDPOINTS);
    const before = dump(test.db);
    test.db.$client.exec(`
      CREATE TEMP TABLE written (id);
      CREATE TEMP TRIGGER i AFTER INSERT ON main.relay_index BEGIN INSERT INTO written VALUES (new.id); END;
      CREATE TEMP TRIGGER u AFTER UPDATE ON main.relay_index BEGIN INSERT INTO written VALUES (new.id); END;
      CREATE TEMP TRIGGER d AFTER DELETE ON main.relay_index BEGIN INSERT INTO written VALUES (old.id); END`);
    await index.rebuild(files, ENDPOINTS);
    assert.deepEqual(test.db.$client.prepare('SELECT id FROM temp.written').all(), []);
    test.db.$client.exec("UPDATE relay_index SET status = 'failed' WHERE id = 'm7'; DELETE FROM temp.written");
    await index.rebuild(files, ENDPOINTS);
    assert.deepEqual(test.db.$client.prepare('SELECT id FROM temp.written').all(), [{ id: 'm7' }]);
    test.db.$client.exec('DROP TABLE temp.written; DROP TRIGGER i; DROP TRIGGER u; DROP TRIGGER d');
    assert.deepEqual(dump(test.db).relay_index, before.relay_index);
  });

  it('keeps the payload and the metadata that the index has, and a sender that the envelope does not name', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    files.write('hash-1', 'cur', 'a', envelope({ from: undefined }));
    const known = {
      id: 'a',
      subject: 'old',
      endpointHash: 'hash-1',
      createdAt: AT,
      sender: 'x',
      payload: 'p',
      metadata: 'm',
    };
    index.insertMessage(known);
    await index.rebuild(files, ENDPOINTS);
    assert.deepStrictEqual(index.getMessage('a'), {
      ...known,
      subject: 'relay.agent.proj.backend',
      status: 'delivered',
      expiresAt: EXPIRY,
    });
  });

  it('leaves the old index readable and whole until all was read, for others too', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    index.insertMessage({ id: 'old', subject: 's', endpointHash: 'hash-1', createdAt: AT });
    const before = dump(test.db);
    for (let i = 0; i < 100; i++) files.write('hash-1', 'new', `m${i}`, envelope());
    using other = createDb(test.path);
    let looked = 0;
    await index.rebuild(
      whileReading(files, () => {
        looked++;
        assert.deepEqual(dump(test.db), before);
        assert.deepEqual(dump(other), before);
        assert.equal(new SqliteIndex(other).getMessage('old')?.id, 'old');
      }),
      ENDPOINTS,
    );
    // Once each, and four times for the one that has no file.
    assert.equal(looked, 104);
    assert.equal(new SqliteIndex(other).getMessage('old'), null);
    assert.equal(new SqliteIndex(other).getMetrics().totalMessages, 100);
  });

  it('needs no lock while it reads: another connection writes meanwhile', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    for (let i = 0; i < 40; i++) files.write('hash-1', 'new', `m${i}`, envelope());
    using other = createDb(test.path, { busyTimeoutMs: 0 });
    const elsewhere = new SqliteIndex(other);
    let written = 0;
    await index.rebuild(
      whileReading(files, () => {
        elsewhere.insertMessage({ id: `other-${written++}`, subject: 's', endpointHash: 'e', createdAt: AT });
      }),
      ENDPOINTS,
    );
    assert.equal(index.getMetrics().totalMessages, 40 + written);
  });

  for (const [what, breaks] of [
    ['an envelope that cannot be read', { at: 'read', error: new Error('EIO') }],
    ['a folder that cannot be listed', { at: 'list', error: new Error('EACCES') }],
    ['a progress callback that throws', { at: 'progress', error: new Error('mine') }],
  ] as const) {
    it(`leaves the index as it was after ${what}, and nothing behind`, async () => {
      using set = maildirAndIndex();
      const { test, index, files } = set;
      index.insertMessage({ id: 'old', subject: 's', endpointHash: 'hash-1', createdAt: AT });
      for (let i = 0; i < 100; i++) files.write('hash-1', 'new', `m${String(i).padStart(3, '0')}`, envelope());
      const before = dump(test.db);
      const broken = whileReading(files, (id) => {
        if (breaks.at === 'read' && id === 'm070') throw breaks.error;
      });
      if (breaks.at === 'list') broken.listFailed = () => Promise.reject(breaks.error);
      const onProgress = ({ phase }: RebuildProgress) => {
        if (breaks.at === 'progress' && phase === 'swapping') throw breaks.error;
      };
      await assert.rejects(index.rebuild(broken, ENDPOINTS, { onProgress }), breaks.error);
      assert.deepEqual(dump(test.db), before);
      assertNoStaging(test);
      assert.equal(await index.rebuild(files, ENDPOINTS), 100);
    });
  }

  it('leaves the index as it was where the swap fails half-way', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    index.insertMessage({ id: 'old', subject: 's', endpointHash: 'hash-1', createdAt: AT });
    for (let i = 0; i < 100; i++) files.write('hash-1', 'new', `m${i}`, envelope());
    const before = dump(test.db);
    test.db.$client.exec(`CREATE TEMP TRIGGER no BEFORE INSERT ON main.relay_index WHEN new.id = 'm77'
      BEGIN SELECT raise(ABORT, 'no'); END`);
    await assert.rejects(index.rebuild(files, ENDPOINTS));
    assert.deepEqual(dump(test.db), before);
    test.db.$client.exec('DROP TRIGGER temp.no');
    assertNoStaging(test);
  });

  it('leaves the index as it was where another connection keeps the write lock, and says that it may be tried again', async () => {
    using set = maildirAndIndex();
    const { test, files } = set;
    files.write('hash-1', 'new', 'a', envelope());
    using hasty = createDb(test.path, { busyTimeoutMs: 10 });
    test.db.$client.exec('BEGIN IMMEDIATE');
    await assert.rejects(
      new SqliteIndex(hasty).rebuild(files, ENDPOINTS),
      (error) => error instanceof DatabaseBusyError && error.retryable,
    );
    test.db.$client.exec('ROLLBACK');
    assert.equal(new SqliteIndex(hasty).getMetrics().totalMessages, 0);
    assert.equal(await new SqliteIndex(hasty).rebuild(files, ENDPOINTS), 1);
  });

  it('fails with CLOSED where the database is closed meanwhile, and the file is as it was', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    index.insertMessage({ id: 'old', subject: 's', endpointHash: 'hash-1', createdAt: AT });
    const before = dump(test.db);
    for (let i = 0; i < 40; i++) files.write('hash-1', 'new', `m${i}`, envelope());
    const closing = whileReading(
      files,
      once(() => test.db.$client.close()),
    );
    await assert.rejects(index.rebuild(closing, ENDPOINTS), { code: 'CLOSED' });
    using again = createDb(test.path);
    assert.deepEqual(dump(again), before);
  });

  it('keeps what others write to the index while it reads', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    const message = { subject: 's', endpointHash: 'hash-1', createdAt: AT };
    for (const id of ['moves', 'vanishes', 'stays', 'is-replaced']) files.write('hash-1', 'new', id, envelope());
    await index.rebuild(files, ENDPOINTS);
    using other = createDb(test.path);
    const elsewhere = new SqliteIndex(other);
    await index.rebuild(
      whileReading(
        files,
        once(() => {
          // Its file appears after its folder was listed.
          files.write('hash-1', 'new', 'appears', envelope());
          elsewhere.insertMessage({ ...message, id: 'appears' });
          // Indexed before its file is there.
          elsewhere.insertMessage({ ...message, id: 'without-file-yet', sender: 'x' });
          elsewhere.updateStatus('moves', 'failed');
          rmSync(files.file('hash-1', 'new', 'vanishes'));
          other.$client.exec("DELETE FROM relay_index WHERE id = 'vanishes'");
          other.$client.exec("DELETE FROM relay_index WHERE id = 'is-replaced'");
          elsewhere.insertMessage({ ...message, id: 'is-replaced', status: 'delivered', metadata: 'again' });
        }),
      ),
      ENDPOINTS,
    );
    assert.deepEqual(
      allOf(index).map(({ id, status }) => [id, status]),
      [
        ['without-file-yet', 'pending'],
        ['stays', 'pending'],
        ['moves', 'failed'],
        ['is-replaced', 'delivered'],
        ['appears', 'pending'],
      ],
    );
    assert.equal(index.getMessage('is-replaced')?.metadata, 'again');
    const { counted, kept } = recounted(test.db);
    assert.deepEqual(kept, counted);
  });

  it('keeps what others write to the index after the last listing, whatever the files said then', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    const message = { subject: 's', endpointHash: 'hash-1', createdAt: AT };
    for (const id of ['delivered', 'deleted', 'stays']) index.insertMessage({ ...message, id });
    for (const id of ['without-file', 'retried']) index.insertMessage({ ...message, id });
    for (const id of ['delivered', 'deleted', 'stays', 'unknown']) files.write('hash-1', 'cur', id, envelope());
    using other = createDb(test.path);
    const elsewhere = new SqliteIndex(other);
    const onProgress = ({ phase }: RebuildProgress) => {
      if (phase !== 'swapping') return;
      elsewhere.updateStatus('delivered', 'failed');
      other.$client.exec("DELETE FROM relay_index WHERE id = 'deleted'");
      elsewhere.updateStatus('retried', 'delivered');
      elsewhere.insertMessage({ ...message, id: 'unknown', status: 'failed', metadata: 'theirs' });
    };
    assert.equal(await index.rebuild(files, ENDPOINTS, { onProgress }), 4);
    assert.deepEqual(
      allOf(index).map(({ id, status, metadata }) => [id, status, metadata]),
      [
        ['unknown', 'failed', 'theirs'],
        ['stays', 'delivered', undefined],
        ['retried', 'delivered', undefined],
        ['delivered', 'failed', undefined],
      ],
    );
    const { counted, kept } = recounted(test.db);
    assert.deepEqual(kept, counted);
  });

  it('finds a file that moves, comes or goes while it reads, though nobody tells the index', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    for (const id of ['is-taken', 'fails', 'is-deleted', 'stays']) files.write('hash-1', 'new', id, envelope());
    for (const id of ['is-retried']) files.write('hash-1', 'failed', id, envelope());
    await index.rebuild(files, ENDPOINTS);
    const move = (id: string, from: 'new' | 'failed', to: 'new' | 'cur' | 'failed') => {
      rmSync(files.file('hash-1', from, id));
      files.write('hash-1', to, id, envelope());
    };
    const found = await index.rebuild(
      whileReading(
        files,
        once(() => {
          move('is-taken', 'new', 'cur');
          move('fails', 'new', 'failed');
          move('is-retried', 'failed', 'new');
          rmSync(files.file('hash-1', 'new', 'is-deleted'));
          files.write('hash-1', 'new', 'comes', envelope());
        }),
      ),
      ENDPOINTS,
    );
    assert.equal(found, 5);
    assert.deepEqual(
      allOf(index).map(({ id, status }) => [id, status]),
      [
        ['stays', 'pending'],
        ['is-taken', 'delivered'],
        ['is-retried', 'pending'],
        ['fails', 'failed'],
        ['comes', 'pending'],
      ],
    );
  });

  /** A message whose file is in `cur`, indexed with a payload that only the index has. */
  async function withPayload() {
    const set = maildirAndIndex();
    const { index, files } = set;
    files.write('hash-1', 'cur', 'm', envelope());
    await index.rebuild(files, ENDPOINTS);
    index.insertMessage({ ...FROM_ENVELOPE, id: 'm', endpointHash: 'hash-1', payload: 'only here' });
    return set;
  }
  const putBack = (files: MaildirFiles) => {
    files.write('hash-1', 'new', 'm', envelope());
    rmSync(files.file('hash-1', 'cur', 'm'));
  };

  for (const listing of [1, 2]) {
    it(`keeps a message that is put back into new between two folders of listing ${listing}`, async () => {
      using set = await withPayload();
      const { index, files } = set;
      let listed = 0;
      const found = await index.rebuild(
        {
          listNew: (hash) => files.listNew(hash),
          listCurrent: (hash) => {
            if (hash === 'hash-1' && ++listed === listing) putBack(files);
            return files.listCurrent(hash);
          },
          listFailed: (hash) => files.listFailed(hash),
          readEnvelope: (hash, subdir, id) => files.readEnvelope(hash, subdir, id),
        },
        ENDPOINTS,
      );
      assert.equal(found, 1);
      const { status, payload } = index.getMessage('m') ?? {};
      assert.deepEqual({ status, payload }, { status: 'pending', payload: 'only here' });
    });
  }

  it('keeps a message that is put back while it is looked for once more', async () => {
    using set = await withPayload();
    const { index, files } = set;
    // Both listings miss it; then it moves between two looks.
    const looks: string[] = [];
    await index.rebuild(
      {
        listNew: async () => [],
        listCurrent: async () => [],
        listFailed: async () => [],
        readEnvelope(hash, subdir, id) {
          looks.push(subdir);
          if (subdir === 'cur') putBack(files);
          return files.readEnvelope(hash, subdir, id);
        },
      },
      ENDPOINTS,
    );
    assert.deepEqual(looks, ['new', 'cur', 'failed', 'new']);
    assert.equal(index.getMessage('m')?.payload, 'only here');
  });

  it('keeps a row that others wrote while its missing file was looked for', async () => {
    using set = await withPayload();
    const { test, index, files } = set;
    rmSync(files.file('hash-1', 'cur', 'm'));
    using other = createDb(test.path);
    const again = once(() =>
      new SqliteIndex(other).insertMessage({
        ...FROM_ENVELOPE,
        id: 'm',
        endpointHash: 'hash-1',
        payload: 'sent once more',
      }),
    );
    await index.rebuild(whileReading(files, again), ENDPOINTS);
    assert.equal(index.getMessage('m')?.payload, 'sent once more');
  });

  it('keeps what others wrote to a row whose file said something else before', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    files.write('hash-1', 'new', 'm', envelope());
    await index.rebuild(files, ENDPOINTS);
    using other = createDb(test.path);
    let reads = 0;
    const newer = () => {
      // When its file is read for the last time, the message is sent once more with another subject.
      if (++reads === 2) new SqliteIndex(other).insertMessage({ id: 'm', subject: 'newer', endpointHash: 'hash-1' });
    };
    index.insertMessage({ id: 'm', subject: 'wrong', endpointHash: 'hash-1' });
    await index.rebuild(whileReading(files, newer), ENDPOINTS);
    assert.equal(reads, 2);
    assert.equal(index.getMessage('m')?.subject, 'newer');
    await index.rebuild(files, ENDPOINTS);
    assert.equal(index.getMessage('m')?.subject, FROM_ENVELOPE.subject, 'the next rebuild takes what the file says');
  });

  it('asks the store for no id that is not the name of a file', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    for (const id of ['', '.', '..', '../../secret', 'a/b', 'a\\b', 'a\0b', 'plain']) {
      index.insertMessage({ id, subject: 's', endpointHash: 'hash-1', createdAt: AT });
    }
    const asked = new Set<string>();
    await index.rebuild(
      whileReading(files, (id) => void asked.add(id)),
      ENDPOINTS,
    );
    assert.deepEqual([...asked], ['plain']);
    assert.deepEqual(allOf(index), []);
  });

  it('does not bring back what was indexed, delivered and deleted while it read', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    for (let i = 0; i < 40; i++) files.write('hash-1', 'cur', `m${i}`, envelope());
    files.write('hash-1', 'new', 'short', envelope());
    await index.rebuild(
      whileReading(files, (id) => {
        // The first folder was read by now.
        if (id === 'm0') rmSync(files.file('hash-1', 'new', 'short'), { force: true });
      }),
      ENDPOINTS,
    );
    assert.equal(index.getMessage('short'), null);
    assert.equal(index.getMetrics().totalMessages, 40);
  });

  it('skips a file whose envelope cannot be understood, tells how many, and keeps what the index has of it', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    files.write('hash-1', 'new', 'good', envelope());
    for (const [id, changes] of Object.entries({
      'no-instant': { createdAt: undefined },
      'not-an-instant': { createdAt: 'yesterday' },
      'not-a-subject': { subject: 5 },
      'lone-surrogate': { subject: 'a\ud800' },
      'not-a-sender': { from: {} },
      'not-a-ttl': { budget: { ttl: 'soon' } },
    }))
      files.write('hash-1', 'cur', id, envelope(changes));
    files.write('hash-1', 'cur', 'a-text', 'text');
    files.write('hash-1', 'cur', 'a-number', 5);
    index.insertMessage({ id: 'not-an-instant', subject: 'known', endpointHash: 'hash-1', createdAt: AT });
    const told: RebuildProgress[] = [];
    const found = await index.rebuild(files, ENDPOINTS, { onProgress: (progress) => told.push(progress) });
    assert.equal(found, 1);
    assert.equal(told.at(-1)?.skipped, 8);
    assert.deepEqual(
      allOf(index).map(({ id, subject }) => [id, subject]),
      [
        ['not-an-instant', 'known'],
        ['good', 'relay.agent.proj.backend'],
      ],
    );
  });

  it("takes the endpoint's subject for an envelope that names none", async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    files.write('hash-2', 'new', 'a', envelope({ subject: undefined }));
    await index.rebuild(files, ENDPOINTS);
    assert.equal(index.getMessage('a')?.subject, 'relay.agent.proj.other');
  });

  it('takes a ttl of 0 or none for no expiry, and one beyond the year 9999 for its end', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    const cases: [id: string, budget: unknown, expiresAt: string | null][] = [
      ['zero', { ttl: 0 }, null],
      ['null', { ttl: null }, null],
      ['missing', {}, null],
      ['no-budget', undefined, null],
      ['null-budget', null, null],
      ['huge', { ttl: Number.MAX_SAFE_INTEGER }, '9999-12-31T23:59:59.999Z'],
      ['fraction', { ttl: 1_772_011_800_123.9 }, '2026-02-25T09:30:00.123Z'],
    ];
    for (const [id, budget] of cases) files.write('hash-1', 'new', id, envelope({ budget }));
    assert.equal(await index.rebuild(files, ENDPOINTS), cases.length);
    for (const [id, , expiresAt] of cases) assert.equal(index.getMessage(id)?.expiresAt, expiresAt, id);
  });

  it('empties the index where there are no endpoints, or no files', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    const message = { id: 'a', subject: 's', endpointHash: 'hash-1', createdAt: AT };
    index.insertMessage(message);
    assert.equal(await index.rebuild(files, new Map()), 0);
    assert.deepStrictEqual(index.getMetrics(), { totalMessages: 0, byStatus: {}, bySubject: [] });
    index.insertMessage(message);
    assert.equal(await index.rebuild(files, ENDPOINTS), 0);
    assert.deepEqual(allOf(index), []);
  });

  it('tells its progress, phase by phase, in numbers that grow', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    for (let i = 0; i < 1500; i++) files.write(i % 2 ? 'hash-1' : 'hash-2', 'new', `m${i}`, envelope());
    const told: RebuildProgress[] = [];
    await index.rebuild(files, ENDPOINTS, { onProgress: (progress) => told.push(progress) });
    assert.deepEqual([...new Set(told.map(({ phase }) => phase))], ['reading', 'comparing', 'swapping', 'done']);
    assert.ok(told.some(({ phase, messages }) => phase === 'reading' && messages > 0 && messages < 1500));
    for (const [i, { messages }] of told.entries()) assert.ok(messages >= (told[i - 1]?.messages ?? 0));
    assert.deepStrictEqual(told.at(-1), { phase: 'done', endpoints: 2, totalEndpoints: 2, messages: 1500, skipped: 0 });
  });

  it('runs two rebuilds on one connection one after the other, and the second although the first fails', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    for (let i = 0; i < 50; i++) files.write('hash-1', 'new', `m${i}`, envelope());
    let reading = 0;
    const watched = whileReading(files, async () => {
      reading++;
      await new Promise((resolve) => setTimeout(resolve, 1));
      reading--;
    });
    const failing = whileReading(files, () => {
      throw new Error('first');
    });
    const after = whileReading(files, () => assert.equal(reading, 0));
    const results = await Promise.allSettled([
      index.rebuild(watched, ENDPOINTS),
      new SqliteIndex(test.db).rebuild(failing, ENDPOINTS),
      index.rebuild(after, ENDPOINTS),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(index.getMetrics().totalMessages, 50);
    assertNoStaging(test);
  });

  it('keeps a message that two connections find at once', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    for (let i = 0; i < 200; i++) files.write('hash-1', i % 2 ? 'new' : 'cur', `m${i}`, envelope());
    using other = createDb(test.path);
    const counts = await Promise.all([
      index.rebuild(files, ENDPOINTS),
      new SqliteIndex(other).rebuild(files, ENDPOINTS),
    ]);
    assert.deepEqual(counts, [200, 200]);
    assert.deepEqual(index.getMetrics().byStatus, { pending: 100, delivered: 100 });
    const { counted, kept } = recounted(test.db);
    assert.deepEqual(kept, counted);
  });

  it('refuses endpoints that are not a Map of texts, and changes nothing', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    index.insertMessage({ id: 'a', subject: 's', endpointHash: 'hash-1', createdAt: AT });
    const before = dump(test.db);
    for (const endpoints of [
      undefined,
      null,
      {},
      [['hash-1', 's']],
      'hash-1',
      new Map([[5, 's']]),
      new Map([['h', null]]),
    ]) {
      await assert.rejects(
        index.rebuild(files, endpoints as never),
        (error) => error instanceof InvalidInputError && error.field === 'endpointHashes',
      );
    }
    assert.deepEqual(dump(test.db), before);
  });

  it('are refused by name where they are no store, or no options', async () => {
    using set = maildirAndIndex();
    const { index, files } = set;
    const rebuild = index.rebuild.bind(index) as (...args: unknown[]) => Promise<number>;
    const field = (name: string) => (error: unknown) => error instanceof InvalidInputError && error.field === name;
    await assert.rejects(rebuild({ listNew: () => [] }, ENDPOINTS), field('maildirStore.listCurrent'));
    await assert.rejects(rebuild(null, ENDPOINTS), field('maildirStore'));
    await assert.rejects(rebuild(files, ENDPOINTS, null), field('options'));
  });

  it('does not fail, once it has swapped, where rows are read one by one at its end', async () => {
    using set = maildirAndIndex();
    const { test, index, files } = set;
    files.write('hash-1', 'new', 'a', envelope());
    const rows = test.db.$client.prepare('SELECT 1 AS one UNION ALL SELECT 2').iterate();
    const onProgress = ({ phase }: RebuildProgress) => {
      if (phase === 'done') rows.next();
    };
    assert.equal(await index.rebuild(files, ENDPOINTS, { onProgress }), 1);
    rows.return();
    assert.equal(await index.rebuild(files, ENDPOINTS), 1);
    assertNoStaging(test);
  });
});
