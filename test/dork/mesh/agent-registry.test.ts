import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  type AgentPatch,
  AgentRegistry,
  type AgentRegistryEntry,
  agents,
  ConstraintError,
  InvalidInputError,
} from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { sampleAgent } from './sample-agent.ts';

/** What JSON.parse gives is what manifests come from; only it makes `__proto__` a key like any other. */
const UNKNOWN = JSON.parse(
  '{"color":"blue","tags":["a",{"b":null}],"version":"1.2.0","entrypoint":"main.ts","__proto__":{"polluted":true},"constructor":1}',
);

describe('AgentRegistry', () => {
  it('gives an entry back as it was inserted, by id and by path', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent();
    registry.insert(entry);
    assert.deepEqual(registry.get(entry.id), entry);
    assert.deepEqual(registry.getByPath(entry.projectPath), entry);
  });

  it('keeps the keys of a manifest that it does not know, __proto__ as well', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = {
      ...sampleAgent(),
      ...UNKNOWN,
      behavior: { responseMode: 'silent', ...UNKNOWN },
    } as AgentRegistryEntry;
    registry.insert(entry);
    const got = registry.get(entry.id);
    assert.deepEqual(got, entry);
    assert.ok(got && Object.hasOwn(got, '__proto__') && Object.hasOwn(got.behavior, '__proto__'));
    assert.equal(Object.getPrototypeOf(got), Object.prototype);
    assert.equal('polluted' in {}, false);
    assert.deepEqual(registry.list(), [entry]);
  });

  it('puts entrypoint and version into their columns where they are text, and keeps them where they are not', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const text = sampleAgent({ entrypoint: 'main.ts', version: '2' });
    const other = sampleAgent({ entrypoint: null, version: 2 });
    for (const entry of [text, other]) {
      registry.insert(entry);
      assert.deepEqual(registry.get(entry.id), entry);
    }
    const columns = test.db
      .select({ version: agents.version, extra: agents.manifestExtraJson })
      .from(agents)
      .orderBy(agents.id)
      .all();
    assert.deepEqual(columns, [
      { version: '2', extra: null },
      { version: null, extra: '{"entrypoint":null,"version":2}' },
    ]);
    registry.update(other.id, { version: 'three' });
    registry.update(text.id, { version: null });
    assert.equal(registry.get(other.id)?.version, 'three');
    assert.equal(registry.get(text.id)?.version, null);
  });

  it('fills in what a manifest leaves out', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    registry.insert({
      id: 'a',
      name: 'n',
      runtime: 'r',
      registeredAt: '2026-01-01T00:00:00Z',
      registeredBy: 'me',
      projectPath: '/a',
    });
    assert.deepEqual(registry.get('a'), {
      id: 'a',
      name: 'n',
      description: '',
      runtime: 'r',
      capabilities: [],
      behavior: { responseMode: 'always' },
      budget: { maxHopsPerMessage: 5, maxCallsPerHour: 100 },
      namespace: 'default',
      registeredAt: '2026-01-01T00:00:00.000Z',
      registeredBy: 'me',
      projectPath: '/a',
      scanRoot: '',
    });
  });

  it('gives each caller objects of its own', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const { behavior, budget, ...entry } = sampleAgent();
    registry.insert(entry);
    const first = registry.get(entry.id);
    assert.ok(first);
    first.behavior.responseMode = 'silent';
    first.budget.maxCallsPerHour = 0;
    assert.deepEqual(registry.get(entry.id)?.behavior, { responseMode: 'always' });
    assert.deepEqual(registry.get(entry.id)?.budget, { maxHopsPerMessage: 5, maxCallsPerHour: 100 });
  });

  it('reads a row that an older version left with an empty namespace and without texts', () => {
    using test = storeDb();
    test.db
      .insert(agents)
      .values({
        id: 'old',
        name: 'n',
        runtime: 'r',
        projectPath: '/old',
        namespace: '',
        registeredAt: 'x',
        updatedAt: 'x',
      })
      .run();
    const entry = new AgentRegistry(test.db).get('old');
    assert.deepEqual([entry?.namespace, entry?.description, entry?.registeredBy], ['', '', 'mesh']);
    assert.equal(new AgentRegistry(test.db).listByNamespace('').length, 1);
  });

  it('refuses an id or a project path that is taken, and leaves the first as it was', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent();
    const other = sampleAgent({ name: 'other' });
    registry.insert(entry);
    registry.insert(other);
    const isUnique = (error: unknown) => error instanceof ConstraintError && error.kind === 'unique';
    assert.throws(() => registry.insert(sampleAgent({ id: entry.id })), isUnique);
    assert.throws(() => registry.insert(sampleAgent({ projectPath: entry.projectPath })), isUnique);
    assert.throws(() => registry.update(other.id, { projectPath: entry.projectPath, color: 'red' }), isUnique);
    assert.deepEqual(registry.list(), [other, entry]);
  });

  it('lists the newest registration first, and of one instant the one that was inserted last', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const times = ['2026-02-02', '2026-02-03', '2026-02-01', '2026-02-03', '2026-02-02'];
    for (const [i, day] of times.entries()) {
      registry.insert(sampleAgent({ id: `a${i}`, registeredAt: `${day}T00:00:00.000Z`, namespace: i < 4 ? 'x' : 'y' }));
    }
    assert.deepEqual(
      registry.list().map(({ id }) => id),
      ['a3', 'a1', 'a4', 'a0', 'a2'],
    );
    assert.deepEqual(
      registry.listWithHealth().map(({ id }) => id),
      ['a3', 'a1', 'a4', 'a0', 'a2'],
    );
    assert.deepEqual(
      registry.listByNamespace('x').map(({ id }) => id),
      ['a3', 'a1', 'a0', 'a2'],
    );
  });

  it('filters by runtime, by capability, and by both', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    registry.insert(sampleAgent({ id: 'a', runtime: 'cursor', capabilities: ['chat'] }));
    registry.insert(sampleAgent({ id: 'b', runtime: 'cursor', capabilities: ['code', 'chat"]'] }));
    registry.insert(sampleAgent({ id: 'c', runtime: 'codex', capabilities: ['chat', 'nul\0byte', 'é😀'] }));
    const ids = (filters: object) => registry.list(filters).map(({ id }) => id);
    assert.deepEqual(ids({ runtime: 'cursor' }), ['b', 'a']);
    assert.deepEqual(ids({ capability: 'chat' }), ['c', 'a']);
    assert.deepEqual(ids({ runtime: 'cursor', capability: 'chat' }), ['a']);
    assert.deepEqual(ids({ runtime: undefined, capability: 'chat"]' }), ['b']);
    assert.deepEqual(ids({ capability: 'nul\0byte' }), ['c']);
    assert.deepEqual(ids({ capability: 'é😀' }), ['c']);
    assert.deepEqual(ids({ capability: 'cha' }), []);
    assert.deepEqual(
      registry.listWithHealth({ runtime: 'codex' }).map(({ id }) => id),
      ['c'],
    );
  });

  it('updates every field but the id, and nothing else', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent({ color: 'blue', size: 1 });
    const bystander = sampleAgent();
    registry.insert(bystander);
    const patches: AgentPatch[] = [
      { name: 'frontend' },
      { description: '' },
      { runtime: 'codex' },
      { capabilities: [] },
      { behavior: { responseMode: 'silent' } },
      { budget: { maxHopsPerMessage: 0, maxCallsPerHour: 0 } },
      { namespace: '' },
      { registeredAt: '2025-01-01T00:00:00.000Z' },
      { registeredBy: 'someone' },
      { projectPath: '/elsewhere' },
      { scanRoot: '/' },
      { status: 'unreachable' },
      { status: 'active' },
      { color: 'red' },
      JSON.parse('{"__proto__":[1],"size":null}'),
      { name: 'all at once', budget: { maxHopsPerMessage: 9, maxCallsPerHour: 9 }, color: { r: 1 } },
    ];
    let expected: AgentRegistryEntry = entry;
    registry.insert(entry);
    for (const patch of patches) {
      assert.equal(registry.update(entry.id, patch), true);
      expected = { ...expected, ...patch } as AgentRegistryEntry;
      assert.deepEqual(registry.get(entry.id), expected);
    }
    assert.deepEqual(registry.get(bystander.id), bystander);
  });

  it('leaves alone what a patch has as undefined, and clears the description with null', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent({ color: 'blue' });
    registry.insert(entry);
    registry.update(entry.id, { name: undefined, color: undefined, budget: undefined });
    assert.deepEqual(registry.get(entry.id), entry);
    registry.update(entry.id, { description: null });
    assert.deepEqual(registry.get(entry.id), { ...entry, description: '' });
  });

  it('notes when an agent was changed, and a patch without fields changes nothing', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent();
    const updatedAt = () => test.db.select({ at: agents.updatedAt }).from(agents).get()?.at;
    registry.insert(entry);
    test.db.update(agents).set({ updatedAt: '2000-01-01T00:00:00.000Z' }).run();
    registry.update(entry.id, {});
    registry.update(entry.id, { id: entry.id });
    registry.updateHealth(entry.id, new Date().toISOString(), 'seen');
    assert.equal(updatedAt(), '2000-01-01T00:00:00.000Z');
    const before = new Date().toISOString();
    registry.update(entry.id, { name: 'new' });
    assert.ok((updatedAt() ?? '') >= before);
  });

  it('gives undefined or false for an id that is not there', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    registry.insert(sampleAgent());
    assert.equal(registry.get('none'), undefined);
    assert.equal(registry.getByPath('none'), undefined);
    assert.equal(registry.getWithHealth('none'), undefined);
    for (const patch of [{ name: 'n' }, { color: 'red' }, {}]) assert.equal(registry.update('none', patch), false);
    assert.equal(registry.updateHealth('none', new Date().toISOString(), 'seen'), false);
    assert.equal(registry.remove('none'), false);
    assert.deepEqual(registry.listByNamespace('none'), []);
    assert.equal(registry.list().length, 1);
  });

  it('removes an agent, whose path and id are then free', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent();
    registry.insert(entry);
    assert.equal(registry.remove(entry.id), true);
    assert.equal(registry.get(entry.id), undefined);
    registry.insert(entry);
    assert.deepEqual(registry.list(), [entry]);
  });

  it('names the field that does not fit, and writes nothing', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent();
    registry.insert(entry);
    const refusals: [string, object][] = [
      ['name', { name: '' }],
      ['name', { name: 5 }],
      ['runtime', { runtime: '' }],
      ['projectPath', { projectPath: '' }],
      ['capabilities', { capabilities: 'chat' }],
      ['capabilities.1', { capabilities: ['chat', 5] }],
      ['behavior', { behavior: [] }],
      ['behavior.responseMode', { behavior: { responseMode: 'loud' } }],
      ['behavior.responseMode', { behavior: {} }],
      ['behavior.escalationThreshold', { behavior: { responseMode: 'always', escalationThreshold: 'high' } }],
      ['behavior', { behavior: { responseMode: 'always', at: new Date() } }],
      ['budget.maxCallsPerHour', { budget: { maxHopsPerMessage: 1 } }],
      ['budget.maxCallsPerHour', { budget: { maxHopsPerMessage: 1, maxCallsPerHour: -1 } }],
      ['budget.maxHopsPerMessage', { budget: { maxHopsPerMessage: 1.5, maxCallsPerHour: 1 } }],
      ['registeredAt', { registeredAt: 'yesterday' }],
      ['registeredAt', { registeredAt: '2026-02-30T00:00:00.000Z' }],
      ['registeredBy', { registeredBy: 5 }],
      ['namespace', { namespace: null }],
      ['status', { status: 'asleep' }],
      ['color', { color: 5n }],
      ['color', { color: () => 'red' }],
      ['size', { size: Number.NaN }],
    ];
    for (const [field, wrong] of refusals) {
      const isNamed = (error: unknown) => error instanceof InvalidInputError && error.field === field;
      assert.throws(() => registry.insert({ ...sampleAgent(), ...wrong }), isNamed, `insert ${field}`);
      assert.throws(() => registry.update(entry.id, { ...wrong }), isNamed, `update ${field}`);
    }
    const notObjects = [null, undefined, 5, 'entry'] as unknown as AgentRegistryEntry[];
    for (const wrong of notObjects) {
      assert.throws(() => registry.insert(wrong), InvalidInputError);
      assert.throws(() => registry.update(entry.id, wrong), InvalidInputError);
    }
    assert.throws(() => registry.update(entry.id, { id: 'other' }), { field: 'id' });
    assert.throws(() => registry.list({ runtime: 5 } as never), { field: 'runtime' });
    assert.throws(() => registry.get(5 as never), { field: 'id' });
    assert.throws(() => registry.updateHealth(entry.id, 'now', 'seen'), { field: 'lastSeenAt' });
    assert.throws(() => registry.updateHealth(entry.id, Date.now(), null as never), { field: 'event' });
    assert.deepEqual(registry.listWithHealth(), [
      { ...entry, lastSeenAt: null, lastSeenEvent: null, healthStatus: 'stale' },
    ]);
  });

  it('rolls back with the transaction that a caller runs it in', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const entry = sampleAgent();
    registry.insert(entry);
    assert.throws(() =>
      test.db.transaction(() => {
        registry.update(entry.id, { color: 'red', name: 'changed' });
        registry.insert(sampleAgent());
        throw new Error('no');
      }),
    );
    assert.deepEqual(registry.list(), [entry]);
  });

  it('works on after close(), which closes nothing', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    registry.close();
    registry.insert(sampleAgent());
    assert.equal(registry.list().length, 1);
  });
});
