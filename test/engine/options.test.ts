import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import * as entry from '#entry';
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
  }
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
