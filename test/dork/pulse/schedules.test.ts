import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDb, type PulseScheduleInput, PulseStore, pulseSchedules } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { assertRefused, EVERYTHING, REPORT } from './samples.ts';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const ULID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

describe('createSchedule()', () => {
  it('gives a schedule with its defaults, and that is what is stored', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const before = new Date().toISOString();
    const schedule = pulse.createSchedule(REPORT);
    const { id, createdAt, updatedAt, ...rest } = schedule;
    assert.match(id, ULID);
    assert.match(createdAt, INSTANT);
    assert.equal(updatedAt, createdAt);
    assert.ok(createdAt >= before && createdAt <= new Date().toISOString());
    assert.deepStrictEqual(rest, {
      name: 'Report',
      description: null,
      prompt: 'Write the report',
      cron: '0 9 * * 1-5',
      timezone: 'UTC',
      cwd: null,
      enabled: true,
      maxRuntime: null,
      permissionMode: 'acceptEdits',
      status: 'active',
      nextRun: null,
    });
    assert.deepStrictEqual(pulse.getSchedule(id), schedule);
    assert.deepStrictEqual(pulse.getSchedules(), [schedule]);
  });

  it('keeps every field that is given, also after the file was closed', () => {
    using test = storeDb();
    const created = new PulseStore(test.db).createSchedule(EVERYTHING);
    const { id, createdAt, updatedAt, nextRun, ...fields } = created;
    assert.deepStrictEqual(fields, EVERYTHING);
    test.db.$client.close();
    using again = createDb(test.path);
    assert.deepStrictEqual(new PulseStore(again).getSchedule(id), created);
  });

  it('takes undefined as a field that is not given', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const none = { description: undefined, timezone: undefined, enabled: undefined, status: undefined };
    const { timezone, enabled, status } = pulse.createSchedule({ ...REPORT, ...none });
    assert.deepEqual({ timezone, enabled, status }, { timezone: 'UTC', enabled: true, status: 'active' });
  });

  it('takes a time zone of null as the host’s own', () => {
    using test = storeDb();
    assert.equal(new PulseStore(test.db).createSchedule({ ...REPORT, timezone: null }).timezone, null);
  });

  it('leaves out what a schedule does not have, and makes its own id and instants', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const old = { ...pulse.createSchedule(REPORT), createdAt: 'x', updatedAt: 'y', nextRun: 'z', color: 'blue' };
    const schedule = pulse.createSchedule(old);
    assert.notEqual(schedule.id, old.id);
    assert.match(schedule.createdAt, INSTANT);
    assert.ok(!('color' in schedule));
    assert.equal(schedule.nextRun, null);
  });

  const wrong: [string, unknown][] = [
    ...['name', 'prompt', 'cron', 'permissionMode'].flatMap((field): [string, unknown][] => [
      [field, ''],
      [field, null],
      [field, 7],
    ]),
    ...['name', 'prompt', 'cron'].map((field): [string, unknown] => [field, undefined]),
    ...[7, {}, []].flatMap((value): [string, unknown][] => [
      ['description', value],
      ['cwd', value],
    ]),
    ...['true', 1, null].map((value): [string, unknown] => ['enabled', value]),
    ...[-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '60000', 5n].map((value): [string, unknown] => [
      'maxRuntime',
      value,
    ]),
    ...['', 'ACTIVE', 'done', null].map((value): [string, unknown] => ['status', value]),
  ];
  it('refuses by name what does not fit, and stores nothing', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    for (const [field, value] of wrong) {
      const input = { ...REPORT, [field]: value } as PulseScheduleInput;
      assertRefused(test, field, () => pulse.createSchedule(input), value);
    }
  });

  it('says which field is missing, and refuses what is no object', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    assert.throws(
      () => pulse.createSchedule({ name: 'n', cron: '* * * * *' } as PulseScheduleInput),
      /^InvalidInputError: prompt is missing\./,
    );
    for (const input of [undefined, null, 'text', 5]) {
      assertRefused(test, 'schedule', () => pulse.createSchedule(input as never));
    }
  });

  it('refuses a field that cannot be read', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const trap = {
      ...REPORT,
      get name(): string {
        throw new Error('no');
      },
    };
    assertRefused(test, 'schedule', () => pulse.createSchedule(trap));
    const { id } = pulse.createSchedule(REPORT);
    assertRefused(test, 'name', () => pulse.updateSchedule(id, trap));
  });
});

