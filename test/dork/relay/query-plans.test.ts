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
  index.updateStatus('a', 'delivered', 'e');
  index.getMessage('a');
  index.getMessage('a', 'e');
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

  it('are the same once the planner has statistics, which may only choose which of several filters leads', () => {
    using test = storeDb();
    const [index, traces] = [new SqliteIndex(test.db), new TraceStore(test.db)];
    fill(index, traces);
    useIndex(index);
    useTraces(traces);
    for (const status of [undefined, ...MESSAGE_STATUSES])
      for (const subject of [undefined, 's1'])
        for (const endpointHash of [undefined, 'e1'])
          for (const sender of [undefined, 'x1'])
            for (const cursor of [undefined, 'm5', '["m5","e1"]'])
              index.queryMessages({ status, subject, endpointHash, sender, cursor });
    const leading = /(?<!\+)"relay_index"."(subject|endpoint_hash|sender)" = \+\?/g;
    const plans = () =>
      test
        .statements()
        .filter(({ sql }) => (sql.match(leading)?.length ?? 0) < 2)
        .map(({ sql }) => [sql, ...queryPlan(test.db.$client, sql)]);
    const before = plans();
    const meant = [
      'SCAN relay_counts',
      'SCAN totals',
      'SCAN latencies',
      'USE TEMP B-TREE FOR ORDER BY',
      'USE TEMP B-TREE FOR count(DISTINCT)',
    ];
    test.assertQueryPlans({ meant });
    test.db.$client.exec('ANALYZE');
    assert.deepEqual(plans(), before);
    test.assertQueryPlans({ meant });
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
      // Between two rows of one message the endpoint is searched for too.
      if (!('endpointHash' in filter)) {
        const [line] = planOf(test, () => index.queryMessages({ ...filter, cursor: '["c","e"]' }));
        assert.ok(line?.endsWith('(id,endpoint_hash)<(?,?))'), line);
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

  it('of a rebuild walk what it has gathered, and search the index; only its recount walks the index and the counters', () => {
    using test = storeDb();
    new SqliteIndex(test.db).insertMessage({ id: 'a', subject: 's', endpointHash: 'e' });
    const before = test.statements().length;
    using staging = new RebuildStaging(test.db);
    while (staging.noteIndexed());
    staging.lookAgain();
    const key = { id: 'b', endpointHash: 'e' };
    staging.stage(key, 'failed', { subject: 's', sender: null, createdAt: AT, expiresAt: null });
    assert.equal(staging.confirm(key, 'delivered'), true);
    assert.equal(staging.confirm({ ...key, id: 'a' }, 'delivered'), false);
    assert.equal(staging.confirm({ ...key, endpointHash: 'other' }, 'delivered'), false);
    assert.equal(staging.settle(), undefined);
    assert.deepEqual(staging.doubtful(), [{ id: 'a', endpointHash: 'e' }]);
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
      'INSERT INTO relay_index: SCAN new',
      'DELETE FROM relay_index: SCAN found',
      'UPDATE relay_index SET: SCAN found',
      'UPDATE relay_index SET: SCAN found',
      'INSERT INTO relay_counts: SCAN relay_index',
      'INSERT INTO relay_counts: USE TEMP B-TREE FOR GROUP BY',
      'UPDATE relay_counts SET: SCAN relay_counts',
      'DELETE FROM relay_counts: SCAN relay_counts',
      'SELECT count(*) AS: SCAN temp.relay_rebuild',
    ]);
  });
});
