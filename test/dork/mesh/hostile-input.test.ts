import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import {
  type AgentEntryInput,
  type AgentPatch,
  AgentRegistry,
  agentDenials,
  agents,
  BudgetMapper,
  type Db,
  DenialList,
  InvalidInputError,
  rateLimitBuckets,
} from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { sampleAgent } from './sample-agent.ts';

const HOSTILE: Record<string, string> = {
  'SQL that ends the statement': `'); DROP TABLE agents; --`,
  'SQL in double quotes': `" OR 1=1 --`,
  'a placeholder': '?1 :id $id @id',
  'a LIKE pattern': '%_%',
  'a NUL byte': 'before\0after',
  'only a NUL byte': '\0',
  'control characters': '\u0001\u001b[31m\r\n\u2028',
  'an emoji and a combining mark': '😀e\u0301',
  'what JSON escapes': '"\\/\b\u007f',
  'JSON text': '{"__proto__":{"polluted":true}}',
  'the name of a prototype': '__proto__',
  'white space': ' \t ',
  'ten megabytes': 'x'.repeat(10 * 2 ** 20),
  'a lone high surrogate': 'a\ud800',
  'a lone low surrogate': '\udc00a',
};

/** Every row of the three tables. */
function rows(db: Db): unknown[] {
  return [
    db.select().from(agents).all(),
    db.select().from(agentDenials).all(),
    db.select().from(rateLimitBuckets).all(),
  ];
}

/** Runs the call; where it refuses by the field's name, nothing may have changed. */
function storedOrRefused(db: Db, field: string, value: string, call: () => void): boolean {
  const before = rows(db);
  try {
    call();
    return true;
  } catch (error) {
    assert.ok(error instanceof InvalidInputError, String(error).slice(0, 500));
    assert.equal(error.field, field);
    assert.ok(error.message.length < 300 && !(value.length > 3 && error.message.includes(value)), 'shows the value');
    assert.deepEqual(rows(db), before);
    return false;
  }
}

const TEXT_FIELDS = [
  'id',
  'name',
  'description',
  'runtime',
  'namespace',
  'registeredBy',
  'projectPath',
  'scanRoot',
  'version',
  'entrypoint',
  'color',
] as const;

/** In what people say, half a character becomes U+FFFD; in JSON it is kept. It refuses neither. */
const PROSE: readonly string[] = ['name', 'description', 'registeredBy'];
const JSON_FIELDS: readonly string[] = ['version', 'entrypoint', 'color'];

