import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { after, describe, it } from 'node:test';
import * as entry from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { RUNTIME } from '../support/runtime.ts';

const { createDb, InvalidInputError } = entry;

describe(`options that are no object, on ${RUNTIME}`, () => {
  const db = createDb(':memory:');
  after(() => entry.closeDb(db));
  const calls: Record<string, (options: never) => unknown> = {
    backup: (options) => entry.backup(db, options),
    backupDaily: (options) => entry.backupDaily(db, '/nowhere', options),
    checkpoint: (options) => entry.checkpoint(db, options),
    compact: (options) => entry.compact('/nowhere/dork.db', options),
    createDb: (options) => createDb(':memory:', options),
    health: (options) => entry.health(db, options),
    importLegacy: (options) => entry.importLegacy(db, options),
    monitor: (options) => entry.monitor(db, options),
    prune: (options) => entry.prune(db, options),
    pruneBackups: (options) => entry.pruneBackups('/nowhere', {}, options),
    'pruneBackups, its policy,': (policy) => entry.pruneBackups('/nowhere', policy),
    recover: (options) => entry.recover(options),
    rehearseMigrations: (options) => entry.rehearseMigrations('/nowhere/dork.db', options),
    repairLedger: (options) => entry.repairLedger(db, '0000_consolidate', options),
    restore: (options) => entry.restore(options),
    runMigrations: (options) => entry.runMigrations(db, options),
    verifyBackup: (options) => entry.verifyBackup('/nowhere/dork.db', options),
  };

  for (const [name, call] of Object.entries(calls)) {
    it(`are refused by ${name}()`, async () => {
      for (const options of [null, 1, 'text', Symbol('options')]) {
        await assert.rejects(async () => await call(options as never), InvalidInputError);
      }
    });

    it(`have only known names for ${name}()`, async () => {
      await assert.rejects(async () => await call({ nonsense: true } as never), {
        name: 'InvalidInputError',
        field: name.includes('policy') ? 'policy.nonsense' : 'options.nonsense',
      });
    });
  }
});

describe(`a misspelled option, on ${RUNTIME}`, () => {
  it('is refused with the name that was meant, and nothing is done', async () => {
    using folder = temporaryFolder();
    const path = folder.file('dork.db');
    assert.throws(() => createDb(path, { readOnly: true } as never), {
      field: 'options.readOnly',
      message: /did you mean readonly\?/,
      hint: /readonly, busyTimeoutMs, migrations/,
    });
    assert.equal(existsSync(path), false);
    using db = createDb(path);
    const made = await entry.backup(db);
    entry.closeDb(db);
    await assert.rejects(entry.restore({ from: made.path, to: path, dryrun: true } as never), {
      message: /did you mean dryRun\?/,
    });
    const backups = folder.file('backups');
    await assert.rejects(entry.pruneBackups(backups, { preMigration: 0, daily: 0 }, { dryrun: true } as never), {
      field: 'options.dryrun',
    });
    assert.deepEqual(readdirSync(backups), [basename(made.path)]);
  });

  it('is refused by the stores and by pragma(), while unknown keys of what they store are ignored', () => {
    using db = createDb(':memory:');
    const pulse = new entry.PulseStore(db);
    const relay = new entry.SqliteIndex(db);
    assert.throws(() => pulse.listRuns({ scheduleID: 'a' } as never), { message: /did you mean scheduleId\?/ });
    assert.throws(() => pulse.getSchedules({ nextRun: true } as never), { field: 'options.nextRun' });
    assert.throws(() => relay.queryMessages({ endpoint: 'a' } as never), { field: 'options.endpoint' });
    assert.throws(() => new entry.TraceStore(db).getMetrics({ after: 1 } as never), { field: 'options.after' });
    assert.throws(() => db.$client.pragma('user_version', { simpel: true } as never), {
      message: /did you mean simple\?/,
    });
    const schedule = pulse.createSchedule({ name: 'a', prompt: 'b', cron: '* * * * *', extra: 1 } as never);
    assert.equal(schedule.name, 'a');
  });

  it('is any name that an object has by birth, and one without a like is not guessed', () => {
    assert.throws(() => createDb(':memory:', { toString: 1 } as never), { field: 'options.toString' });
    assert.throws(() => createDb(':memory:', { verbose: console.log } as never), {
      message: 'options.verbose is unknown. Nothing was written.',
    });
  });
});

describe(`options of the wrong kind, on ${RUNTIME}`, () => {
  it('are refused where they would become a part of SQL, or mean nothing', () => {
    using db = createDb(':memory:');
    for (const lockTimeoutMs of ['1; DROP TABLE agents', -1, 0.5, Number.NaN]) {
      assert.throws(() => entry.runMigrations(db, { lockTimeoutMs: lockTimeoutMs as never }), {
        name: 'InvalidInputError',
        field: 'options.lockTimeoutMs',
      });
    }
    assert.deepEqual(db.$client.prepare('SELECT * FROM agents').all(), []);
    assert.throws(() => createDb(':memory:', { readonly: true }), { field: 'options.readonly' });
  });
});

describe(`computeHealthStatus() on ${RUNTIME}`, () => {
  it('takes what is no text for never, and refuses an instant that is no number', () => {
    assert.equal(entry.computeHealthStatus(Symbol('never') as never), 'stale');
    assert.throws(() => entry.computeHealthStatus('2026-01-01T00:00:00.000Z', 1n as never), InvalidInputError);
  });
});

describe(`readHistory() on ${RUNTIME}`, () => {
  it('refuses what is no text', () => {
    assert.throws(() => entry.readHistory(Symbol('folder') as never), InvalidInputError);
  });
});
