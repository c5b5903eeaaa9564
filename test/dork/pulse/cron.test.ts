import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PulseScheduleInput, PulseStore } from '#entry';
import { nextFiring } from '../../../src/dork/pulse/cron.ts';
import { storeDb } from '../../support/store-db.ts';
import { assertRefused, REPORT } from './samples.ts';

const AT = new Date('2026-02-25T09:30:00.000Z');

describe('the next firing of a cron expression', () => {
  for (const [cron, timezone, expected] of [
    ['* * * * *', 'UTC', '2026-02-25T09:31:00.000Z'],
    ['*/15 * * * * *', 'UTC', '2026-02-25T09:30:15.000Z'],
    ['30 9 * * *', 'UTC', '2026-02-26T09:30:00.000Z'],
    ['0 9 * * 1-5', 'UTC', '2026-02-26T09:00:00.000Z'],
    ['0 9 * * MON', 'UTC', '2026-03-02T09:00:00.000Z'],
    ['0 9 * * *', 'Europe/Berlin', '2026-02-26T08:00:00.000Z'],
    ['0 9 * * *', 'America/New_York', '2026-02-25T14:00:00.000Z'],
    ['0 9 * * *', 'Asia/Kolkata', '2026-02-26T03:30:00.000Z'],
    ['0 0 29 2 *', 'UTC', '2028-02-29T00:00:00.000Z'],
    ['@daily', 'UTC', '2026-02-26T00:00:00.000Z'],
  ] as const) {
    it(`of ${cron} in ${timezone} is ${expected}`, () => {
      assert.equal(nextFiring(cron, timezone, AT), expected);
    });
  }

  it('keeps the hour of its time zone when the clocks change', () => {
    const before = new Date('2026-03-28T12:00:00.000Z');
    assert.equal(nextFiring('0 9 * * *', 'Europe/Berlin', before), '2026-03-29T07:00:00.000Z');
    assert.equal(nextFiring('0 9 * * *', 'UTC', before), '2026-03-29T09:00:00.000Z');
  });

  it('without a time zone is in the host’s own', () => {
    const local = new Date(AT);
    local.setHours(local.getHours() + 24, 0, 0, 0);
    assert.equal(nextFiring(`0 ${local.getHours()} ${local.getDate()} * *`, null, AT), local.toISOString());
  });

  it('is null where it never comes, and where the expression or the time zone is none', () => {
    assert.equal(nextFiring('0 0 31 2 *', 'UTC', AT), null);
    assert.equal(nextFiring('every day', 'UTC', AT), null);
    assert.equal(nextFiring('2020-01-01T00:00:00', 'UTC', AT), null);
    assert.equal(nextFiring('0 0 0 1 1 * 2020', 'UTC', AT), null);
    for (const zone of ['BST', 'IST', 'PST', 'CST', 'pst']) assert.equal(nextFiring('* * * * *', zone, AT), null);
    assert.equal(nextFiring('* * * * *', 'Nowhere/Town', AT), null);
  });

  it('is what croner runs for a year and for a date', () => {
    assert.equal(nextFiring('0 30 9 1 1 * 2040', 'UTC', AT), '2040-01-01T09:30:00.000Z');
    assert.equal(nextFiring('2040-01-01T09:30:00', 'Europe/Berlin', AT), '2040-01-01T08:30:00.000Z');
  });
});

describe('a schedule’s cron expression', () => {
  const accepted = [
    ...['* * * * *', '*/5 * * * *', '0 9 * * 1-5', '0 0 1 1 *', '15,45 8-18/2 * * *', '0 9 * JAN MON', '0 0 * * 7'],
    ...[
      '30 0 9 * * *',
      '*/10 * * * * *',
      '0 9 L * *',
      '@hourly',
      '@weekly',
      '  0 9 * * *  ',
      '0\t9 * * *',
      '0 0 31 2 *',
      '0 0 9 1 1 * 2040',
      '2030-01-01T00:00:00',
    ],
  ];
  it('may have five to seven fields, be a date, have names, steps, ranges or a nickname, and is stored as it came', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    for (const cron of accepted) {
      const { id } = pulse.createSchedule({ ...REPORT, cron });
      assert.equal(pulse.getSchedule(id)?.cron, cron);
      assert.equal(pulse.updateSchedule(id, { cron })?.cron, cron);
    }
  });

  const refused = [
    ...[
      '',
      ' ',
      'daily',
      '* * * *',
      '* * * * * * * *',
      '60 * * * *',
      '* 24 * * *',
      '* * 0 * *',
      '* * * 13 *',
      '* * * * 8',
    ],
    ...['*/0 * * * *', '5-1 * * * *', '@reboot', '@never', '* * * * *\0', '2030-13-01T00:00:00'],
    ...[`* * * * ${'1,'.repeat(5_000_000)}1`, '?'.repeat(100), 'a\ud800'],
    ...[5, null, true, {}, ['* * * * *'], new Date()],
  ];
  it('is refused by name where it is none, at creation and in a patch', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    for (const cron of refused) {
      assertRefused(test, 'cron', () => pulse.createSchedule({ ...REPORT, cron } as PulseScheduleInput), cron);
      assertRefused(test, 'cron', () => pulse.updateSchedule(id, { name: 'other', cron } as object), cron);
    }
  });
});

describe('a schedule’s time zone', () => {
  it('may be any IANA name, or null for the host’s own, and is stored as it came', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    for (const timezone of ['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+1', null]) {
      const { id } = pulse.createSchedule({ ...REPORT, timezone });
      assert.equal(pulse.getSchedule(id)?.timezone, timezone);
      assert.equal(pulse.updateSchedule(id, { timezone })?.timezone, timezone);
    }
  });

  it('that several zones share is refused with the name to give', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const create = (timezone: string) => () => pulse.createSchedule({ ...REPORT, timezone });
    assert.throws(create('BST'), /Europe\/London/);
    assert.throws(create('IST'), /Asia\/Kolkata/);
    assert.throws(create('pst'), /America\/Los_Angeles/);
    for (const name of ['GMT', 'CET', 'EST', 'UTC']) create(name)();
    assert.equal(pulse.getSchedules().length, 4);
  });

  const refused = [
    '',
    'BST',
    'CST',
    'Nowhere/Town',
    'GMT+1',
    '+01:00',
    '-0500',
    'UTC\0',
    ' UTC',
    'local',
    'x'.repeat(1e6),
    1,
    {},
  ];
  it('is refused by name where it is none, at creation and in a patch', () => {
    using test = storeDb();
    const pulse = new PulseStore(test.db);
    const { id } = pulse.createSchedule(REPORT);
    for (const timezone of refused) {
      const input = { ...REPORT, timezone } as PulseScheduleInput;
      assertRefused(test, 'timezone', () => pulse.createSchedule(input), timezone);
      assertRefused(test, 'timezone', () => pulse.updateSchedule(id, { timezone } as object), timezone);
    }
  });
});
