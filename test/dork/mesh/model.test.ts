import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type AgentHealthStatus,
  type AgentListFilters,
  type AgentPatch,
  AgentRegistry,
  type AgentRegistryEntry,
  ConstraintError,
  DenialList,
  rateLimitBuckets,
} from '#entry';
import { temporaryFolder } from '../../support/folder.ts';
import { storeDb } from '../../support/store-db.ts';
import { ClockedBudgetMapper } from './clocked-budget-mapper.ts';

/** The same steps on every run; a failure prints the seed and the path to its smallest counterexample. */
const SEED = 20_260_225;
const TIMEOUT = 300_000;

/** Runs lists of operations on a store and on a model of it; the number of steps is asserted, so that none is lost. */
function checkAgainstModel<T>(operation: fc.Arbitrary<T>, run: (operations: readonly T[]) => void): void {
  let steps = 0;
  const operations = fc.array(operation, { minLength: 30, maxLength: 120, size: 'max' });
  fc.assert(
    fc.property(operations, (list) => {
      steps += list.length;
      run(list);
    }),
    { seed: SEED, numRuns: 100 },
  );
  assert.ok(steps > 5000, `${steps} steps`);
}

const anyText = fc.string({ unit: 'binary', maxLength: 8 });
const filledText = fc.string({ unit: 'binary', minLength: 1, maxLength: 8 });
const id = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const projectPath = fc.constantFrom('/p/1', '/p/2', '/p/3', '/p/4', '/p/5', '/p/6');
const capability = fc.constantFrom('chat', 'code', '"', '😀', '\0', ',');
const runtime = fc.constantFrom('cursor', 'codex', 'claude-code');
const namespace = fc.constantFrom('', 'default', 'team');

/** JSON has no negative zero. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify(value)));
const unknownKey = fc.oneof(
  fc.constantFrom('color', '__proto__', 'constructor', 'toString', 'version', 'entrypoint', 'lastSeenAt', 'updatedAt'),
  fc.string({ unit: 'binary', maxLength: 4 }).map((key) => `x${key}`),
);
const unknownKeys = fc.array(fc.tuple(unknownKey, json), { maxLength: 3 }).map((list) => Object.fromEntries(list));

const fields = {
  name: filledText,
  description: anyText,
  runtime,
  capabilities: fc.array(capability, { maxLength: 3 }),
  behavior: fc.oneof(
    fc.constant({ responseMode: 'always' as const }),
    fc.tuple(fc.constantFrom('silent' as const, 'direct-only' as const), unknownKeys).map(([responseMode, extra]) => ({
      ...extra,
      responseMode,
    })),
  ),
  budget: fc.record({ maxHopsPerMessage: fc.nat(), maxCallsPerHour: fc.nat() }, { noNullPrototype: true }),
  namespace,
  registeredAt: fc.constantFrom('2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z', '2026-01-03T00:00:00.000Z'),
  registeredBy: anyText,
  projectPath,
  scanRoot: anyText,
};
const status = fc.constantFrom('active' as const, 'inactive' as const, 'unreachable' as const);

const entry = fc
  .tuple(unknownKeys, fc.record({ id, ...fields }), fc.record({ status }, { requiredKeys: [] }))
  .map(([extra, known, optional]): AgentRegistryEntry => ({ ...extra, ...known, ...optional }));
const patch = fc
  .tuple(unknownKeys, fc.record({ ...fields, status }, { requiredKeys: [] }), fc.boolean())
  .map(([extra, known, isKnownOnly]): AgentPatch => ({ ...(isKnownOnly ? {} : extra), ...known }));
const filters = fc.record({ runtime, capability }, { requiredKeys: [] });

const registryOperation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('insert' as const), entry }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('update' as const), id, patch }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('seen' as const),
      id,
      // Far from the bounds, since the clock goes on.
      minutesAgo: fc.constantFrom(1, 10, 60),
      event: anyText,
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('list' as const), filters, namespace, projectPath }) },
);

interface ModelAgent {
  entry: AgentRegistryEntry;
  health: { lastSeenAt: string | null; lastSeenEvent: string | null; healthStatus: AgentHealthStatus };
}

/** What the registry should do, in the simplest terms: an array in the order of insertion. */
class RegistryModel {
  agents: ModelAgent[] = [];

  find(wanted: string): ModelAgent | undefined {
    return this.agents.find(({ entry }) => entry.id === wanted);
  }

  isFree(path: string | undefined, besides: string): boolean {
    return !this.agents.some(({ entry }) => entry.projectPath === path && entry.id !== besides);
  }

