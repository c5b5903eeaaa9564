/** schedules.json: what the older code wrote, and what nobody should have. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type ImportError, importLegacy, PulseStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import { olderHome, receiptOf, rowsOf, schedule } from './fixtures/older-home.ts';

describe(`schedules.json on ${RUNTIME}`, () => {
  it('keeps every field, NULL time zones and the order of the array', () => {
    using older = olderHome();
    const schedules = [
      schedule('z', { timezone: null, cwd: '/srv/a b', maxRuntime: 600000, permissionMode: 'plan' }),
      schedule('a', { timezone: 'Europe/Lisbon', enabled: false, status: 'pending_approval' }),
      schedule('m', { timezone: 'Mars/Base', cron: 'not a cron', status: 'paused', maxRuntime: 0 }),
    ];
    older.schedules(schedules);
    assert.equal(importLegacy(older.db, { home: older.home }).setAside, 0);
    const stored = new PulseStore(older.db).getSchedules();
    assert.deepEqual(
      stored,
      schedules.map((each) => ({ ...each, description: null, nextRun: null })),
    );
    assert.equal(new PulseStore(older.db).getSchedules({ withNextRun: true }).length, 3);
  });

  it('sets aside what is no schedule, each with its place and its reason, and takes the rest', () => {
    using older = olderHome();
    const misfits: [unknown, string][] = [
      [null, 'must be an object'],
      [7, 'must be an object'],
      [[], 'must be an object'],
      [{}, 'id is missing'],
      [schedule('a', { id: 7 }), 'id must be text'],
      [schedule('a', { name: ['x'] }), 'name must be text'],
      [schedule('a', { name: undefined }), 'name is missing'],
      [schedule('a', { prompt: null }), 'prompt is missing'],
      [schedule('a', { cron: {} }), 'cron must be text'],
      [schedule('a', { timezone: 1 }), 'timezone must be text'],
      [schedule('a', { enabled: 'yes' }), 'enabled must be true or false'],
      [schedule('a', { enabled: undefined }), 'enabled must be true or false'],
      [schedule('a', { maxRuntime: '1m' }), 'maxRuntime must be a number'],
      [schedule('a', { maxRuntime: 1e300 }), 'maxRuntime must be a safe integer'],
      [schedule('a', { status: 'asleep' }), 'status must be a known value'],
      [schedule('a', { createdAt: 'then' }), 'createdAt must be an instant of the years 0 to 9999'],
      [schedule('a', { createdAt: undefined }), 'createdAt is missing'],
      [schedule('a', { updatedAt: 1e300 }), 'updatedAt must be an instant of the years 0 to 9999'],
      [schedule('a', { cwd: '\ud800' }), 'cwd has a lone surrogate, which UTF-8 cannot hold'],
      [schedule('good', { name: 'the second of its id' }), 'an earlier schedule has the same id'],
    ];
    older.schedules([schedule('good'), ...misfits.map(([value]) => value), schedule('last')]);
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'schedules.json');
    assert.deepEqual(
      receipt.setAsideRows.map(({ row, reason }) => [row, reason]),
      misfits.map(([, reason], i) => [String(i + 1), reason]),
    );
    assert.deepEqual(
      rowsOf(older.db, 'pulse_schedules').map(({ id, name }) => [id, name]),
      [
        ['good', 'schedule good'],
        ['last', 'schedule last'],
      ],
    );
  });

  it('takes __proto__ for a key like any other, and drops keys that no schedule has, telling so', () => {
    using older = olderHome();
    const text = JSON.stringify(schedule('a', { timezone: undefined })).replace(
      '{',
      '{"__proto__":{"timezone":"UTC","polluted":true},"constructor":1,',
    );
    writeFileSync(join(older.home, 'schedules.json'), `\ufeff[${text}]`);
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'schedules.json');
    assert.equal(new PulseStore(older.db).getSchedule('a')?.timezone, null);
    assert.equal(({} as { polluted?: boolean }).polluted, undefined);
    assert.deepEqual(receipt.adjusted, [{ table: 'schedules', rule: 'unknown_fields_left_out', rows: 1 }]);
  });

  it('reads other forms of instants, absent defaults and fractions by rules that the receipt names', () => {
    using older = olderHome();
    older.schedules([
      schedule('a', { createdAt: 1770000000000, updatedAt: '2026-02-02T03:40:00+01:00' }),
      schedule('b', { updatedAt: undefined, status: undefined, permissionMode: undefined, maxRuntime: 1.5 }),
    ]);
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'schedules.json');
    const pulse = new PulseStore(older.db);
    const at = '2026-02-02T02:40:00.000Z';
    assert.deepEqual([pulse.getSchedule('a')?.createdAt, pulse.getSchedule('a')?.updatedAt], [at, at]);
    const { updatedAt, status, permissionMode, maxRuntime } = pulse.getSchedule('b') ?? {};
    assert.deepEqual([updatedAt, status, permissionMode, maxRuntime], [at, 'active', 'acceptEdits', 1]);
    assert.deepEqual(receipt.adjusted.map(({ rule }) => rule).sort(), [
      'createdAt_instant_from_milliseconds',
      'maxRuntime_fraction_cut',
      'permissionMode_default',
      'status_default',
      'updatedAt_from_createdAt',
      'updatedAt_instant_in_another_form',
    ]);
  });

  it('takes a prompt of ten megabytes whole, and 20,000 schedules', () => {
    using older = olderHome();
    const prompt = 'ü'.repeat(5_000_000);
    older.schedules([schedule('big', { prompt }), ...Array.from({ length: 20_000 }, (_, i) => schedule(`s${i}`))]);
    assert.equal(importLegacy(older.db, { home: older.home }).imported, 20_001);
    assert.equal(new PulseStore(older.db).getSchedule('big')?.prompt, prompt);
  });

  it('that is no JSON, or no array, is an ImportError that shows nothing of it, and the others go on', () => {
    const files: [string, string | Uint8Array, string][] = [
      ['empty', '', 'NOT_JSON'],
      ['half', JSON.stringify([schedule('secret')]).slice(0, -20), 'NOT_JSON'],
      ['text', 'secret secret', 'NOT_JSON'],
      ['not UTF-8', new Uint8Array([0x5b, 0x22, 0xff, 0x22, 0x5d]), 'NOT_JSON'],
      ['deep', '['.repeat(10_000_000), 'NOT_JSON'],
      ['an object', '{"secret":1}', 'NOT_AN_ARRAY'],
      ['a text', '"secret"', 'NOT_AN_ARRAY'],
    ];
    for (const [, content, code] of files) {
      using older = olderHome();
      writeFileSync(join(older.home, 'schedules.json'), content);
      const receipt = importLegacy(older.db, { home: older.home });
      const { status, error } = receiptOf(receipt, 'schedules.json');
      assert.deepEqual([status, error?.name, error?.code], ['failed', 'ImportError', code]);
      assert.doesNotMatch(JSON.stringify(error) + String((error as ImportError).cause), /secret/);
      assert.equal(receipt.failed, 1);
      assert.deepEqual(rowsOf(older.db, 'legacy_imports'), []);
    }
  });
});
