/** Every statement of the relay's stores finds its rows by an index, and gives them in the index's order. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MESSAGE_STATUSES, SqliteIndex, TraceStore } from '#entry';
import { RebuildStaging } from '../../../src/dork/relay/rebuild-staging.ts';
import { queryPlan } from '../../support/query-plan.ts';
import { RUNTIME } from '../../support/runtime.ts';
import { type StoreTestDb, storeDb } from '../../support/store-db.ts';

const AT = '2026-02-25T09:30:00.000Z';

/** The plan of the statement that the call prepares. */
function planOf(test: StoreTestDb, call: () => unknown): string[] {
  const before = test.statements().length;
  call();
  const [statement, ...others] = test.statements().slice(before);
  assert.ok(statement && others.length === 0, 'one statement was prepared');
  return queryPlan(test.db.$client, statement.sql);
}

function useIndex(index: SqliteIndex): void {
  index.insertMessage({ id: 'a', subject: 's', endpointHash: 'e' });
  index.insertMessage({ id: 'a', subject: 's', endpointHash: 'e', sender: 'x', status: 'failed', expiresAt: 1 });
  index.insertMessages([{ id: 'b', subject: 's', endpointHash: 'e', payload: 'p', metadata: 'm', createdAt: AT }]);
  index.updateStatus('a', 'delivered');
  index.getMessage('a');
  index.getBySubject('s');
  index.getByEndpoint('e');
  index.countSenderInWindow('x', AT);
  index.countNewByEndpoint('e');
  index.getMetrics();
  index.deleteExpired();
  index.isWalMode();
}

function useTraces(traces: TraceStore): void {
  traces.insertSpan({ messageId: 'm', traceId: 't', subject: 's' });
  traces.updateSpan('m', { status: 'delivered', deliveredAt: AT });
  traces.getSpanByMessageId('m');
  traces.getTrace('t');
  traces.deleteOlderThan(AT);
  traces.getMetrics();
  traces.getMetrics({ since: AT });
}

/** Rows enough that the planner's statistics say something. */
function fill(index: SqliteIndex, traces: TraceStore): void {
  index.insertMessages(
    Array.from({ length: 3000 }, (_, i) => ({
      id: `m${i}`,
      subject: `s${i % 20}`,
      endpointHash: `e${i % 30}`,
      sender: `x${i % 10}`,
      status: MESSAGE_STATUSES[i % 50 === 0 ? 0 : i % 51 === 0 ? 2 : 1],
      createdAt: Date.parse(AT) + i,
      expiresAt: i % 4 ? null : Date.parse(AT) + 10 * i,
    })),
  );
  for (let i = 0; i < 500; i++) traces.insertSpan({ messageId: `m${i}`, traceId: `t${i % 50}`, subject: 's' });
}