  newestFirst(): ModelAgent[] {
    return this.agents
      .toReversed()
      .sort(
        (a, b) =>
          Number(a.entry.registeredAt < b.entry.registeredAt) - Number(a.entry.registeredAt > b.entry.registeredAt),
      );
  }

  list({ runtime, capability }: AgentListFilters): ModelAgent[] {
    return this.newestFirst().filter(
      ({ entry }) =>
        (runtime === undefined || entry.runtime === runtime) &&
        (capability === undefined || entry.capabilities.includes(capability)),
    );
  }
}

function stepRegistry(
  registry: AgentRegistry,
  model: RegistryModel,
  operation: typeof registryOperation extends fc.Arbitrary<infer T> ? T : never,
): void {
  switch (operation.do) {
    case 'insert': {
      const { entry } = operation;
      if (!model.find(entry.id) && model.isFree(entry.projectPath, entry.id)) {
        registry.insert(entry);
        model.agents.push({ entry, health: { lastSeenAt: null, lastSeenEvent: null, healthStatus: 'stale' } });
      } else assert.throws(() => registry.insert(entry), ConstraintError);
      break;
    }
    case 'update': {
      const agent = model.find(operation.id);
      if (agent && !model.isFree(operation.patch.projectPath, operation.id)) {
        assert.throws(() => registry.update(operation.id, operation.patch), ConstraintError);
      } else {
        assert.equal(registry.update(operation.id, operation.patch), agent !== undefined);
        if (agent) agent.entry = { ...agent.entry, ...operation.patch } as AgentRegistryEntry;
      }
      break;
    }
    case 'remove': {
      assert.equal(registry.remove(operation.id), model.find(operation.id) !== undefined);
      model.agents = model.agents.filter(({ entry }) => entry.id !== operation.id);
      break;
    }
    case 'seen': {
      const agent = model.find(operation.id);
      const lastSeenAt = new Date(Date.now() - operation.minutesAgo * 60_000).toISOString();
      assert.equal(registry.updateHealth(operation.id, lastSeenAt, operation.event), agent !== undefined);
      const healthStatus = operation.minutesAgo < 5 ? 'active' : operation.minutesAgo < 30 ? 'inactive' : 'stale';
      if (agent) agent.health = { lastSeenAt, lastSeenEvent: operation.event, healthStatus };
      break;
    }
    case 'list': {
      const wanted = model.list(operation.filters);
      assert.deepEqual(
        registry.list(operation.filters),
        wanted.map(({ entry }) => entry),
      );
      assert.deepEqual(
        registry.listWithHealth(operation.filters),
        wanted.map(({ entry, health }) => ({ ...entry, ...health })),
      );
      const inNamespace = model.newestFirst().filter(({ entry }) => entry.namespace === operation.namespace);
      assert.deepEqual(
        registry.listByNamespace(operation.namespace),
        inNamespace.map(({ entry }) => entry),
      );
      const atPath = model.agents.find(({ entry }) => entry.projectPath === operation.projectPath);
      assert.deepEqual(registry.getByPath(operation.projectPath), atPath?.entry);
    }
  }
}

function compareRegistry(registry: AgentRegistry, model: RegistryModel): void {
  for (const wanted of ['a', 'b', 'c', 'd', 'e']) {
    const agent = model.find(wanted);
    assert.deepEqual(registry.get(wanted), agent?.entry);
    assert.deepEqual(registry.getWithHealth(wanted), agent && { ...agent.entry, ...agent.health });
  }
  const count = (status: AgentHealthStatus) =>
    model.agents.filter(({ health }) => health.healthStatus === status).length;
  assert.deepEqual(registry.getAggregateStats(), {
    totalAgents: model.agents.length,
    activeCount: count('active'),
    inactiveCount: count('inactive'),
    staleCount: count('stale'),
  });
}

