import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRegistry, computeHealthStatus } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { sampleAgent } from './sample-agent.ts';

const MINUTE = 60_000;
const NOW = Date.parse('2026-02-25T09:30:00.000Z');
const ago = (milliseconds: number) => new Date(NOW - milliseconds).toISOString();

/** Stops the clock at {@link NOW}. */
function stopClock(): Disposable {
  const { now } = Date;
  Date.now = () => NOW;
  return {
    [Symbol.dispose]: () => {
      Date.now = now;
    },
  };
}

/** What is on either side of each bound. */
const AGES: [milliseconds: number, health: 'active' | 'inactive' | 'stale'][] = [
  [-MINUTE, 'active'],
  [0, 'active'],
  [5 * MINUTE - 1, 'active'],
  [5 * MINUTE, 'inactive'],
  [30 * MINUTE - 1, 'inactive'],
  [30 * MINUTE, 'stale'],
  [365 * 24 * 60 * MINUTE, 'stale'],
];

describe('the health of agents', () => {
  it('is active under 5 minutes, inactive under 30, stale beyond', () => {
    for (const [age, health] of AGES) assert.equal(computeHealthStatus(ago(age), NOW), health, `${age} ms`);
    using _ = stopClock();
    for (const [age, health] of AGES) assert.equal(computeHealthStatus(ago(age)), health, `${age} ms`);
  });

  it('is stale for who was never seen', () => {
    for (const never of [null, undefined, '', 'not an instant']) assert.equal(computeHealthStatus(never, NOW), 'stale');
  });

  it('is counted in SQL as it is computed for each agent', () => {
    using test = storeDb();
    using _ = stopClock();
    const registry = new AgentRegistry(test.db);
    assert.deepEqual(registry.getAggregateStats(), { totalAgents: 0, activeCount: 0, inactiveCount: 0, staleCount: 0 });
    registry.insert(sampleAgent({ id: 'never' }));
    for (const [i, [age]] of AGES.entries()) {
      registry.insert(sampleAgent({ id: `a${i}` }));
      assert.equal(registry.updateHealth(`a${i}`, ago(age), 'seen'), true);
    }
    const listed = registry.listWithHealth();
    const count = (health: string) => listed.filter(({ healthStatus }) => healthStatus === health).length;
    assert.deepEqual(registry.getAggregateStats(), {
      totalAgents: 8,
      activeCount: count('active'),
      inactiveCount: count('inactive'),
      staleCount: count('stale'),
    });
    assert.deepEqual([count('active'), count('inactive'), count('stale')], [3, 2, 3]);
  });

  it('comes with the entry, and an unknown key of the same name does not hide it', () => {
    using test = storeDb();
    using _ = stopClock();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent({ color: 'blue', healthStatus: 'splendid' });
    registry.insert(entry);
    const never = { ...entry, lastSeenAt: null, lastSeenEvent: null, healthStatus: 'stale' };
    assert.deepEqual(registry.getWithHealth(entry.id), never);
    registry.updateHealth(entry.id, NOW, 'message_sent');
    const seen = { ...entry, lastSeenAt: ago(0), lastSeenEvent: 'message_sent', healthStatus: 'active' };
    assert.deepEqual(registry.getWithHealth(entry.id), seen);
    assert.deepEqual(registry.listWithHealth({ capability: 'chat' }), [seen]);
    assert.deepEqual(registry.get(entry.id), entry);
  });
});
