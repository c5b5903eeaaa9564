import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRegistry, BudgetMapper, type Db, DenialList, newId } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { sampleAgent } from './sample-agent.ts';

/** Stores that have run each of their statements. */
function runEveryStatement(db: Db): () => void {
  const registry = new AgentRegistry(db);
  const denials = new DenialList(db);
  const budgets = new BudgetMapper(db);
  return () => {
    const entry = sampleAgent({ id: newId(), color: 'blue' });
    registry.insert(entry);
    registry.get(entry.id);
    registry.getByPath(entry.projectPath);
    registry.getWithHealth(entry.id);
    registry.listByNamespace('team');
    for (const filters of [
      {},
      { runtime: 'cursor' },
      { capability: 'chat' },
      { runtime: 'cursor', capability: 'chat' },
    ]) {
      registry.list(filters);
      registry.listWithHealth(filters);
    }
    registry.update(entry.id, { name: 'n' });
    registry.update(entry.id, { color: 'red', projectPath: `/moved/${entry.id}` });
    registry.update(entry.id, {});
    registry.updateHealth(entry.id, Date.now(), 'seen');
    registry.getAggregateStats();
    registry.remove(entry.id);
    denials.deny('/nowhere', 'manual', undefined, 'me');
    denials.isDenied('/nowhere');
    denials.list();
    denials.clear('/nowhere');
    budgets.checkBudget('a', 1);
    budgets.recordCall('a');
    budgets.tryRecordCall('a', 5);
  };
}

describe('the statements of the mesh stores', () => {
  it('find their rows by an index, in its order', () => {
    using test = storeDb();
    runEveryStatement(test.db)();
    test.assertQueryPlans({
      meant: [
        // All of them, in the order of the list; a capability is looked for in each.
        'SCAN agents USING INDEX agents_registered',
        'SCAN agent_denials USING INDEX agent_denials_created',
        // The statistics count every agent.
        'SCAN agents',
      ],
    });
  });

  it('have the same plans with rows in every table, analyzed', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const denials = new DenialList(test.db);
    const budgets = new BudgetMapper(test.db);
    test.db.transaction(() => {
      for (let i = 0; i < 500; i++) {
        registry.insert(sampleAgent({ id: `a${i}`, runtime: i % 2 ? 'cursor' : 'codex', namespace: `n${i % 5}` }));
        denials.deny(`/nowhere/${i}`, 'manual', undefined, 'me');
        budgets.recordCall(`a${i}`);
      }
    });
    test.db.$client.exec('ANALYZE');
    runEveryStatement(test.db)();
    test.assertQueryPlans({
      meant: [
        'SCAN agents USING INDEX agents_registered',
        'SCAN agent_denials USING INDEX agent_denials_created',
        'SCAN agents',
      ],
    });
  });

  it('are prepared once and then only run', () => {
    using test = storeDb();
    const run = runEveryStatement(test.db);
    run();
    let prepared = 0;
    test.db.$client.onPrepare(() => prepared++);
    for (let i = 0; i < 20; i++) run();
    assert.equal(prepared, 0);
  });
});
