/** Rows of every kind through the import, compared with an independent reading of the older files. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ImportReceipt, importLegacy, PulseStore, SqliteIndex, type SqliteValue, TraceStore } from '#entry';
import { RUNTIME } from '../../support/runtime.ts';
import {
  insert,
  MESSAGES,
  message,
  olderHome,
  PULSE,
  receiptOf,
  rowsOf,
  run,
  schedule,
  span,
  TRACES,
  type Values,
} from './fixtures/older-home.ts';

const HOSTILE = [
  "Robert'); DROP TABLE relay_index; --",
  '"; DELETE FROM pulse_runs; --',
  'a\0b\0',
  '',
  '\u{1F9E6} Füße 日本語 \u202eabc',
  '%s %d \\x00 \\',
  "x' OR '1'='1",
  'line1\nline2\r\n\ttab',
];

/** What becomes of one row, by its id. */
function reasonsOf(receipt: ImportReceipt, source: string): Record<string, string> {
  return Object.fromEntries(receiptOf(receipt, source).setAsideRows.map(({ id, reason }) => [String(id), reason]));
}

function adjustedOf(receipt: ImportReceipt, source: string): Record<string, number> {
  return Object.fromEntries(receiptOf(receipt, source).adjusted.map(({ rule, rows }) => [rule, rows]));
}