describe('the mesh stores and their models', () => {
  it('AgentRegistry does what an array of entries does', { timeout: TIMEOUT }, () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    checkAgainstModel(registryOperation, (operations) => {
      for (const { id } of registry.list()) registry.remove(id);
      const model = new RegistryModel();
      for (const operation of operations) {
        stepRegistry(registry, model, operation);
        compareRegistry(registry, model);
      }
    });
  });

  it('DenialList does what a list of real paths does', { timeout: TIMEOUT }, () => {
    using test = storeDb();
    using folder = temporaryFolder();
    const denials = new DenialList(test.db);
    const root = realpathSync(folder.path);
    const real = join(root, 'real');
    const other = join(root, 'other');
    for (const path of [real, other]) mkdirSync(path);
    symlinkSync(real, join(root, 'link'));
    const realPaths = new Map([
      [real, real],
      [other, other],
      [join(root, 'link'), real],
      [`${real}/../other/`, other],
      [join(root, 'none'), join(root, 'none')],
      [join(root, 'link', 'none'), join(real, 'none')],
      ['relative none', resolve('relative none')],
    ]);
    const operation = fc.record({
      do: fc.constantFrom('deny', 'deny', 'clear'),
      path: fc.constantFrom(...realPaths.keys()),
      strategy: anyText,
      reason: fc.option(anyText, { nil: undefined }),
      deniedBy: anyText,
    });
    checkAgainstModel(operation, (operations) => {
      for (const { path } of denials.list()) denials.clear(path);
      let model: object[] = [];
      for (const { do: what, path: given, ...said } of operations) {
        const path = realPaths.get(given);
        const others = model.filter((denial) => !('path' in denial) || denial.path !== path);
        if (what === 'clear') assert.equal(denials.clear(given), others.length < model.length);
        else denials.deny(given, said.strategy, said.reason, said.deniedBy);
        const { reason, ...rest } = { ...said, deniedBy: said.deniedBy || 'unknown' };
        model = what === 'clear' ? others : [{ path, ...rest, ...(reason !== undefined && { reason }) }, ...others];
        assert.deepEqual(
          denials.list().map(({ deniedAt, ...denial }) => denial),
          model,
        );
        for (const [spelling, denied] of realPaths) {
          assert.equal(
            denials.isDenied(spelling),
            model.some((denial) => 'path' in denial && denial.path === denied),
          );
        }
      }
    });
  });

  it('BudgetMapper does what a list of calls does', { timeout: TIMEOUT }, () => {
    using test = storeDb();
    const operation = fc.record({
      do: fc.constantFrom('check', 'record', 'try', 'try', 'try'),
      agentId: fc.constantFrom('a', 'b'),
      max: fc.nat({ max: 6 }),
      // Mostly forward; at times the clock is set back.
      minutes: fc.oneof(
        { weight: 9, arbitrary: fc.nat({ max: 40 }) },
        { weight: 1, arbitrary: fc.integer({ min: -150, max: 150 }) },
      ),
    });
    checkAgainstModel(operation, (operations) => {
      test.db.delete(rateLimitBuckets).run();
      const budgets = new ClockedBudgetMapper(test.db);
      let calls: { agentId: string; minute: number }[] = [];
      let prunedIn: number | undefined;
      for (const { do: what, agentId, max, minutes } of operations) {
        budgets.minute += minutes;
        const now = budgets.minute;
        if (what !== 'record' && now !== prunedIn) {
          calls = calls.filter(({ minute }) => Math.abs(minute - now) <= 120);
          prunedIn = now;
        }
        const used = calls.filter((call) => call.agentId === agentId && call.minute >= now - 60).length;
        if (what === 'check') {
          const expected = used < max ? { allowed: true, remaining: max - used } : { allowed: false, used };
          assert.deepEqual(budgets.checkBudget(agentId, max), expected);
        } else if (what === 'record') {
          budgets.recordCall(agentId);
          calls.push({ agentId, minute: now });
        } else {
          const expected = used < max ? { allowed: true, remaining: max - used - 1 } : { allowed: false, used };
          assert.deepEqual(budgets.tryRecordCall(agentId, max), expected);
          if (used < max) calls.push({ agentId, minute: now });
        }
      }
    });
  });

  it('BudgetMapper never lets more than the maximum pass in any 60 minutes', { timeout: TIMEOUT }, () => {
    using test = storeDb();
    const operation = fc.record({ max: fc.constant(3), seconds: fc.nat({ max: 900 }) });
    checkAgainstModel(operation, (operations) => {
      test.db.delete(rateLimitBuckets).run();
      const budgets = new ClockedBudgetMapper(test.db);
      const allowed: number[] = [];
      let now = budgets.minute * 60;
      for (const { max, seconds } of operations) {
        now += seconds;
        budgets.minute = Math.floor(now / 60);
        if (budgets.tryRecordCall('a', max).allowed) allowed.push(now);
        // A refusal has its reason in the current minute and the 60 before it.
        else assert.equal(allowed.filter((at) => at >= (budgets.minute - 60) * 60).length, max);
      }
      for (const at of allowed) assert.ok(allowed.filter((other) => other >= at && other < at + 3600).length <= 3);
    });
  });
});