describe('getSchedules()', () => {
  it('is in order of creation, also within one millisecond', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const created = Array.from({ length: 300 }, (_, i) => pulse.createSchedule({ ...REPORT, name: `${i}` }));
    assert.ok(new Set(created.map(({ createdAt }) => createdAt)).size < 300, 'no two in one millisecond');
    assert.deepStrictEqual(pulse.getSchedules(), created);
  });

  it('puts an imported schedule where its creation belongs', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const newer = pulse.createSchedule(REPORT);
    const at = '2020-01-01T00:00:00.000Z';
    test.db
      .insert(pulseSchedules)
      .values({ id: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6', ...REPORT, timezone: null, createdAt: at, updatedAt: at })
      .run();
    assert.deepEqual(
      pulse.getSchedules().map(({ id }) => id),
      ['f81d4fae-7dec-11d0-a765-00a0c91e6bf6', newer.id],
    );
  });

  it('is empty where there is none', () => {
    using test = storeDb();
    assert.deepStrictEqual(new PulseStore(test.db).getSchedules(), []);
  });

  it('tells the next firing only when asked, of those that are active and enabled', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const active = pulse.createSchedule({ ...REPORT, cron: '* * * * *' });
    for (const off of [{ enabled: false }, { status: 'paused' }, { status: 'pending_approval' }] as const) {
      pulse.createSchedule({ ...REPORT, ...off });
    }
    const never = pulse.createSchedule({ ...REPORT, cron: '0 0 31 2 *' });
    const asked = pulse.getSchedules({ withNextRun: true });
    const nextRun = asked[0]?.nextRun ?? '';
    assert.match(nextRun, /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/);
    const wait = Date.parse(nextRun) - Date.now();
    assert.ok(wait > -60_000 && wait <= 60_000, `${wait} ms`);
    assert.deepStrictEqual(
      asked.slice(1).map((schedule) => schedule.nextRun),
      [null, null, null, null],
    );
    assert.deepEqual([asked[0]?.id, asked[4]?.id], [active.id, never.id]);
    for (const schedules of [
      pulse.getSchedules(),
      pulse.getSchedules({}),
      pulse.getSchedules({ withNextRun: false }),
    ]) {
      assert.ok(schedules.every((schedule) => schedule.nextRun === null));
    }
  });

  it('tells no next firing of an imported schedule whose cron is none, and goes on to the next', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const at = '2020-01-01T00:00:00.000Z';
    test.db
      .insert(pulseSchedules)
      .values({ id: 'old', name: 'n', prompt: 'p', cron: 'sometimes', createdAt: at, updatedAt: at })
      .run();
    pulse.createSchedule(REPORT);
    const [old, report] = pulse.getSchedules({ withNextRun: true });
    assert.equal(old?.nextRun, null);
    assert.match(report?.nextRun ?? '', INSTANT);
  });
});

describe('getSchedule() and deleteSchedule()', () => {
  it('give null and false for an unknown id', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    for (const id of ['', 'unknown', '__proto__', "' OR 1=1 --"]) {
      assert.equal(pulse.getSchedule(id), null);
      assert.equal(pulse.deleteSchedule(id), false);
    }
  });

  it('delete a schedule with all its runs, and no other', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const [gone, kept] = [pulse.createSchedule(REPORT), pulse.createSchedule(REPORT)];
    for (let i = 0; i < 100; i++) pulse.createRun(gone.id, 'scheduled');
    const run = pulse.createRun(kept.id, 'manual');
    assert.equal(pulse.deleteSchedule(gone.id), true);
    assert.equal(pulse.getSchedule(gone.id), null);
    assert.equal(pulse.countRuns(gone.id), 0);
    assert.deepStrictEqual(pulse.listRuns(), [run]);
    assert.deepStrictEqual(pulse.getSchedules(), [kept]);
    assert.equal(pulse.deleteSchedule(gone.id), false);
  });
});

describe('close()', () => {
  it('does nothing: the store and its database go on', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    pulse.close();
    pulse.close();
    assert.equal(pulse.getSchedules().length, 0);
    assert.equal(pulse.createSchedule(REPORT).name, 'Report');
    assert.ok(test.db.$client.isOpen);
  });
});
