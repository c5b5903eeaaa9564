import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { desc, eq, pulseRuns, relayTraces, sql } from '#entry';
import { statementsOf } from '../../../src/stores/statements.ts';
import { storeDb } from '../../support/store-db.ts';

const pulse = statementsOf('pulse');
const relay = statementsOf('relay');

describe('assertQueryPlans', () => {
  it('passes a search by an index', () => {
    using test = storeDb();
    const { db } = test;
    pulse(
      db,
      () =>
        db
          .select()
          .from(pulseRuns)
          .where(eq(pulseRuns.id, sql.placeholder('id'))),
      'id',
    ).get('x');
    test.assertQueryPlans();
    assert.equal(test.statements().length, 1);
  });

  it('fails for a scan, and for one that walks an index unless it is meant', () => {
    using test = storeDb();
    const { db } = test;
    pulse(db, () => db.select().from(pulseRuns).orderBy(desc(pulseRuns.createdAt)).limit(1)).all();
    assert.throws(() => test.assertQueryPlans(), /SCAN pulse_runs USING INDEX pulse_runs_created/);
    test.assertQueryPlans({ meant: ['SCAN pulse_runs USING INDEX pulse_runs_created'] });
    pulse(
      db,
      () =>
        db
          .select()
          .from(pulseRuns)
          .where(eq(pulseRuns.error, sql.placeholder('e'))),
      'e',
    ).all('x');
    assert.throws(
      () => test.assertQueryPlans({ meant: ['SCAN pulse_runs USING INDEX pulse_runs_created'] }),
      /SCAN pulse_runs\n/,
    );
  });

  it('fails for a sort', () => {
    using test = storeDb();
    const { db } = test;
    relay(
      db,
      () =>
        db
          .select()
          .from(relayTraces)
          .where(eq(relayTraces.traceId, sql.placeholder('id')))
          .orderBy(relayTraces.subject),
      'id',
    ).all('x');
    assert.throws(() => test.assertQueryPlans(), /TEMP B-TREE/);
  });

  it('fails for a plan line that is meant and does not occur', () => {
    using test = storeDb();
    const { db } = test;
    pulse(
      db,
      () =>
        db
          .select()
          .from(pulseRuns)
          .where(eq(pulseRuns.id, sql.placeholder('id'))),
      'id',
    ).get('x');
    assert.throws(() => test.assertQueryPlans({ meant: ['SCAN pulse_runs'] }), /plan lines that no statement has/);
  });

  it('fails where no store prepared anything', () => {
    using test = storeDb();
    assert.throws(() => test.assertQueryPlans(), /no statement was prepared/);
  });
});
