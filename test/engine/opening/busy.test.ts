import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type CreateDbOptions, createDb, runMigrations } from '#entry';
import { history } from '../../../drizzle/history.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { RUNTIME, type Runtime, runtimeCommand } from '../../support/runtime.ts';

/** Ends a process whose openings wait longer than they are asked to: by a driver's default, six of them take 30 seconds. */
const ENDS_WITHIN_MS = 20_000;

/** What six openings in another process meet, one after the other. */
function openOften(runtime: Runtime, file: string, options: CreateDbOptions): string[] {
  const [command, script] = runtimeCommand('test/engine/opening/fixtures/open-often.ts', runtime);
  const { stdout, stderr, signal } = spawnSync(command, [script, file, JSON.stringify(options)], {
    encoding: 'utf8',
    timeout: ENDS_WITHIN_MS,
  });
  assert.deepEqual({ signal, stderr }, { signal: null, stderr: '' }, stdout);
  return stdout.trim().split('\n');
}

const BUSY = new Array<string>(6).fill('SQLITE_BUSY');
const OPENED = new Array<string>(6).fill('opened');

describe(`busyTimeoutMs, on ${RUNTIME}`, () => {
  for (const other of ['bun', 'node'] as const) {
    it(`is how long ${other} waits for a process that has the file and its -wal for itself`, () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      createDb(file).$client.close();
      using holder = createDb(file);
      holder.$client.exec(
        "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO rate_limit_buckets VALUES ('a', 1, 1); COMMIT",
      );
      assert.ok(existsSync(`${file}-wal`));
      for (const options of [{}, { readonly: true }, { migrations: 'skip' }] as const)
        assert.deepEqual(openOften(other, file, { ...options, busyTimeoutMs: 20 }), BUSY);
      holder.$client.close();
      assert.deepEqual(openOften(other, file, { busyTimeoutMs: 20 }), OPENED);
    });

    it(`is how long ${other} waits to migrate beside a process that writes`, () => {
      using folder = temporaryFolder();
      const file = folder.file('dork.db');
      const { migrations } = history;
      runMigrations(file, { history: { ...history, schema: undefined, migrations: migrations.slice(0, -1) } });
      using holder = createDb(file, { migrations: 'skip' });
      holder.$client.exec('BEGIN IMMEDIATE');
      assert.deepEqual(openOften(other, file, { busyTimeoutMs: 20 }), BUSY);
      holder.$client.exec('COMMIT');
      assert.deepEqual(openOften(other, file, { busyTimeoutMs: 20 }), OPENED);
    });
  }
});
