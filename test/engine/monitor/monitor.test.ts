import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import {
  ClosedError,
  closeDb,
  createDb,
  DatabaseBusyError,
  type Db,
  health,
  InvalidInputError,
  type MonitorOptions,
  type MonitorSample,
  monitor,
  PulseStore,
  prometheusText,
} from '#entry';
import { withoutValues } from '../../../src/engine/monitor/statement-text.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { runtimeCommand } from '../../support/runtime.ts';
import { hold, OTHER } from '../health/fixtures/holder.ts';

const DENY = "INSERT INTO agent_denials (id, path, created_at) VALUES (?, ?, '2026-01-01T00:00:00.000Z')";

/** A statement that takes some milliseconds, with a value in its text. */
const SLOW =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT 'secret', sum(i) FROM n";

function denials(db: Db) {
  const statement = db.$client.prepare(DENY);
  return (id: string) => statement.run(id, id);
}

describe('monitor', () => {
  it('and health answer inside a loop over iterate()', async () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    const deny = denials(db);
    for (let i = 0; i < 10; i++) deny(String(i));
    const samples: number[] = [];
    using watch = monitor(db, { everyMs: 1, onSample: ({ walBytes }) => samples.push(walBytes) });
    let rows = 0;
    for (const _ of db.$client.prepare('SELECT id FROM agent_denials').iterate()) {
      rows++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      assert.ok(watch.sample().walBytes > 0);
      for (const deep of [false, 'quick', true] as const) {
        const errors = health(db, { deep }).findings.filter(({ severity }) => severity === 'error');
        assert.deepEqual(errors, []);
      }
    }
    assert.equal(rows, 10);
    assert.ok(samples.length > 0);
  });

  it('counts the transactions that wrote and were committed, and no others', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    // Prepared before the monitor begins.
    const deny = denials(db);
    deny('before');
    using watch = monitor(db);
    const commits = (fn: () => void): number => {
      const { commits: before } = watch.sample();
      fn();
      return watch.sample().commits - before;
    };
    assert.equal(watch.sample().commits, 0);
    assert.equal(
      commits(() => deny('alone')),
      1,
    );
    assert.equal(
      commits(() => db.transaction(() => ['a', 'b', 'c'].forEach(deny))),
      1,
    );
    assert.equal(
      commits(() => db.transaction(() => db.transaction(() => deny('nested')))),
      1,
    );
    assert.equal(
      commits(() => db.transaction(() => db.$client.prepare('SELECT 1').get())),
      0,
      'nothing written',
    );
    const none = db.$client.prepare("UPDATE agent_denials SET reason = 'x' WHERE id = 'nobody'");
    const noneBack = db.$client.prepare("DELETE FROM agent_denials WHERE id = 'nobody' RETURNING id");
    assert.equal(
      commits(() => {
        none.run();
        noneBack.all();
        db.transaction(() => [none.run(), noneBack.get()]);
      }),
      0,
      'nothing changed',
    );
    assert.equal(
      commits(() => db.transaction(() => [deny('then none'), none.run()])),
      1,
    );
    assert.equal(
      commits(() => db.$client.prepare('SELECT count(*) FROM agents').all()),
      0,
    );
    const undo = () =>
      db.transaction(() => {
        deny('undone');
        throw new Error('undo');
      });
    assert.equal(
      commits(() => assert.throws(undo, /undo/)),
      0,
    );
    assert.equal(
      commits(() => assert.throws(() => deny('alone'))),
      0,
      'a constraint',
    );
    const inner = () =>
      db.transaction(() => {
        deny('kept');
        assert.throws(undo);
      });
    assert.equal(commits(inner), 1, 'a savepoint rolled back inside');
    assert.equal(
      commits(() => new PulseStore(db).createSchedule({ name: 'a', cron: '* * * * *', prompt: 'p' })),
      1,
    );
    assert.equal(db.$client.prepare('SELECT count(*) AS n FROM agent_denials').get()?.n, 8);
  });

  it('gives sizes, counts statements of every kind of call, and none of its own', () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file);
    using watch = monitor(db);
    const select = db.$client.prepare('SELECT id FROM agents');
    select.get();
    select.all();
    select.values();
    assert.deepEqual([...select.iterate()], []);
    db.$client.prepare('UPDATE agents SET name = name').run();
    const sample = watch.sample();
    assert.equal(watch.sample().statements, 5);
    assert.ok(sample.statementMs > 0);
    assert.equal(sample.filename, file);
    assert.equal(sample.fileBytes, statSync(file).size);
    assert.equal(sample.walBytes, statSync(`${file}-wal`).size);
    assert.ok((sample.walPendingBytes ?? 0) > 0);
    assert.ok(sample.uptimeMs > 0);
    using memory = createDb(':memory:');
    using other = monitor(memory);
    assert.deepEqual([other.sample().fileBytes, other.sample().walPendingBytes], [0, undefined]);
  });

  it('names slow statements without a value of theirs', () => {
    using db = createDb(':memory:');
    using watch = monitor(db, { slowMs: 1 });
    db.$client.prepare(SLOW).all();
    db.$client.prepare(SLOW.replace('secret', 'hunter2')).get();
    const [slow, ...others] = watch.sample().slowStatements;
    assert.deepEqual(others, []);
    assert.equal(
      slow?.sql,
      'WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + ? FROM n WHERE i < ?) SELECT ?, sum(i) FROM n',
    );
    assert.equal(slow?.count, 2);
    assert.ok((slow?.maxMs ?? 0) >= 1 && (slow?.totalMs ?? 0) >= (slow?.maxMs ?? 0));
    assert.ok(!Number.isNaN(Date.parse(slow?.lastAt ?? '')));
    assert.equal(watch.sample().slowRuns, 2);
    using calm = monitor(db, { slowMs: 60_000 });
    db.$client.prepare(SLOW).all();
    assert.deepEqual(calm.sample().slowStatements, []);
  });

  it('keeps no more than a hundred different slow statements', () => {
    using db = createDb(':memory:');
    using watch = monitor(db, { slowMs: 0 });
    for (let i = 0; i < 150; i++) db.$client.prepare(`SELECT id AS name_${i} FROM agents`).all();
    assert.equal(watch.sample().slowStatements.length, 100);
    assert.equal(watch.sample().slowRuns, 150);
  });

  it('counts who waited for the write lock, and who waited in vain', { timeout: 60_000 }, async () => {
    using folder = temporaryFolder();
    const file = folder.file('dork.db');
    using db = createDb(file, { busyTimeoutMs: 50 });
    const deny = denials(db);
    using watch = monitor(db);
    db.transaction(() => deny('first'));
    const calm = watch.sample();
    assert.equal(calm.busyErrors, 0);
    await using writer = await hold(OTHER, file, 'write');
    assert.throws(() => db.transaction(() => deny('second')), DatabaseBusyError);
    assert.throws(() => deny('third'), DatabaseBusyError);
    const after = watch.sample();
    assert.equal(after.busyErrors, 2);
    assert.deepEqual([calm.busyWaits, after.busyWaits], [0, 2]);
    assert.ok(after.busyWaitMs >= 2 * 50);
    assert.ok(after.statementMs >= after.busyWaitMs);
    assert.equal(after.commits, calm.commits);
    await writer.release();
    db.transaction(() => deny('fourth'));
    assert.equal(watch.sample().commits, calm.commits + 1);
  });

  it('hands out samples until it is stopped or the database is closed', async () => {
    using folder = temporaryFolder();
    const db = createDb(folder.file('dork.db'));
    const samples: MonitorSample[] = [];
    const watch = monitor(db, { everyMs: 5, onSample: (sample) => samples.push(sample) });
    while (samples.length < 3) await pause(5);
    watch.stop();
    watch.stop();
    const { length } = samples;
    denials(db)('unseen');
    await pause(30);
    assert.equal(samples.length, length);
    assert.equal(watch.sample().commits, 0, 'statements are no longer looked at');

    const more: MonitorSample[] = [];
    const second = monitor(db, { everyMs: 5, onSample: (sample) => more.push(sample) });
    closeDb(db);
    await pause(30);
    assert.equal(more.length, 0);
    assert.throws(() => second.sample(), ClosedError);
    assert.throws(() => monitor(db), ClosedError);
  });

  it('stands beside another one of the same connection', () => {
    using db = createDb(':memory:');
    const deny = denials(db);
    const first = monitor(db);
    deny('a');
    const second = monitor(db);
    deny('b');
    first.stop();
    deny('c');
    assert.deepEqual([first.sample().commits, second.sample().commits], [2, 2]);
    second.stop();
    deny('d');
    assert.equal(second.sample().commits, 2);
  });

  it('does not keep a process alive', { timeout: 60_000 }, () => {
    const [command, script] = runtimeCommand('test/engine/monitor/fixtures/watch-and-end.ts');
    const { status, stdout } = spawnSync(command, [script], { encoding: 'utf8', timeout: 50_000 });
    assert.deepEqual({ status, stdout }, { status: 0, stdout: 'end\n' });
  });

  it('refuses options that do not fit', () => {
    using db = createDb(':memory:');
    const refused: unknown[] = [
      { everyMs: 0 },
      { everyMs: '1' },
      { slowMs: -1 },
      { everyMs: 2 ** 31 },
      { onSample: 1 },
    ];
    for (const options of refused) assert.throws(() => monitor(db, options as MonitorOptions), InvalidInputError);
  });
});

