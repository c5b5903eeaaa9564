/** A host's file of 100 migrations: rehearsed, its ledger repaired, examined, and led by its own command line. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type HealthReport, InvalidInputError, MigrationError } from '#entry';
import { countRows } from '../../../src/engine/migrations/rows.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { DRIVER, RUNTIME, runtimeCommand } from '../../support/runtime.ts';
import { contents, SLOW_DISK_MS } from '../backup/support.ts';
import { type Dump, dump, edited, growingHost, MIGRATIONS, populate } from './hundred.ts';

const EDITED = 37;

type Host = ReturnType<typeof growingHost>;

/** A file with rows after so many migrations, closed. */
function fileAt(count: number, file: string): string {
  using db = growingHost(count).createDb(file);
  populate(db.$client, count, 5);
  return file;
}

function dumpOf(host: Host, file: string): Dump {
  using db = host.createDb(file);
  return dump(db.$client);
}

const errorsOf = ({ findings }: HealthReport) =>
  findings.filter(({ severity }) => severity === 'error').map(({ check }) => check);

describe(`a host's file of ${MIGRATIONS} migrations, on ${DRIVER}`, { timeout: 5 * SLOW_DISK_MS }, () => {
  for (const from of [1, 20, 55, 90, MIGRATIONS - 1]) {
    it(`is rehearsed after ${from} of them as it then is migrated, and is not touched`, () => {
      using folder = temporaryFolder();
      const file = fileAt(from, folder.file('host.db'));
      const before = contents(folder.path);
      const rehearsed = growingHost().rehearseMigrations(file);
      assert.deepEqual(contents(folder.path), before);
      assert.deepEqual([rehearsed.problem, rehearsed.drift, rehearsed.dangling], [undefined, [], []]);
      const report = growingHost().runMigrations(file, { snapshot: false });
      const tags = (applied: typeof report.applied) => applied.map(({ tag }) => tag);
      assert.deepEqual(tags(rehearsed.applied), tags(report.applied));
      using db = growingHost().createDb(file);
      const after = Object.fromEntries(
        rehearsed.rows.flatMap((row) => (row.after === undefined ? [] : [[row.table, row.after]])),
      );
      assert.deepEqual(after, countRows(db.$client));
    });
  }

  it('is refused with an edited migration until its ledger is repaired, and keeps everything', () => {
    using folder = temporaryFolder();
    const file = fileAt(MIGRATIONS, folder.file('host.db'));
    const before = dumpOf(growingHost(), file);
    const host = edited(EDITED);
    assert.equal(host.migrationStatus(file).state, 'edited');
    assert.match(host.rehearseMigrations(file).problem?.hint ?? '', /host-db repair-ledger 0037_/);
    const refused = (error: unknown) => error instanceof MigrationError && error.kind === 'edited';
    assert.throws(() => host.createDb(file), refused);
    const tag = growingHost().migrationStatus(file).applied[EDITED]?.tag ?? '';
    {
      using db = host.createDb(file, { migrations: 'skip' });
      for (const other of ['none', growingHost().migrationStatus(file).applied[1]?.tag ?? ''])
        assert.throws(() => host.repairLedger(db, other), InvalidInputError);
      const { drift, isCosmetic, by } = host.repairLedger(db, tag, { by: 'ada', reason: 'a comment' });
      assert.deepEqual([drift, isCosmetic, by], [[], true, 'ada']);
      const log = db.$client.prepare("SELECT tag FROM __host_migrations_log WHERE event = 'repaired'").values();
      assert.deepEqual(log, [[tag]]);
    }
    assert.equal(host.migrationStatus(file).state, 'current');
    assert.deepEqual(dumpOf(host, file), before);
    assert.throws(() => growingHost().createDb(file), refused);
  });

  const WRONG: Record<string, readonly [sql: string, check: string]> = {
    'a row that refers to nothing': ['PRAGMA foreign_keys = OFF; UPDATE things_96 SET owner_id = 999', 'foreign-keys'],
    'a lost column': ['PRAGMA foreign_keys = OFF; ALTER TABLE things_96 RENAME COLUMN title TO heading', 'schema'],
    'a lost table': ['DROP TABLE counters', 'schema'],
    'a ledger that lacks an entry': ['DELETE FROM __drizzle_migrations WHERE rowid = 50', 'migrations'],
    'a ledger of a newer version': [
      "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9e12)",
      'migrations',
    ],
  };

  for (const [what, [sql, check]] of Object.entries(WRONG)) {
    it(`is examined, and ${what} is an error`, () => {
      using folder = temporaryFolder();
      const file = fileAt(MIGRATIONS, folder.file('host.db'));
      using db = growingHost().createDb(file);
      assert.deepEqual(errorsOf(growingHost().health(db, { deep: true })), []);
      db.$client.exec(sql);
      assert.ok(errorsOf(growingHost().health(db, { deep: true })).includes(check), what);
    });
  }

  it('is led by its command line: migrated, rehearsed, damaged, restored, recovered, repaired', {
    timeout: 5 * SLOW_DISK_MS,
  }, () => {
    using folder = temporaryFolder();
    const file = folder.file('host.db');
    const [command, script] = runtimeCommand('test/engine/hosts/fixtures/host-db.ts', RUNTIME);
    const run = (args: readonly string[], env: Record<string, string> = {}) => {
      const { status, stdout, stderr } = spawnSync(command, [script, ...args, '--db', file], {
        encoding: 'utf8',
        env: { ...process.env, NO_COLOR: '1', ...env },
      });
      return { code: status, out: stdout, err: stderr };
    };
    const json = (args: readonly string[], env: Record<string, string> = {}) => {
      const { code, out, err } = run([...args, '--json'], env);
      assert.ok(code === 0 || code === 3, `${args}: ${out}${err}`);
      return JSON.parse(out);
    };
    assert.equal(json(['migrate'], { HOST_MIGRATIONS: '50' }).applied.length, 50);
    fileAt(50, file);
    assert.equal(json(['migrate', '--rehearse']).applied.length, 50);
    assert.equal(json(['status'], { HOST_MIGRATIONS: '50' }).migrations?.pending?.length ?? 0, 0);
    assert.equal(json(['migrate']).applied.length, 50);
    const kept = dumpOf(growingHost(), file);
    const { path } = json(['backup', '--to', folder.file('kept.db')]);
    assert.deepEqual(json(['verify', path]).problem, undefined);
    copyFileSync(file, folder.file('edited.db'));

    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 4096, 8192));
    const examined = run(['doctor', '--deep']);
    assert.equal(examined.code, 1, examined.out);
    assert.match(examined.err, /restore the newest backup/);
    const saved = json(['recover', '--to', folder.file('saved.db')]);
    assert.ok(saved.rows.people > 0);
    const restored = run(['restore', path, '--yes']);
    assert.equal(restored.code, 0, restored.err);
    assert.deepEqual(dumpOf(growingHost(), file), kept);

    const env = { HOST_EDITED: String(EDITED) };
    assert.match(run(['migrate'], env).err, /repair-ledger 0037_/);
    const tag = growingHost().migrationStatus(file).applied[EDITED]?.tag ?? '';
    assert.equal(json(['repair-ledger', tag, '--reason', 'a comment'], env).tag, tag);
    assert.equal(json(['migrate'], env).applied.length, 0);
    assert.notEqual(json(['doctor', '--deep'], env).severity, 'error');
    assert.deepEqual(dumpOf(edited(EDITED), file), kept);
  });
});
