/** Values that no column of ours and no JSON has: the row comes all the same, and nothing of it is lost. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRegistry, importLegacy, PulseStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { olderHome, receiptOf, rowsOf, schedule } from './fixtures/older-home.ts';
import { changeFile, writeRelease } from './fixtures/release.ts';

const HALF = 'cut in half \ud83d';

describe(`odd values in older files on ${RUNTIME}`, () => {
  it('in columns of an agent that we lack are keys of its manifest, as an export would write them', () => {
    using older = olderHome();
    const path = writeRelease(`${older.home}/dork.db`, 'august-2026');
    const deep = '['.repeat(999) + ']'.repeat(999);
    const tooDeep = `[${deep}]`;
    {
      using file = older.open('dork.db');
      file.exec('PRAGMA foreign_keys = OFF');
      file.exec("UPDATE agents SET status = 'active'");
      const set = (id: number, column: string, value: string) =>
        file.exec(`UPDATE agents SET ${column} = ${value} WHERE id = 'id-agents-${id}'`);
      set(1, 'persona', "x'00ff'");
      set(1, 'color', "x''");
      set(2, 'persona_enabled', '9e999');
      set(2, 'is_system', '-9e999');
      set(3, 'traits_json', `'${tooDeep}'`);
      set(4, 'traits_json', `'${deep}'`);
      set(5, 'traits_json', "'no JSON'");
      set(5, 'persona', `'{"a":1}'`);
      set(6, 'effort', '9007199254740993');
      set(7, 'traits_json', `'{"a":"\\ud83d"}'`);
    }
    const receipt = receiptOf(importLegacy(older.db, { home: path }), 'dork.db');
    assert.deepEqual(
      receipt.setAsideReasons.filter(({ table }) => table === 'agents'),
      [],
    );
    const agent = (id: number) => new AgentRegistry(older.db).get(`id-agents-${id}`) ?? assert.fail(`agent ${id}`);
    assert.deepEqual([agent(1).persona, agent(1).color], [{ $blob: 'AP8=' }, { $blob: '' }]);
    assert.deepEqual([agent(2).personaEnabled, agent(2).isSystem], [{ $real: 'Infinity' }, { $real: '-Infinity' }]);
    assert.deepEqual([agent(3).traitsJson, agent(3).traits], [tooDeep, undefined]);
    assert.deepEqual(agent(4).traits, JSON.parse(deep));
    assert.deepEqual([agent(5).traitsJson, agent(5).persona], ['no JSON', '{"a":1}']);
    assert.equal(agent(6).effort, '9007199254740993');
    assert.deepEqual(agent(7).traits, { a: '\ud83d' });
    assert.equal(importLegacy(older.db, { home: path }).updated, 0);
  });

  // The key of relay_index is the id in the first release, and later the id and the endpoint.
  for (const [file, came, aside] of [
    ['v0.4.0', 2, 2],
    ['august-2026', 3, 1],
  ] as const)
    it(`in ids of ${file}: of those that only invalid characters tell apart, the first row comes, and the others are named`, () => {
      using older = olderHome();
      const path = writeRelease(`${older.home}/dork.db`, file);
      const rows = (id: string, endpoint: string) =>
        `(CAST(x'${id}' AS TEXT), '${id}', CAST(x'${endpoint}' AS TEXT), 'pending', '2026-02-02T02:40:00.000Z')`;
      changeFile(
        path,
        'DELETE FROM relay_index',
        `INSERT INTO relay_index (id, subject, endpoint_hash, status, created_at)
       VALUES ${rows('61ff', '62')}, ${rows('61fe', '62')}, ${rows('61fd', '63ff')}, ${rows('61efbfbc', '62')}`,
      );
      for (const imported of [came, 0]) {
        const { tables, setAsideReasons } = receiptOf(importLegacy(older.db, { home: path }), 'dork.db');
        const counts = tables.find(({ table }) => table === 'relay_index') ?? assert.fail();
        assert.deepEqual(
          [counts.read, counts.imported, counts.updated, counts.alreadyThere, counts.setAside],
          [4, imported, 0, came - imported, aside],
        );
        const reason = 'its key has invalid characters, and is otherwise that of an earlier row';
        assert.deepEqual(
          setAsideReasons.filter(({ table }) => table === 'relay_index'),
          [{ table: 'relay_index', reason, rows: aside }],
        );
        assert.deepEqual(
          rowsOf(older.db, 'relay_index').map(({ subject }) => subject),
          came === 3 ? ['61ff', '61fd', '61efbfbc'] : ['61ff', '61efbfbc'],
        );
      }
    });

  it('in schedules.json: half an emoji in what people say is replaced by a named rule, elsewhere it sets aside', () => {
    using older = olderHome();
    older.schedules([
      schedule('a', { name: HALF, description: HALF, prompt: HALF }),
      schedule('b', { cron: HALF }),
      schedule('c', { cwd: HALF }),
      schedule(HALF),
    ]);
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'schedules.json');
    const { name, description, prompt } = new PulseStore(older.db).getSchedule('a') ?? assert.fail();
    const whole = HALF.toWellFormed();
    assert.deepEqual([name, description, prompt], [whole, whole, whole]);
    assert.deepEqual(receipt.adjusted.map(({ rule }) => rule).sort(), [
      'description_half_character_replaced',
      'name_half_character_replaced',
      'prompt_half_character_replaced',
    ]);
    assert.equal(receipt.setAside, 3);
  });
});