describe('the text of a statement without values', () => {
  const names = new Set(['agents', 'name', 'order']);
  const cases: [sql: string, shown: string][] = [
    ["SELECT 'a''b', x'00ff', 12, 1.5e-3, .5 FROM agents", 'SELECT ?, ?, ?, ?, ? FROM agents'],
    [
      'SELECT "name" AS "createdAt", "secret", "t"."id" FROM "agents" "t"',
      'SELECT "name" AS "createdAt", ?, "t"."id" FROM "agents" ?',
    ],
    [
      'SELECT [odd name], `x` FROM t1 WHERE a = ?1 AND b = :b AND c = $c',
      'SELECT [odd name], `x` FROM t1 WHERE a = ?1 AND b = :b AND c = $c',
    ],
    ["-- secret\nSELECT /* secret */ 1\n  , 2 -- 'it''s", 'SELECT ? , ?'],
    ["SELECT 'never closed secret", 'SELECT ?'],
    ['SELECT "never closed secret', 'SELECT ?'],
    ['SELECT 0x1F, é1 FROM agents LIMIT 50', 'SELECT ?, é1 FROM agents LIMIT ?'],
  ];
  for (const [sql, shown] of cases) {
    it(`of ${sql.slice(0, 40).replaceAll('\n', ' ')}`, () => assert.equal(withoutValues(sql, names), shown));
  }

  it('is short however long the statement is', () => {
    assert.ok(withoutValues(`SELECT ${'name, '.repeat(1000)} 1`, names).length <= 500);
  });
});