describe(`the plans of the relay's statements on ${RUNTIME}`, () => {
  it('search by an index, but for the counters, which are few, and the sorting of latencies', () => {
    using test = storeDb();
    useIndex(new SqliteIndex(test.db));
    test.assertQueryPlans({ meant: ['SCAN relay_counts', 'USE TEMP B-TREE FOR ORDER BY'] });
    const traced = storeDb();
    useTraces(new TraceStore(traced.db));
    traced.assertQueryPlans({
      meant: ['USE TEMP B-TREE FOR count(DISTINCT)', 'USE TEMP B-TREE FOR ORDER BY', 'SCAN totals', 'SCAN latencies'],
    });
    traced[Symbol.dispose]();
  });

  it('are the same once the planner has statistics', () => {
    using test = storeDb();
    const [index, traces] = [new SqliteIndex(test.db), new TraceStore(test.db)];
    fill(index, traces);
    useIndex(index);
    useTraces(traces);
    for (const filter of [{}, { subject: 's1' }, { endpointHash: 'e1' }, { sender: 'x1' }])
      for (const page of [filter, { ...filter, cursor: 'm5' }]) index.queryMessages(page);
    for (const status of MESSAGE_STATUSES)
      for (const page of [{ status }, { status, subject: 's1' }, { status, sender: 'x1' }])
        for (const cursor of [undefined, 'm5']) index.queryMessages({ ...page, cursor });
    const plans = () => test.statements().map(({ sql }) => queryPlan(test.db.$client, sql));
    const before = plans();
    test.db.$client.exec('ANALYZE');
    assert.deepEqual(plans(), before);
  });

  it('of a page use the index of its filter, first page and next', () => {
    for (const [filter, plan] of [
      [{}, 'SEARCH relay_index USING INDEX sqlite_autoindex_relay_index_1 (id<?)'],
      [{ subject: 's' }, 'SEARCH relay_index USING INDEX relay_index_subject (subject=?'],
      [{ endpointHash: 'e' }, 'SEARCH relay_index USING INDEX relay_index_endpoint (endpoint_hash=?'],
      [{ sender: 'x' }, 'SEARCH relay_index USING INDEX relay_index_sender (sender=?'],
      [{ status: 'pending' }, 'SEARCH relay_index USING INDEX relay_index_status (status=?'],
      [{ status: 'delivered' }, 'SEARCH relay_index USING INDEX relay_index_status (status=?'],
      [{ status: 'failed' }, 'SEARCH relay_index USING INDEX relay_index_status (status=?'],
      // Of what was delivered there is most: the other filter leads.
      [{ status: 'delivered', subject: 's' }, 'SEARCH relay_index USING INDEX relay_index_subject (subject=?'],
      [{ status: 'delivered', sender: 'x' }, 'SEARCH relay_index USING INDEX relay_index_sender (sender=?'],
      [
        { status: 'delivered', endpointHash: 'e' },
        'SEARCH relay_index USING INDEX relay_index_endpoint (endpoint_hash=?',
      ],
      // Of what has failed there is least.
      [{ status: 'failed', subject: 's', sender: 'x' }, 'SEARCH relay_index USING INDEX relay_index_status (status=?'],
      [{ status: 'failed', endpointHash: 'e' }, 'SEARCH relay_index USING INDEX relay_index_status (status=?'],
    ] as const) {
      using test = storeDb();
      const index = new SqliteIndex(test.db);
      for (const page of [filter, { ...filter, cursor: 'c' }]) {
        const lines = planOf(test, () => index.queryMessages(page));
        assert.equal(lines.length, 1, lines.join('; '));
        assert.ok(lines[0]?.startsWith(plan), `${JSON.stringify(page)}: ${lines[0]}`);
        if ('cursor' in page) assert.ok(lines[0]?.endsWith('id<?)'), lines[0]);
      }
    }
  });

  it('of a count read an index alone', () => {
    using test = storeDb();
    const index = new SqliteIndex(test.db);
    assert.deepEqual(
      planOf(test, () => index.countNewByEndpoint('e')),
      ['SEARCH relay_index USING COVERING INDEX relay_index_endpoint_pending (endpoint_hash=?)'],
    );
    assert.deepEqual(
      planOf(test, () => index.countSenderInWindow('x', AT)),
      ['SEARCH relay_index USING COVERING INDEX relay_index_sender_created (sender=? AND created_at>?)'],
    );
    assert.deepEqual(
      planOf(test, () => index.deleteExpired()),
      ['SEARCH relay_index USING COVERING INDEX relay_index_expires (expires_at<?)'],
    );
  });

  it('of a rebuild walk what it has gathered, and search the index; only its recount walks the index', () => {
    using test = storeDb();
    new SqliteIndex(test.db).insertMessage({ id: 'a', subject: 's', endpointHash: 'e' });
    const before = test.statements().length;
    using staging = new RebuildStaging(test.db);
    while (staging.noteIndexed());
    staging.lookAgain();
    staging.stage('b', 'e', 'failed', { subject: 's', sender: null, createdAt: AT, expiresAt: null });
    assert.equal(staging.confirm('b', 'delivered'), true);
    assert.equal(staging.confirm('a', 'delivered'), false);
    assert.equal(staging.settle(''), undefined);
    assert.equal(staging.swap(), 1);
    const walks = test
      .statements()
      .slice(before)
      .flatMap(({ sql }) =>
        queryPlan(test.db.$client, sql)
          .filter((line) => line.startsWith('SCAN') || line.includes('TEMP B-TREE'))
          .map((line) => `${sql.trim().split(/\s+/).slice(0, 3).join(' ')}: ${line}`),
      );
    assert.deepEqual(walks, [
      'DELETE FROM relay_index: SCAN found',
      'UPDATE relay_index SET: SCAN found',
      'UPDATE relay_index SET: SCAN found',
      'INSERT INTO relay_index: SCAN temp.relay_rebuild',
      'INSERT INTO relay_counts: SCAN relay_index',
      'INSERT INTO relay_counts: USE TEMP B-TREE FOR GROUP BY',
      'SELECT count(*) AS: SCAN temp.relay_rebuild',
    ]);
  });
});