describe('hostile input to the mesh stores', () => {
  for (const [kind, value] of Object.entries(HOSTILE)) {
    it(`is stored exactly or refused by name: ${kind}`, { timeout: 60_000 }, () => {
      using test = storeDb();
      const { db } = test;
      const registry = new AgentRegistry(db);
      const bystander = sampleAgent({ id: 'bystander', color: 'blue' });
      registry.insert(bystander);
      const isText = value.isWellFormed();

      for (const field of TEXT_FIELDS) {
        const entry = sampleAgent({ projectPath: '/hostile', [field]: value });
        const isTaken = isText || PROSE.includes(field) || JSON_FIELDS.includes(field);
        const stored = PROSE.includes(field) ? value.toWellFormed() : value;
        assert.equal(
          storedOrRefused(db, field, value, () => registry.insert(entry)),
          isTaken,
        );
        if (isTaken) {
          assert.deepEqual(registry.get(entry.id), { ...entry, [field]: stored });
          assert.deepEqual(registry.getByPath(entry.projectPath), { ...entry, [field]: stored });
          assert.equal(registry.remove(entry.id), true);
        }
        if (field === 'id') continue;
        assert.equal(
          storedOrRefused(db, field, value, () => registry.update('bystander', { [field]: value })),
          isTaken,
        );
        if (isTaken) {
          assert.deepEqual(registry.get('bystander'), { ...bystander, [field]: stored });
          registry.remove('bystander');
          registry.insert(bystander);
        }
      }

      const deep: [string, AgentPatch][] = [
        ['capabilities.0', { capabilities: [value] }],
        ['behavior', { behavior: { responseMode: 'always', note: value } as AgentEntryInput['behavior'] }],
        ['budget', { budget: { maxHopsPerMessage: 1, maxCallsPerHour: 1, note: value } as AgentEntryInput['budget'] }],
        ['tree', { tree: { [value]: [value] } }],
      ];
      for (const [field, patch] of deep) {
        assert.equal(
          storedOrRefused(db, field, value, () => registry.update('bystander', patch)),
          true,
        );
        assert.deepEqual(registry.get('bystander'), { ...bystander, ...patch });
        registry.remove('bystander');
        registry.insert(bystander);
      }

      assert.equal(
        storedOrRefused(db, 'capability', value, () => registry.list({ capability: value })),
        isText,
      );
      assert.equal(
        storedOrRefused(db, 'runtime', value, () => registry.list({ runtime: value })),
        isText,
      );
      assert.equal(
        storedOrRefused(db, 'namespace', value, () => registry.listByNamespace(value)),
        isText,
      );
      assert.equal(
        storedOrRefused(db, 'id', value, () => assert.equal(registry.get(value), undefined)),
        isText,
      );
      assert.equal(
        storedOrRefused(db, 'id', value, () => assert.equal(registry.remove(value), false)),
        isText,
      );
      const seen = () => registry.updateHealth('bystander', Date.now(), value);
      assert.equal(
        storedOrRefused(db, 'event', value, () => assert.equal(seen(), true)),
        true,
      );
      assert.equal(registry.getWithHealth('bystander')?.lastSeenEvent, value.toWellFormed());
      assert.equal(
        storedOrRefused(db, 'lastSeenAt', value, () => registry.updateHealth('bystander', value, 'x')),
        false,
      );
      assert.deepEqual(registry.list(), [bystander]);
    });

    it(`is stored exactly or refused by name in denials and budgets: ${kind}`, { timeout: 60_000 }, () => {
      using test = storeDb();
      const { db } = test;
      const denials = new DenialList(db);
      const budgets = new BudgetMapper(db);
      denials.deny('/bystander', 'manual', undefined, 'me');
      budgets.recordCall('bystander');
      const isText = value.isWellFormed();
      const isPath = isText && !value.includes('\0');

      assert.equal(
        storedOrRefused(db, 'path', value, () => denials.deny(value, 's', undefined, 'me')),
        isPath,
      );
      if (isPath) {
        assert.equal(denials.list()[0]?.path, resolve(value));
        assert.equal(denials.isDenied(value), true);
        assert.equal(denials.clear(value), true);
      }
      const fields: Record<string, [string, string, string]> = {
        strategy: [value, 'r', 'me'],
        reason: ['s', value, 'me'],
        denier: ['s', 'r', value],
      };
      for (const [field, args] of Object.entries(fields)) {
        assert.equal(
          storedOrRefused(db, field, value, () => denials.deny('/a', ...args)),
          true,
          field,
        );
        const [denial] = denials.list();
        // Half a character in what a person says becomes U+FFFD; it refuses nothing.
        const stored = args.map((arg) => arg.toWellFormed());
        assert.deepEqual([denial?.strategy, denial?.reason, denial?.deniedBy], stored);
        denials.clear('/a');
      }
      assert.deepEqual(
        denials.list().map(({ path }) => path),
        ['/bystander'],
      );

      assert.equal(
        storedOrRefused(db, 'agentId', value, () => budgets.tryRecordCall(value, 1)),
        isText,
      );
      if (isText) assert.deepEqual(budgets.tryRecordCall(value, 1), { allowed: false, used: 1 });
      assert.deepEqual(budgets.checkBudget('bystander', 1), { allowed: false, used: 1 });
    });
  }

  it('of a shape that no text has is refused by name', () => {
    using test = storeDb();
    const registry = new AgentRegistry(test.db);
    const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth));
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    const throwing = {
      get color(): string {
        throw new Error('secret');
      },
    };
    registry.insert(sampleAgent({ id: 'deep', tree: nested(999) }));
    assert.deepEqual(registry.get('deep')?.tree, nested(999));
    const refused: [string, object][] = [
      ['tree', { tree: nested(1000) }],
      ['tree', { tree: nested(100_000) }],
      ['tree', { tree: cycle }],
      ['tree', { tree: [undefined] }],
      ['tree', { tree: new Map() }],
      ['patch', { '\ud800': 1n }],
      ['patch', { ['k'.repeat(101)]: 1n }],
      ['patch', throwing],
      ['behavior', { behavior: { responseMode: 'always', cycle } }],
    ];
    const before = rows(test.db);
    for (const [field, patch] of refused) {
      const isNamed = (error: unknown) => error instanceof InvalidInputError && error.field === field;
      assert.throws(() => registry.update('deep', patch as AgentPatch), isNamed, field);
      assert.deepEqual(rows(test.db), before);
    }
  });
});
