import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { backup, ClosedError, closeDb, createDb, listBackups, SqliteIndex } from '#entry';
import { fatten, mode } from '../../engine/backup/support.ts';
import { assertKept, assertNoWreckage, Writer, writeHome } from '../oracle.ts';
import { EACH, type Scenario } from '../scenario.ts';

const CLOSING: Scenario = {
  name: 'closing',
  promise: 'Closing while a backup runs ends it by name; twice is fine; use after it is refused; nothing is lost.',
  sides: EACH,
  rounds: { quick: 3, usual: 20 },
  prepare: () => {
    return async ({ folder, random }) => {
      const file = join(folder, 'dork.db');
      const db = createDb(file);
      fatten(db, 2);
      db.$client.exec("DELETE FROM relay_index WHERE rowid % 2 = 0 OR subject = 's'");
      using writer = new Writer(db, 'ada', folder);
      for (let i = 0; i < 10; i++) writer.write();
      const index = new SqliteIndex(db);
      const statement = db.$client.prepare('SELECT count(*) FROM relay_index');
      const running = backup(db).then(
        () => 'done',
        (error: unknown) => error,
      );
      await new Promise((resolve) => setTimeout(resolve, random.below(15)));
      closeDb(db);
      closeDb(db);
      db.$client.close();
      const outcome = await running;
      assert.ok(outcome === 'done' || outcome instanceof ClosedError, String(outcome));
      for (const use of [
        () => statement.get(),
        () => index.getMessage('x'),
        () => writer.write(),
        () => db.$client.exec('SELECT 1'),
        () => db.transaction(() => 1),
        () => db.$client.prepare('SELECT 1'),
      ]) {
        assert.throws(use, ClosedError);
      }
      await assert.rejects(backup(db), ClosedError);
      assertNoWreckage(folder);
      assert.equal(listBackups(join(folder, 'backups')).length, outcome === 'done' ? 1 : 0);
      assertKept(file, folder);
      return outcome === 'done' ? 'the backup was faster' : 'the backup was ended';
    };
  },
};

const NOT_CLOSED: Scenario = {
  name: 'exit-without-close',
  promise: 'A process that ends without closing loses nothing, and leaves no -wal.',
  sides: EACH,
  rounds: { quick: 2, usual: 20 },
  prepare: ({ start }) => {
    return async ({ folder, random }) => {
      const file = join(folder, 'dork.db');
      const transactions = 1 + random.below(30);
      const { done } = await start('abandon', { file, logs: folder, writer: 'ada', transactions }).last();
      assert.deepEqual(done, { written: transactions });
      assert.deepEqual(
        readdirSync(folder).filter((name) => name.startsWith('dork')),
        ['dork.db'],
      );
      assertKept(file, folder);
      return undefined;
    };
  },
};

const UMASKS = ['000', '022', '077'];

const MODES: Scenario = {
  name: 'file-modes',
  promise: 'The database, its sidecars and its backups are 0600 and their folders 0700, whatever the umask.',
  sides: EACH,
  rounds: { quick: 3, usual: 9 },
  prepare: ({ start }) => {
    return async ({ folder, number }) => {
      const home = join(folder, 'home');
      const before = `umask ${UMASKS[number % UMASKS.length]};`;
      const env = { DORK_HOME: home };
      // At the default path, whose folder is made too.
      await using holder = start('hold', { kind: 'write' }, { before, env });
      await holder.next();
      for (const suffix of ['', '-wal', '-shm']) assert.equal(mode(join(home, `dork.db${suffix}`)), '600', suffix);
      await holder.kill();
      await start('backup', { file: join(home, 'dork.db') }, { before }).last();
      await start('compact', { file: join(home, 'dork.db') }, { before }).last();
      const [copy] = listBackups(join(home, 'backups'));
      assert.ok(copy);
      await start('restore', { from: copy.path, to: join(home, 'dork.db') }, { before }).last();
      assert.equal(mode(home), '700');
      for (const name of readdirSync(home, { recursive: true, encoding: 'utf8' })) {
        const path = join(home, name);
        assert.equal(mode(path), statSync(path).isDirectory() ? '700' : '600', name);
      }
      return undefined;
    };
  },
};

const TWO_IN_ONE: Scenario = {
  name: 'two-connections',
  promise: 'Two connections of one process write in turn, and closing one takes no lock from the other.',
  sides: EACH,
  rounds: { quick: 1, usual: 10 },
  prepare: ({ start }) => {
    return async ({ folder }) => {
      const file = join(folder, 'dork.db');
      mkdirSync(join(folder, 'logs'));
      const logs = join(folder, 'logs');
      writeHome(file, logs, ['ada'], 3);
      const one = createDb(file);
      {
        using other = createDb(file);
        using writer = new Writer(other, 'bob', logs);
        using first = new Writer(one, 'ada', logs);
        for (let i = 0; i < 10; i++) {
          writer.write();
          first.write();
        }
      }
      // Another process comes and goes: it must not take itself for the last one.
      await start('open', { file }).last();
      using writer = new Writer(one, 'ada', logs);
      for (let i = 0; i < 10; i++) writer.write();
      one.$client.close();
      assertKept(file, logs);
      return undefined;
    };
  },
};

export const CLOSING_AND_MODES = [CLOSING, NOT_CLOSED, MODES, TWO_IN_ONE];