describe(`runs on ${RUNTIME}`, () => {
  it('come through with every text exact, NULLs kept and started_at taken from created_at', () => {
    using older = olderHome();
    older.schedules(HOSTILE.map((text, i) => schedule(`s${i}${text}`, { name: text, prompt: text, cwd: text })));
    const runs = HOSTILE.map((text, i) =>
      run(`r${i}${text}`, {
        schedule_id: `s${i}${text}`,
        output_summary: text,
        error: i % 2 ? text : null,
        session_id: i % 3 ? text : null,
        started_at: i % 2 ? null : '2026-02-02T02:40:00.000Z',
        duration_ms: i % 2 ? null : -5 + i * 1e12,
      }),
    );
    older.write('pulse.db', PULSE, { runs });
    const receipt = importLegacy(older.db, { home: older.home });
    assert.equal(receipt.setAside, 0);
    assert.deepEqual(
      rowsOf(older.db, 'pulse_runs'),
      older.rows('pulse.db', 'runs').map(({ output_summary: output, ...row }) => ({
        id: row.id,
        schedule_id: row.schedule_id,
        status: row.status,
        started_at: row.started_at ?? row.created_at,
        finished_at: row.finished_at,
        duration_ms: row.duration_ms,
        output,
        error: row.error,
        session_id: row.session_id,
        trigger: row.trigger,
        created_at: row.created_at,
      })),
    );
    assert.equal(adjustedOf(receipt, 'pulse.db').started_at_from_created_at, HOSTILE.length / 2);
    const pulse = new PulseStore(older.db);
    for (const [i, text] of HOSTILE.entries()) assert.equal(pulse.getSchedule(`s${i}${text}`)?.prompt, text);
  });

  it('that do not fit are set aside one by one, and the rest is imported', () => {
    using older = olderHome();
    older.schedules([schedule('s1')]);
    using file = older.open('pulse.db');
    file.exec(PULSE);
    const blob = new Uint8Array([1, 2]);
    const misfits: Record<string, [Values, string]> = {
      status: [{ status: 'exploded' }, 'status must be a known value'],
      trigger: [{ trigger: 'moon' }, 'trigger must be a known value'],
      created: [{ created_at: 'yesterday' }, 'created_at must be an instant of the years 0 to 9999'],
      february: [{ created_at: '2026-02-30T00:00:00.000Z' }, 'created_at must be an instant of the years 0 to 9999'],
      nul: [{ created_at: '2026-02-02T02:40:00.000Z\0x' }, 'created_at must be an instant of the years 0 to 9999'],
      started: [{ started_at: '12:00' }, 'started_at must be an instant of the years 0 to 9999'],
      finished: [{ finished_at: blob }, 'finished_at must be an instant of the years 0 to 9999'],
      output: [{ output_summary: blob }, 'output_summary must be text'],
      duration: [{ duration_ms: 'long' }, 'duration_ms must be a number'],
      orphan: [{ schedule_id: 'gone' }, 'its schedule is missing'],
    };
    insert(file, 'runs', [
      run('good1'),
      ...Object.entries(misfits).map(([id, [values]]) => run(id, values)),
      run('good2'),
    ]);
    file.exec(
      "INSERT INTO runs (id, schedule_id, status, created_at) VALUES (NULL, 's1', 'failed', '2026-02-02T02:40:00.000Z')",
    );
    file.exec(
      "INSERT INTO runs (id, schedule_id, status, created_at) VALUES (x'00', 's1', 'failed', '2026-02-02T02:40:00.000Z')",
    );
    file.close();
    const receipt = importLegacy(older.db, { home: older.home });
    const pulse = receiptOf(receipt, 'pulse.db');
    const byId = Object.fromEntries(Object.entries(misfits).map(([id, [, reason]]) => [id, reason]));
    const withId = pulse.setAsideRows.filter(({ reason }) => !reason.startsWith('id '));
    assert.deepEqual(Object.fromEntries(withId.map(({ id, reason }) => [id, reason])), byId);
    assert.deepEqual(
      pulse.setAsideRows.slice(-2).map(({ row, reason }) => [row, reason]),
      [
        ['13', 'id is missing'],
        ['14', 'id must be text'],
      ],
    );
    assert.deepEqual([pulse.read, pulse.imported, pulse.setAside], [14, 2, 12]);
    assert.equal(
      pulse.setAsideReasons.reduce((sum, { rows }) => sum + rows, 0),
      12,
    );
    assert.deepEqual(
      rowsOf(older.db, 'pulse_runs').map(({ id }) => id),
      ['good1', 'good2'],
    );
    for (const { reason } of pulse.setAsideReasons) assert.doesNotMatch(reason, /exploded|moon|yesterday/);
  });

  it('whose schedule is gone are kept with keepOrphans, below one placeholder for each missing id', () => {
    using older = olderHome();
    older.schedules([schedule('s1')]);
    const runs = [
      run('a', { schedule_id: 'gone', created_at: '2026-02-02T02:40:00.009Z' }),
      run('b', { schedule_id: 'lost' }),
      run('c', { schedule_id: 'gone', created_at: '2026-02-02T02:40:00.005Z' }),
      run('d'),
      run('e', { schedule_id: 'never', status: 'exploded' }),
    ];
    older.write('pulse.db', PULSE, { runs });
    const receipt = importLegacy(older.db, { home: older.home, keepOrphans: true });
    assert.deepEqual([receipt.imported, receipt.setAside], [5, 1]);
    const pulse = new PulseStore(older.db);
    assert.deepEqual(
      pulse
        .getSchedules()
        .map(({ id }) => id)
        .sort(),
      ['gone', 'lost', 's1'],
    );
    const { name, enabled, status, createdAt } = pulse.getSchedule('gone') ?? {};
    assert.deepEqual([name, enabled, status, createdAt], ['gone', false, 'paused', '2026-02-02T02:40:00.005Z']);
    assert.equal(pulse.countRuns('gone'), 2);
    assert.equal(adjustedOf(receipt, 'pulse.db').attached_to_a_placeholder_schedule, 3);
    assert.equal(adjustedOf(receipt, 'pulse.db').placeholder_schedule_created, 2);
    older.schedules([schedule('s1'), schedule('gone', { name: 'It came back' })]);
    importLegacy(older.db, { home: older.home });
    assert.deepEqual([pulse.getSchedule('gone')?.name, pulse.countRuns('gone')], ['It came back', 2]);
  });

  it('of the same millisecond keep the order in which they were written', () => {
    using older = olderHome();
    older.schedules([schedule('s1')]);
    const ids = Array.from({ length: 500 }, (_, i) => `run-${(i * 7919) % 500}`);
    older.write('pulse.db', PULSE, { runs: ids.map((id) => run(id)) });
    importLegacy(older.db, { home: older.home });
    assert.deepEqual(
      rowsOf(older.db, 'pulse_runs').map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      new PulseStore(older.db).listRuns({ limit: 500 }).map(({ id }) => id),
      ids.reverse(),
    );
  });
});

