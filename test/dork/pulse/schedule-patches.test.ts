import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PulseSchedule, PulseStore, pulseSchedules } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { assertRefused, EVERYTHING, REPORT } from './samples.ts';

describe('updateSchedule()', () => {
  it('changes what the patch names and nothing else but updatedAt, and gives the schedule as it is stored', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const other = pulse.createSchedule(REPORT);
    for (const [field, value] of Object.entries(EVERYTHING)) {
      const created = pulse.createSchedule(REPORT);
      const updated = pulse.updateSchedule(created.id, { [field]: value });
      assert.deepStrictEqual(updated, { ...created, [field]: value, updatedAt: updated?.updatedAt });
      assert.ok((updated?.updatedAt ?? '') >= created.updatedAt);
      assert.deepStrictEqual(pulse.getSchedule(created.id), updated);
    }
    const created = pulse.createSchedule(REPORT);
    const updated = pulse.updateSchedule(created.id, EVERYTHING);
    assert.deepStrictEqual(updated, { ...created, ...EVERYTHING, updatedAt: updated?.updatedAt });
    assert.deepStrictEqual(pulse.getSchedule(other.id), other);
  });

  it('says in updatedAt when it was', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const at = '2020-01-01T00:00:00.000Z';
    test.db
      .insert(pulseSchedules)
      .values({ id: 'old', ...REPORT, createdAt: at, updatedAt: at })
      .run();
    const before = new Date().toISOString();
    const updatedAt = pulse.updateSchedule('old', { name: 'n' })?.updatedAt ?? '';
    assert.ok(updatedAt >= before && updatedAt <= new Date().toISOString(), updatedAt);
    assert.equal(pulse.getSchedule('old')?.createdAt, at);
  });

  it('clears with null what may be null, and leaves alone what is undefined', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const created = pulse.createSchedule(EVERYTHING);
    const cleared = { description: null, timezone: null, cwd: null, maxRuntime: null };
    const updated = pulse.updateSchedule(created.id, { ...cleared, name: undefined, enabled: undefined });
    assert.deepStrictEqual(updated, { ...created, ...cleared, updatedAt: updated?.updatedAt });
  });

  it('refuses null for what may not be null, and nothing of the patch is stored', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    for (const field of ['name', 'prompt', 'cron', 'enabled', 'permissionMode', 'status']) {
      assertRefused(test, field, () => pulse.updateSchedule(id, { description: 'd', [field]: null } as object));
    }
  });

  it('changes nothing for an empty patch, nor for fields that are not to be patched', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const created = pulse.createSchedule(REPORT);
    for (const patch of [
      {},
      { name: undefined },
      { id: 'x', createdAt: 'x', updatedAt: 'x', nextRun: 'x', color: 1 },
    ]) {
      assert.deepStrictEqual(pulse.updateSchedule(created.id, patch), created);
    }
    assert.deepStrictEqual(pulse.getSchedules(), [created]);
  });

  it('takes a schedule as the patch of a schedule', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(EVERYTHING);
    const from = pulse.getSchedules({ withNextRun: true })[0] as PulseSchedule;
    assert.equal(pulse.updateSchedule(id, { ...from, name: 'renamed' })?.name, 'renamed');
  });

  it('gives null for an unknown id', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    assert.equal(pulse.updateSchedule('unknown', { name: 'n' }), null);
    assert.equal(pulse.updateSchedule('unknown', {}), null);
    assert.deepStrictEqual(pulse.getSchedules(), []);
  });

  it('refuses a patch that is no object', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    for (const patch of [undefined, null, 'name', 5])
      assertRefused(test, 'patch', () => pulse.updateSchedule(id, patch as never));
  });
});
