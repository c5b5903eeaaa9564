import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BudgetMapper, createDb, InvalidInputError, rateLimitBuckets } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { ClockedBudgetMapper } from './clocked-budget-mapper.ts';

function buckets(test: { db: ReturnType<typeof createDb> }) {
  return test.db.select().from(rateLimitBuckets).orderBy(rateLimitBuckets.bucketMinute).all();
}

describe('BudgetMapper', () => {
  it('counts calls, and says what is left or what was used', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: true, remaining: 2 });
    budgets.recordCall('a');
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: true, remaining: 1 });
    budgets.recordCall('a');
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: false, used: 2 });
    budgets.recordCall('a');
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: false, used: 3 });
    assert.deepEqual(budgets.checkBudget('b', 2), { allowed: true, remaining: 2 });
    assert.deepEqual(buckets(test), [{ agentId: 'a', bucketMinute: 30_000_000, count: 3 }]);
  });

  it('records a call only where it is allowed', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    assert.deepEqual(budgets.tryRecordCall('a', 2), { allowed: true, remaining: 1 });
    assert.deepEqual(budgets.tryRecordCall('a', 2), { allowed: true, remaining: 0 });
    assert.deepEqual(budgets.tryRecordCall('a', 2), { allowed: false, used: 2 });
    assert.deepEqual(budgets.tryRecordCall('a', 1), { allowed: false, used: 2 });
    assert.deepEqual(budgets.tryRecordCall('b', 0), { allowed: false, used: 0 });
    assert.deepEqual(buckets(test), [{ agentId: 'a', bucketMinute: 30_000_000, count: 2 }]);
  });

  it('looks at the current minute and the 60 before it', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    budgets.recordCall('a');
    budgets.minute += 60;
    budgets.recordCall('a');
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: false, used: 2 });
    budgets.minute += 1;
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: true, remaining: 1 });
    budgets.minute += 59;
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: true, remaining: 1 });
    budgets.minute += 1;
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: true, remaining: 2 });
  });

  it('still counts what was recorded before the clock was set back', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    budgets.recordCall('a');
    budgets.minute -= 120;
    assert.deepEqual(budgets.checkBudget('a', 1), { allowed: false, used: 1 });
  });

  it('forgets what was recorded while the clock was more than two hours ahead', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    budgets.recordCall('a');
    budgets.minute -= 121;
    assert.deepEqual(budgets.checkBudget('a', 1), { allowed: true, remaining: 1 });
    assert.deepEqual(buckets(test), []);
  });

  it('has the minutes since the Unix epoch as its buckets', () => {
    using test = storeDb();
    const budgets = new BudgetMapper(test.db);
    const before = Math.floor(Date.now() / 60_000);
    budgets.recordCall('a');
    const [bucket] = buckets(test);
    assert.ok(bucket && bucket.bucketMinute >= before && bucket.bucketMinute <= budgets.currentMinuteBucket());
  });

  it('prunes buckets of more than 120 minutes on the first check, and then at most once a minute', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    const now = budgets.minute;
    const old = (agentId: string, minutes: number) =>
      test.db
        .insert(rateLimitBuckets)
        .values({ agentId, bucketMinute: now - minutes, count: 1 })
        .run();
    const left = () => buckets(test).map(({ agentId }) => agentId);
    old('121', 121);
    old('120', 120);
    budgets.recordCall('new');
    assert.deepEqual(left(), ['121', '120', 'new']);
    budgets.checkBudget('x', 1);
    assert.deepEqual(left(), ['120', 'new']);
    old('late', 500);
    budgets.checkBudget('x', 1);
    budgets.tryRecordCall('x', 0);
    assert.deepEqual(left(), ['late', '120', 'new']);
    budgets.minute += 1;
    budgets.tryRecordCall('x', 0);
    assert.deepEqual(left(), ['new']);
  });

  it('answers on a read-only connection, which prunes nothing', () => {
    using test = storeDb();
    new ClockedBudgetMapper(test.db).recordCall('a');
    using reader = createDb(test.path, { readonly: true });
    const budgets = new ClockedBudgetMapper(reader);
    budgets.minute += 10;
    assert.deepEqual(budgets.checkBudget('a', 1), { allowed: false, used: 1 });
    assert.throws(() => budgets.tryRecordCall('a', 5), { code: /^SQLITE_READONLY/ });
  });

  it('answers while another connection writes, and prunes later', () => {
    using test = storeDb();
    using other = createDb(test.path, { busyTimeoutMs: 0 });
    const budgets = new ClockedBudgetMapper(other);
    test.db.insert(rateLimitBuckets).values({ agentId: 'old', bucketMinute: 1, count: 1 }).run();
    test.db.transaction(() => {
      assert.deepEqual(budgets.checkBudget('a', 1), { allowed: true, remaining: 1 });
    });
    assert.equal(buckets(test).length, 1);
    budgets.minute += 1;
    budgets.checkBudget('a', 1);
    assert.equal(buckets(test).length, 0);
  });

  it('records nothing where the transaction of its caller is rolled back', () => {
    using test = storeDb();
    const budgets = new ClockedBudgetMapper(test.db);
    assert.throws(() =>
      test.db.transaction(() => {
        assert.deepEqual(budgets.tryRecordCall('a', 1), { allowed: true, remaining: 0 });
        throw new Error('no');
      }),
    );
    assert.deepEqual(budgets.tryRecordCall('a', 1), { allowed: true, remaining: 0 });
  });

  it('takes Infinity for no limit', () => {
    using test = storeDb();
    const budgets = new BudgetMapper(test.db);
    budgets.recordCall('a');
    const allowed = { allowed: true, remaining: Number.POSITIVE_INFINITY };
    assert.deepEqual(budgets.checkBudget('a', Number.POSITIVE_INFINITY), allowed);
    assert.deepEqual(budgets.tryRecordCall('a', Number.POSITIVE_INFINITY), allowed);
    assert.deepEqual(budgets.checkBudget('a', 2), { allowed: false, used: 2 });
  });

  it('names the argument that does not fit, and writes nothing', () => {
    using test = storeDb();
    const budgets = new BudgetMapper(test.db);
    for (const wrong of [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53, '5', null, undefined] as number[]) {
      for (const call of [() => budgets.checkBudget('a', wrong), () => budgets.tryRecordCall('a', wrong)]) {
        assert.throws(
          call,
          (error: unknown) => error instanceof InvalidInputError && error.field === 'maxCallsPerHour',
        );
      }
    }
    for (const wrong of [5, null, undefined, 'a\ud800'] as string[]) {
      for (const call of [() => budgets.checkBudget(wrong, 1), () => budgets.recordCall(wrong)]) {
        assert.throws(call, (error: unknown) => error instanceof InvalidInputError && error.field === 'agentId');
      }
      assert.throws(() => budgets.tryRecordCall(wrong, 1), { field: 'agentId' });
    }
    assert.deepEqual(buckets(test), []);
  });

  it('works on after close(), which closes nothing', () => {
    using test = storeDb();
    const budgets = new BudgetMapper(test.db);
    budgets.close();
    assert.deepEqual(budgets.tryRecordCall('a', 1), { allowed: true, remaining: 0 });
  });
});