describe(`messages on ${RUNTIME}`, () => {
  it('come through with every text exact and every status mapped', () => {
    using older = olderHome();
    const messages = HOSTILE.map((text, i) =>
      message(`m${i}${text}`, {
        subject: text,
        sender: text,
        endpoint_hash: text,
        status: ['new', 'cur', 'failed'][i % 3] ?? '',
      }),
    );
    older.write('relay/index.db', MESSAGES, { messages });
    assert.equal(importLegacy(older.db, { home: older.home }).setAside, 0);
    const index = new SqliteIndex(older.db);
    for (const [i, text] of HOSTILE.entries()) {
      assert.deepEqual(index.getMessage(`m${i}${text}`), {
        id: `m${i}${text}`,
        subject: text,
        sender: text,
        endpointHash: text,
        status: ['pending', 'delivered', 'failed'][i % 3],
        createdAt: '2026-02-02T02:40:00.000Z',
        expiresAt: null,
      });
    }
  });

  it('expire when they did: never at 0, and at the ends of the calendar where a ttl lies beyond it', () => {
    using older = olderHome();
    const last = '9999-12-31T23:59:59.999Z';
    const ttls: [SqliteValue, string | null][] = [
      [0, null],
      [-0.0, null],
      [1, '1970-01-01T00:00:00.001Z'],
      [-1, '1969-12-31T23:59:59.999Z'],
      [-1001, '1969-12-31T23:59:58.999Z'],
      [1770000000124.75, '2026-02-02T02:40:00.124Z'],
      [-1.5, '1969-12-31T23:59:59.999Z'],
      [253402300799999, last],
      [253402300800000, last],
      [Number.MAX_SAFE_INTEGER, last],
      [2n ** 63n - 1n, last],
      [1e300, last],
      [Number.POSITIVE_INFINITY, last],
      [-62167219200000, '0000-01-01T00:00:00.000Z'],
      [-62167219200001, '0000-01-01T00:00:00.000Z'],
      [-(2n ** 63n), '0000-01-01T00:00:00.000Z'],
      [Number.NEGATIVE_INFINITY, '0000-01-01T00:00:00.000Z'],
      ['2026-02-02T02:40:00.124Z', '2026-02-02T02:40:00.124Z'],
    ];
    older.write('relay/index.db', MESSAGES, { messages: ttls.map(([ttl], i) => message(`m${i}`, { ttl })) });
    const receipt = importLegacy(older.db, { home: older.home });
    assert.deepEqual(
      rowsOf(older.db, 'relay_index').map(({ expires_at }) => expires_at),
      ttls.map(([, iso]) => iso),
    );
    assert.deepEqual(adjustedOf(receipt, 'relay/index.db'), {
      ttl_fraction_cut: 2,
      ttl_after_the_year_9999: 5,
      ttl_before_the_year_0: 3,
    });
    const index = new SqliteIndex(older.db);
    index.deleteExpired(Date.parse('5000-01-01T00:00:00.000Z'));
    assert.equal(index.getMetrics().totalMessages, 8);
  });

  it('that do not fit are set aside, and those in another form are read by a rule', () => {
    using older = olderHome();
    older.write('relay/index.db', MESSAGES, {
      messages: [
        message('a', { created_at: '2026-02-02T03:40:00.5+01:00' }),
        message('b', { created_at: '2026-02-02 02:40:00' }),
        message('c', { created_at: '1770000000000' }),
        message('d', { created_at: '1770000000000.0' }),
        message('e', { created_at: '2026-02-02T02:40:00Z' }),
        message('f', { created_at: '' }),
        message('g', { status: 'NEW' }),
        message('h', { ttl: 'soon' }),
        message('i', { subject: new Uint8Array([255]) }),
        message('j', { created_at: 'x'.repeat(100_000) }),
        message('k'),
      ],
    });
    const receipt = importLegacy(older.db, { home: older.home });
    assert.deepEqual(
      rowsOf(older.db, 'relay_index').map(({ id, created_at }) => [id, created_at]),
      [['a', '2026-02-02T02:40:00.500Z'], ...['b', 'c', 'd', 'e', 'k'].map((id) => [id, '2026-02-02T02:40:00.000Z'])],
    );
    assert.deepEqual(reasonsOf(receipt, 'relay/index.db'), {
      f: 'created_at must be an instant of the years 0 to 9999',
      g: 'status must be a known value',
      h: 'ttl must be an instant of the years 0 to 9999',
      i: 'subject must be text',
      j: 'created_at must be an instant of the years 0 to 9999',
    });
    assert.deepEqual(adjustedOf(receipt, 'relay/index.db'), {
      created_at_instant_in_another_form: 2,
      created_at_instant_without_zone_is_utc: 1,
      created_at_instant_from_millisecond_text: 2,
    });
  });

  it('with rowids at both ends of 64 bits are read', () => {
    using older = olderHome();
    using file = older.open('relay/index.db');
    file.exec(MESSAGES);
    for (const rowid of ['9223372036854775807', '-9223372036854775808', '9007199254740993', '0']) {
      file.exec(`INSERT INTO messages (rowid, id, subject, sender, endpoint_hash, status, created_at, ttl)
        VALUES (${rowid}, 'm${rowid}', 's', 's', 'h', ${rowid === '0' ? "'odd'" : "'new'"}, '2026-02-02T02:40:00.000Z', 0)`);
    }
    file.exec(`INSERT INTO messages (rowid, id, subject, sender, endpoint_hash, status, created_at, ttl)
      VALUES (9007199254740995, 'bad', 's', 's', 'h', 'odd', '2026-02-02T02:40:00.000Z', 0)`);
    file.close();
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.deepEqual([receipt.read, receipt.imported], [5, 3]);
    assert.deepEqual(
      receipt.setAsideRows.map(({ row }) => row),
      ['0', '9007199254740995'],
    );
  });

  it('that do not fit by the thousand are counted all and listed up to a thousand', () => {
    using older = olderHome();
    using file = older.open('relay/index.db');
    file.exec(MESSAGES);
    file.exec(`INSERT INTO messages WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < 45000)
      SELECT 'm' || n, 's', 's', 'h', CASE n % 2 WHEN 0 THEN 'odd' ELSE 'new' END, '2026-02-02T02:40:00.000Z', 0 FROM i`);
    file.close();
    const receipt = receiptOf(importLegacy(older.db, { home: older.home }), 'relay/index.db');
    assert.deepEqual([receipt.read, receipt.imported, receipt.setAside], [45_000, 22_500, 22_500]);
    assert.equal(receipt.setAsideRows.length, 1000);
    assert.deepEqual(receipt.setAsideReasons, [
      { table: 'messages', reason: 'status must be a known value', rows: 22_500 },
    ]);
    assert.ok(String(rowsOf(older.db, 'legacy_imports')[0]?.receipt_json).length < 200_000);
  });
});

