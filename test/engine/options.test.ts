import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { after, describe, it } from 'node:test';
import * as drizzle from 'drizzle-orm';
import * as entry from '#entry';
import { temporaryFolder } from '../support/folder.ts';
import { RUNTIME } from '../support/runtime.ts';

const { createDb, InvalidInputError } = entry;

describe(`options that are no object, on ${RUNTIME}`, () => {
  const db = createDb(':memory:');
  after(() => entry.closeDb(db));
  const history = (more: object) => ({ migrations: [], ...more }) as never;
  const notes = entry.defineDb({ name: 'notes', schema: {}, history: { migrations: [] }, command: 'notes-db' });
  const calls: Record<string, (options: never) => unknown> = {
    'AgentRegistry.list': (filters) => new entry.AgentRegistry(db).list(filters),
    'AgentRegistry.listWithHealth': (filters) => new entry.AgentRegistry(db).listWithHealth(filters),
    backup: (options) => entry.backup(db, options),
    backupDaily: (options) => entry.backupDaily(db, '/nowhere', options),
    checkpoint: (options) => entry.checkpoint(db, options),
    commandLine: (options) => entry.commandLine(notes, options),
    'commandLine, a command,': (command) => entry.commandLine(notes, { argv: ['status'], commands: [command] }),
    'commandLine, a view,': (view) => entry.commandLine(notes, { argv: ['status'], views: [view] }),
    compact: (options) => entry.compact('/nowhere/dork.db', options),
    createDb: (options) => createDb(':memory:', options),
    'db.transaction': (config) => db.transaction(() => assert.fail('It was run.'), config),
    defineDb: (options) => entry.defineDb(options),
    'defineDb, its history,': (given) => entry.defineDb({ name: 'notes', schema: {}, history: given }),
    exportDb: (options) => entry.exportDb(db, options),
    health: (options) => entry.health(db, options),
    importExport: (options) => entry.importExport(options),
    importLegacy: (options) => entry.importLegacy(db, options),
    listBackups: (options) => entry.listBackups('/nowhere', options),
    'migrationStatus, a history,': (given) => entry.migrationStatus(db, given),
    monitor: (options) => entry.monitor(db, options),
    prune: (options) => entry.prune(db, options),
    pruneBackups: (options) => entry.pruneBackups('/nowhere', {}, options),
    'pruneBackups, its policy,': (policy) => entry.pruneBackups('/nowhere', policy),
    'PulseStore.getSchedules': (options) => new entry.PulseStore(db).getSchedules(options),
    'PulseStore.listRuns': (options) => new entry.PulseStore(db).listRuns(options),
    readRows: (options) => entry.readRows(db, 'agents', options),
    recover: (options) => entry.recover(options),
    rehearseMigrations: (options) => entry.rehearseMigrations('/nowhere/dork.db', options),
    'rehearseMigrations, a history,': (given) => entry.rehearseMigrations('/nowhere/dork.db', { history: given }),
    repairLedger: (options) => entry.repairLedger(db, '0000_consolidate', options),
    restore: (options) => entry.restore(options),
    runFigures: (options) => entry.runFigures(db, options),
    runMigrations: (options) => entry.runMigrations(db, options),
    'runMigrations, a history,': (given) => entry.runMigrations(db, { history: given }),
    'SqliteIndex.queryMessages': (options) => new entry.SqliteIndex(db).queryMessages(options),
    'TraceStore.getMetrics': (options) => new entry.TraceStore(db).getMetrics(options),
    traceFigures: (options) => entry.traceFigures(db, options),
    verifyBackup: (options) => entry.verifyBackup('/nowhere/dork.db', options),
    writer: (options) => entry.writer(options),
  };
  /** Functions of the entry without options; for those with a database, its kind is checked. */
  const withoutOptions: Record<string, ((db: never) => unknown) | undefined> = {
    activity: entry.activity,
    approximateSizes: entry.approximateSizes,
    callFigures: entry.callFigures,
    closeDb: entry.closeDb,
    computeHealthStatus: undefined,
    defaultDbPath: undefined,
    guardDomains: entry.guardDomains,
    moveReleaseAside: undefined,
    newId: undefined,
    optimize: entry.optimize,
    prometheusText: undefined,
    readHistory: undefined,
    waitingMessages: entry.waitingMessages,
  };
  const { AgentRegistry, BudgetMapper, DenialList, PulseStore, SqliteIndex, TraceStore } = entry;
  const stores = { AgentRegistry, BudgetMapper, DenialList, PulseStore, SqliteIndex, TraceStore };

  it('have a test for every function of the entry', () => {
    const known = new Set([
      ...Object.keys(calls).map((name) => name.split(',')[0]),
      ...Object.keys(withoutOptions),
      ...Object.keys(stores),
    ]);
    const functions = Object.entries(entry).filter(
      ([name, value]) => typeof value === 'function' && !(name in drizzle),
    );
    const names = functions.map(([name]) => name).filter((name) => !name.endsWith('Error'));
    assert.deepEqual(
      names.filter((name) => !known.has(name)),
      [],
    );
    assert.ok(names.length > 40, `${names.length} functions`);
  });

  it('are no database where one is expected', async () => {
    for (const given of [undefined, null, 5, '/nowhere/dork.db', {}, { $client: {} }] as never[]) {
      const wrong = { name: 'InvalidInputError', field: 'db' };
      for (const call of Object.values(withoutOptions))
        if (call) await assert.rejects(async () => await call(given), wrong);
      for (const Store of Object.values(stores)) assert.throws(() => new Store(given), wrong, Store.name);
      const others = [
        entry.backup,
        entry.checkpoint,
        entry.exportDb,
        entry.health,
        entry.importLegacy,
        entry.monitor,
        entry.runFigures,
      ];
      for (const call of others) await assert.rejects(async () => await call(given), wrong, call.name);
    }
    for (const call of [entry.runMigrations, entry.migrationStatus])
      assert.throws(() => call({ $client: {} } as never), { name: 'InvalidInputError', field: 'db' });
  });

  it('are no history if a migration lacks something', () => {
    const migration = { tag: '0000_a', when: 0, hash: '1', sql: 'SELECT 1' };
    for (const migrations of [undefined, {}, [1], [{ ...migration, sql: undefined }], [{ ...migration, when: '0' }]])
      assert.throws(() => entry.migrationStatus(db, history({ migrations })), { field: 'history' });
    assert.throws(() => entry.migrationStatus(db, history({ migrations: [{ ...migration, allowLoss: [] }] })), {
      field: 'history.migrations[0].allowLoss',
    });
  });

  it('are no behavior of a transaction', () => {
    const run = () => assert.fail('It was run.');
    for (const behavior of ['defered', 'toString', 5, null] as never[]) {
      assert.throws(() => db.$client.runTransaction(run, behavior), { name: 'InvalidInputError', field: 'behavior' });
      assert.throws(() => db.transaction(run, { behavior }), { name: 'InvalidInputError', field: 'behavior' });
    }
    assert.equal(
      db.transaction(() => 1, { behavior: undefined }),
      1,
    );
    assert.equal(
      db.transaction(() => db.$client.inTransaction, { behavior: 'exclusive' }),
      true,
    );
  });

  for (const [name, call] of Object.entries(calls)) {
    it(`are refused by ${name}()`, async () => {
      for (const options of [null, 1, 'text', Symbol('options')]) {
        await assert.rejects(async () => await call(options as never), InvalidInputError);
      }
    });

    it(`have only known names for ${name}()`, async () => {
      await assert.rejects(async () => await call({ nonsense: true } as never), {
        name: 'InvalidInputError',
        field: /^(options(\.\w+)?(\[0\])?|policy|filters|config|history)\.nonsense$/,
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