describe('prometheusText', () => {
  it('has help, type and value of every metric, with the labels that are asked for', () => {
    using folder = temporaryFolder();
    using db = createDb(folder.file('dork.db'));
    using watch = monitor(db);
    denials(db)('a');
    const sample = watch.sample();
    const lines = prometheusText(sample).split('\n');
    assert.equal(lines.pop(), '', 'it ends with a line end');
    assert.equal(lines.length % 3, 0);
    for (let i = 0; i < lines.length; i += 3) {
      const [, name, type] = /^# TYPE (dork_db_\w+) (gauge|counter)$/.exec(lines[i + 1] ?? '') ?? [];
      assert.ok(name, lines[i + 1]);
      assert.match(lines[i] ?? '', new RegExp(`^# HELP ${name} .+\\.$`));
      assert.equal(type === 'counter', name.endsWith('_total'));
      assert.match(lines[i + 2] ?? '', new RegExp(`^${name}\\{file="[^"]+"\\} [0-9.e+-]+$`));
    }
    assert.ok(lines.includes(`dork_db_commits_total{file="${folder.file('dork.db')}"} 1`));
    assert.ok(lines.includes(`dork_db_file_bytes{file="${folder.file('dork.db')}"} ${sample.fileBytes}`));
    assert.match(prometheusText(sample, {}), /^dork_db_commits_total 1$/m);
    for (const other of ['sample', undefined, null, {}])
      assert.throws(() => prometheusText(other as unknown as typeof sample), {
        code: 'INVALID_INPUT',
        message: /^sample /,
      });
    assert.match(
      prometheusText(sample, { host: 'a"b\\c\nd', app: 'dork' }),
      /^dork_db_commits_total\{host="a\\"b\\\\c\\nd",app="dork"\} 1$/m,
    );
    assert.throws(() => prometheusText(sample, { 'no-name': 'x' }), InvalidInputError);
    using memory = createDb(':memory:');
    using other = monitor(memory);
    assert.ok(!prometheusText(other.sample()).includes('wal_pending_bytes'), 'what is not known is not given');
  });
});