describe(`spans on ${RUNTIME}`, () => {
  it('keep their instants to the millisecond, negative and fractional ones too', () => {
    using older = olderHome();
    const times = [0, 1, -1, -999, -1000, 1770000000123, 1770000000123.9, -0.5, -62167219200000, 253402300799999];
    const spans = times.map((ms, i) =>
      span(`m${i}`, { sent_at: ms, delivered_at: ms, processed_at: i % 2 ? ms : null }),
    );
    older.write('relay/index.db', TRACES, { message_traces: spans });
    const receipt = importLegacy(older.db, { home: older.home });
    assert.equal(receipt.setAside, 0);
    assert.deepEqual(
      rowsOf(older.db, 'relay_traces').map(({ sent_at, delivered_at, processed_at }) => [
        sent_at,
        delivered_at,
        processed_at,
      ]),
      times.map((ms, i) => {
        const iso = new Date(ms).toISOString();
        return [iso, iso, i % 2 ? iso : null];
      }),
    );
    assert.equal(adjustedOf(receipt, 'relay/index.db').sent_at_fraction_cut, 2);
  });

  it('have ids that rise with their rows, also where the rowids are far apart', () => {
    using older = olderHome();
    using file = older.open('relay/index.db');
    file.exec(TRACES);
    for (const rowid of ['-9223372036854775808', '-5', '3', '9007199254740993', '9223372036854775807']) {
      file.exec(`INSERT INTO message_traces (rowid, message_id, trace_id, span_id, subject, from_endpoint, to_endpoint, sent_at)
        VALUES (${rowid}, 'm${rowid}', 't', 's', 's', 'f', 't', 1770000000000)`);
    }
    file.close();
    assert.equal(importLegacy(older.db, { home: older.home }).imported, 5);
    const rows = rowsOf(older.db, 'relay_traces');
    assert.deepEqual(
      rows.map(({ message_id }) => message_id),
      ['m-9223372036854775808', 'm-5', 'm3', 'm9007199254740993', 'm9223372036854775807'],
    );
    const ids = rows.map(({ id }) => String(id));
    assert.deepEqual([...new Set(ids)].sort(), ids);
    for (const id of ids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
  });

  it('beyond the years 0 to 9999 or without a status that is known are set aside', () => {
    using older = olderHome();
    const spans = [
      span('late', { sent_at: 253402300800000 }),
      span('early', { sent_at: -62167219200001 }),
      span('endless', { delivered_at: Number.POSITIVE_INFINITY }),
      span('status', { status: 'gone' }),
      span('hops', { budget_hops_used: 'many' }),
      span('huge', { budget_ttl_remaining_ms: 1e300 }),
      span('good', { budget_hops_used: 1.5, budget_ttl_remaining_ms: -7 }),
    ];
    older.write('relay/index.db', TRACES, { message_traces: spans });
    const receipt = importLegacy(older.db, { home: older.home });
    assert.deepEqual(reasonsOf(receipt, 'relay/index.db'), {
      late: 'sent_at must be an instant of the years 0 to 9999',
      early: 'sent_at must be an instant of the years 0 to 9999',
      endless: 'delivered_at must be an instant of the years 0 to 9999',
      status: 'status must be a known value',
      hops: 'budget_hops_used must be a number',
      huge: 'budget_ttl_remaining_ms must fit in 64 bits',
    });
    const good = new TraceStore(older.db).getSpanByMessageId('good');
    assert.deepEqual([good?.budgetHopsUsed, good?.budgetTtlRemainingMs], [1, -7]);
  });

  it('keep processed and dead_lettered, the order of a trace, and the metrics of an independent count', () => {
    using older = olderHome();
    const words = ['pending', 'delivered', 'processed', 'failed', 'dead_lettered', 'timeout'];
    const spans = Array.from({ length: 997 }, (_, i) => {
      const sent = 1770000000000 + Math.floor(i / 7);
      const delivered = i % 5 === 0 ? null : sent + ((i * 7919) % 1009);
      return span(`m${(i * 31) % 997}`, {
        trace_id: `t${i % 10}`,
        to_endpoint: `e${i % 13}`,
        status: words[i % 6] ?? '',
        sent_at: sent,
        delivered_at: delivered,
      });
    });
    older.write('relay/index.db', TRACES, { message_traces: spans });
    importLegacy(older.db, { home: older.home });
    const traces = new TraceStore(older.db);
    const latencies = spans
      .filter(({ delivered_at }) => delivered_at !== null)
      .map(({ sent_at, delivered_at }) => Number(delivered_at) - Number(sent_at))
      .sort((a, b) => a - b);
    const count = (...statuses: string[]) => spans.filter(({ status }) => statuses.includes(String(status))).length;
    const metrics = traces.getMetrics();
    assert.equal(metrics.totalMessages, 997);
    assert.equal(metrics.deliveredCount, count('delivered', 'processed'));
    assert.equal(metrics.failedCount, count('failed'));
    assert.equal(metrics.deadLetteredCount, count('dead_lettered', 'timeout'));
    assert.equal(metrics.p95DeliveryLatencyMs, latencies[Math.floor(latencies.length * 0.95)]);
    assert.equal(metrics.avgDeliveryLatencyMs, latencies.reduce((sum, each) => sum + each, 0) / latencies.length);
    assert.equal(metrics.activeEndpoints, 13);
    for (let t = 0; t < 10; t++) {
      const ordered = spans.filter(({ trace_id }) => trace_id === `t${t}`).map(({ message_id }) => message_id);
      assert.deepEqual(
        traces.getTrace(`t${t}`).map(({ messageId }) => messageId),
        ordered,
      );
    }
  });
});
