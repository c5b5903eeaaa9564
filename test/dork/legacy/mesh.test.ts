/** mesh.db at each of its four versions: agents with their manifests, denials, calls by the minute. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AgentRegistry, BudgetMapper, type Db, DenialList, importLegacy } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { agent, DENIALS, meshAt, olderHome, receiptOf, rowsOf } from './fixtures/older-home.ts';

const DEFAULTS = {
  behavior: { responseMode: 'always' },
  budget: { maxHopsPerMessage: 5, maxCallsPerHour: 100 },
};

function entryOf(db: Db, id: string): Record<string, unknown> {
  return new AgentRegistry(db).get(id) ?? {};
}

describe(`mesh.db on ${RUNTIME}`, () => {
  for (const version of [1, 2, 3, 4] as const) {
    it(`at version ${version} comes through, without denials too`, () => {
      using older = olderHome();
      const behavior = { responseMode: 'mention-only', escalationThreshold: 0.25 };
      const budget = { maxHopsPerMessage: 3, maxCallsPerHour: 7 };
      const seen = { last_seen_at: '2026-02-03T00:00:00.000Z', last_seen_event: 'heartbeat' };
      older.write('mesh/mesh.db', meshAt(version) + (version % 2 ? DENIALS : ''), {
        agents: [
          agent('a', { behavior, budget, customKey: { deep: [1] } }, version >= 2 ? seen : {}),
          agent('b', {}, version >= 4 ? { namespace: 'ns', scan_root: '/projects' } : {}),
        ],
        ...(version >= 3 && { budget_counters: [{ agent_id: 'a', bucket_minute: 29922981, call_count: 19 }] }),
        ...(version % 2 && {
          denials: [
            { path: '/no', strategy: 's', reason: null, denied_by: 'me', denied_at: '2026-02-02T02:40:00.000Z' },
          ],
        }),
      });
      const receipt = importLegacy(older.db, { home: older.home });
      assert.deepEqual([receipt.failed, receipt.setAside], [0, 0]);
      assert.equal(receiptOf(receipt, 'mesh/mesh.db').version, version);
      const registry = new AgentRegistry(older.db);
      const [a, b] = ['a', 'b'].map((id) => registry.getWithHealth(id));
      assert.deepEqual([a?.behavior, a?.budget, a?.customKey], [behavior, budget, { deep: [1] }]);
      assert.deepEqual([b?.behavior, b?.budget], [DEFAULTS.behavior, DEFAULTS.budget]);
      assert.deepEqual(
        [a?.lastSeenAt, a?.lastSeenEvent],
        version >= 2 ? [seen.last_seen_at, 'heartbeat'] : [null, null],
      );
      assert.deepEqual([a?.namespace, a?.scanRoot], ['', '']);
      assert.deepEqual([b?.namespace, b?.scanRoot], version >= 4 ? ['ns', '/projects'] : ['', '']);
      assert.equal(rowsOf(older.db, 'rate_limit_buckets').length, version >= 3 ? 1 : 0);
      assert.equal(new DenialList(older.db).isDenied('/no'), version % 2 === 1);
    });
  }

  it('keeps unknown keys of a manifest as they are written, __proto__ and numbers of any size among them', () => {
    using older = olderHome();
    const extra = '"__proto__":{"polluted":true},"big":9007199254740993,"float":1.0,"10":1,"2":2,"constructor":"c"';
    const manifest = `{"id":"a", ${extra}, "name":"agent a", "entrypoint":"./main.ts", "version":"1.2.3", "status":"busy"}`;
    older.write('mesh/mesh.db', meshAt(4), { agents: [agent('a', {}, { manifest_json: manifest })] });
    importLegacy(older.db, { home: older.home });
    const [row] = rowsOf(older.db, 'agents');
    assert.equal(row?.manifest_extra_json, `{${extra},"status":"busy"}`);
    assert.deepEqual([row?.entrypoint, row?.version, row?.status], ['./main.ts', '1.2.3', 'active']);
    const entry = new AgentRegistry(older.db).get('a');
    assert.equal(entry?.status, 'busy');
    assert.deepEqual(Object.getOwnPropertyDescriptor(entry, '__proto__')?.value, { polluted: true });
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
  });

  it('puts a status, an entrypoint and a version where they fit, and keeps what does not fit as it is', () => {
    using older = olderHome();
    older.write('mesh/mesh.db', meshAt(4), {
      agents: [
        agent('a', { status: 'inactive', version: 2, entrypoint: { main: 'x' } }),
        agent('b', { status: 'active', behavior: 'loud', budget: null }),
        agent('c', { behavior: { responseMode: 'shout', extra: [1.5] } }),
      ],
    });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'mesh/mesh.db');
    const registry = new AgentRegistry(older.db);
    const { status, version, entrypoint } = entryOf(older.db, 'a');
    assert.deepEqual([status, version, entrypoint], ['inactive', 2, { main: 'x' }]);
    assert.deepEqual([registry.get('b')?.status, registry.get('b')?.behavior], ['active', DEFAULTS.behavior]);
    assert.deepEqual(registry.get('c')?.behavior, { responseMode: 'shout', extra: [1.5] });
    assert.deepEqual(receipt.adjusted.map(({ rule, rows }) => [rule, rows]).sort(), [
      ['behavior_default', 2],
      ['budget_default', 3],
    ]);
  });

  it('counts a key that stands twice as it stands last, as the older code did', () => {
    using older = olderHome();
    const manifest =
      '{"behavior":{"responseMode":"silent"},"name":"x","x":1,"behavior":{"responseMode":"direct-only"},"x":2,"name":"agent a"}';
    older.write('mesh/mesh.db', meshAt(4), { agents: [agent('a', {}, { manifest_json: manifest })] });
    importLegacy(older.db, { home: older.home });
    const { name, behavior, x } = entryOf(older.db, 'a');
    assert.deepEqual([name, behavior, x], ['agent a', { responseMode: 'direct-only' }, 2]);
  });

  it('lets the columns win over a manifest that says something else, and tells', () => {
    using older = olderHome();
    const columns = { name: 'column', namespace: 'column', capabilities_json: '["column"]' };
    const manifest = { name: 'manifest', namespace: 'manifest', capabilities: ['manifest'] };
    older.write('mesh/mesh.db', meshAt(4), {
      agents: [agent('a', manifest, columns), agent('b', { namespace: '', scanRoot: '' })],
    });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'mesh/mesh.db');
    const { name, namespace, capabilities } = entryOf(older.db, 'a');
    assert.deepEqual([name, namespace, capabilities], ['column', 'column', ['column']]);
    assert.equal(receipt.adjusted.find(({ rule }) => rule === 'column_over_manifest')?.rows, 1);
  });

  it('sets agents aside that do not fit, each with its reason, and imports the rest', () => {
    using older = olderHome();
    older.db.$client.exec(`INSERT INTO agents (id, name, runtime, project_path, registered_at, updated_at)
      VALUES ('mine', 'n', 'r', '/projects/taken', '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z')`);
    older.write('mesh/mesh.db', meshAt(4), {
      agents: [
        agent('a', {}, { manifest_json: '{"half' }),
        agent('b', {}, { manifest_json: '[1]' }),
        agent('c', {}, { manifest_json: 'null' }),
        agent('d', {}, { capabilities_json: '{"a":1}' }),
        agent('e', {}, { capabilities_json: '[1]' }),
        agent('f', {}, { capabilities_json: 'a,b' }),
        agent('g', {}, { registered_at: 'long ago' }),
        agent('h', {}, { last_seen_at: '5 minutes' }),
        agent('i', {}, { name: new Uint8Array([1]) }),
        agent('j', {}, { project_path: '/projects/taken' }),
        agent('k', {}, { registered_at: '2026-02-02T02:40:00Z' }),
      ],
    });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'mesh/mesh.db');
    assert.deepEqual(Object.fromEntries(receipt.setAsideRows.map(({ id, reason }) => [id, reason])), {
      a: 'manifest_json must be JSON',
      b: 'manifest_json must be an object',
      c: 'manifest_json must be an object',
      d: 'capabilities_json must be an array of strings',
      e: 'capabilities_json must be an array of strings',
      f: 'capabilities_json must be JSON',
      g: 'registered_at must be an instant of the years 0 to 9999',
      h: 'last_seen_at must be an instant of the years 0 to 9999',
      i: 'name must be text',
      j: 'project_path belongs to another agent',
    });
    assert.deepEqual(
      rowsOf(older.db, 'agents').map(({ id, registered_at }) => [id, registered_at]),
      [
        ['mine', '2026-01-01T00:00:00.000Z'],
        ['k', '2026-02-02T02:40:00.000Z'],
      ],
    );
  });

  it('makes the path of a denial canonical, so that a symbolic link cannot get round it', () => {
    using older = olderHome();
    const real = join(older.home, 'real');
    mkdirSync(real);
    symlinkSync(real, join(older.home, 'link'));
    symlinkSync(real, join(older.home, 'other'));
    const denial = { strategy: 's', reason: null, denied_by: 'me', denied_at: '2026-02-02T02:40:00.000Z' };
    older.write('mesh/mesh.db', meshAt(4) + DENIALS, {
      denials: [
        { path: join(older.home, 'link'), ...denial },
        { path: join(older.home, 'other'), ...denial },
        { path: '/gone', ...denial, reason: "it's" },
        { path: '', ...denial },
        { path: '/when', ...denial, denied_at: 'then' },
      ],
    });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'mesh/mesh.db');
    const list = new DenialList(older.db);
    for (const path of ['real', 'link', 'other']) assert.equal(list.isDenied(join(older.home, path)), true);
    assert.deepEqual(
      rowsOf(older.db, 'agent_denials').map(({ path }) => path),
      [real, '/gone'],
    );
    assert.deepEqual(
      receipt.setAsideRows.map(({ reason }) => reason),
      [
        'path leads to the same folder as an earlier denial',
        'path is missing',
        'denied_at must be an instant of the years 0 to 9999',
      ],
    );
    const again = receiptOf(importLegacy(older.db, { home: older.home }), 'mesh/mesh.db');
    assert.deepEqual([again.imported, again.alreadyThere, again.setAside], [0, 2, 3]);
  });

  it('keeps counts of calls, so that a budget goes on where it was', () => {
    using older = olderHome();
    const minute = Math.floor(Date.now() / 60_000);
    older.write('mesh/mesh.db', meshAt(4), {
      budget_counters: [
        { agent_id: 'a', bucket_minute: minute, call_count: 7 },
        { agent_id: 'a', bucket_minute: minute - 30, call_count: 2 },
        { agent_id: 'b', bucket_minute: minute, call_count: 'many' },
        { agent_id: 'c', bucket_minute: 'now', call_count: 1 },
      ],
    });
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'mesh/mesh.db');
    assert.deepEqual(new BudgetMapper(older.db).checkBudget('a', 10), { allowed: true, remaining: 1 });
    assert.deepEqual(
      receipt.setAsideRows.map(({ reason }) => reason),
      ['call_count must be an integer', 'bucket_minute must be an integer'],
    );
  });
});
