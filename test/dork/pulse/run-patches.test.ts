import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PulseRunPatch, pulseRuns } from '#entry';
import { storeDb } from '../../support/store-db.ts';
import { assertRefused, FINISHED, pulseWithSchedule } from './samples.ts';

const AT = '2026-02-25T09:30:00.000Z';

describe('updateRun()', () => {
  it('changes what the patch names and nothing else, and gives the run as it is stored', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const other = pulse.createRun(scheduleId, 'agent');
    for (const [field, value] of Object.entries(FINISHED)) {
      const created = pulse.createRun(scheduleId, 'manual');
      assert.deepStrictEqual(pulse.updateRun(created.id, { [field]: value }), { ...created, [field]: value });
      assert.deepStrictEqual(pulse.getRun(created.id), { ...created, [field]: value });
    }
    const created = pulse.createRun(scheduleId, 'manual');
    assert.deepStrictEqual(pulse.updateRun(created.id, FINISHED), { ...created, ...FINISHED });
    assert.deepStrictEqual(pulse.getRun(other.id), other);
  });

  it('stores the output summary in the column output', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const { id } = pulse.createRun(scheduleId, 'manual');
    pulse.updateRun(id, { outputSummary: 'summary' });
    assert.equal(test.db.select().from(pulseRuns).get()?.output, 'summary');
  });

  it('clears with null what may be null, and leaves alone what is undefined', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const { id } = pulse.createRun(scheduleId, 'manual');
    const finished = pulse.updateRun(id, FINISHED);
    const cleared = { finishedAt: null, durationMs: null, outputSummary: null, error: null, sessionId: null };
    assert.deepStrictEqual(pulse.updateRun(id, { ...cleared, status: undefined, startedAt: undefined }), {
      ...finished,
      ...cleared,
    });
  });

  it('takes instants with an offset and Unix milliseconds, and stores them in UTC', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const { id } = pulse.createRun(scheduleId, 'manual');
    assert.equal(pulse.updateRun(id, { finishedAt: '2026-02-25T10:30:00+01:00' })?.finishedAt, AT);
    assert.equal(pulse.updateRun(id, { finishedAt: Date.parse(AT) })?.finishedAt, AT);
    assert.equal(pulse.updateRun(id, { startedAt: '2026-02-25T09:30Z' })?.startedAt, AT);
  });

  it('changes nothing for an empty patch, nor for fields that are not to be patched', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const created = pulse.createRun(scheduleId, 'manual');
    for (const patch of [
      {},
      { status: undefined },
      { id: 'x', scheduleId: 'x', trigger: 'agent', createdAt: 'x', output: 'x' },
    ]) {
      assert.deepStrictEqual(pulse.updateRun(created.id, patch), created);
    }
    assert.deepStrictEqual(pulse.listRuns(), [created]);
  });

  it('gives null for an unknown id', () => {
    using test = storeDb();
    const { pulse } = pulseWithSchedule(test);
    assert.equal(pulse.updateRun('unknown', { status: 'failed' }), null);
    assert.equal(pulse.updateRun('unknown', {}), null);
    assert.equal(pulse.getRun('unknown'), null);
  });

  const wrong: [string, unknown][] = [
    ...['', 'Running', 'done', null, 5].map((value): [string, unknown] => ['status', value]),
    ...[
      '',
      'yesterday',
      '2026-02-25',
      '2026-02-31T00:00:00.000Z',
      '2026-02-25T09:30:00',
      {},
      Number.NaN,
      1e300,
    ].flatMap((value): [string, unknown][] => [
      ['startedAt', value],
      ['finishedAt', value],
    ]),
    ['startedAt', null],
    ...[-1, 0.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53, '5'].map((value): [string, unknown] => [
      'durationMs',
      value,
    ]),
    ...['outputSummary', 'error', 'sessionId'].flatMap((field): [string, unknown][] => [
      [field, 5],
      [field, {}],
      [field, new Date()],
    ]),
  ];
  it('refuses by name what does not fit, and nothing of the patch is stored', () => {
    using test = storeDb();
    const { pulse, scheduleId } = pulseWithSchedule(test);
    const { id } = pulse.createRun(scheduleId, 'manual');
    for (const [field, value] of wrong) {
      assertRefused(test, field, () => pulse.updateRun(id, { ...FINISHED, [field]: value } as PulseRunPatch), value);
    }
  });
});
