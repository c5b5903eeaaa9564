import assert from 'node:assert/strict';
import { cpSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { backup, checkpoint, createDb, health, RestoreError, restore } from '#entry';
import { migrate } from '../../../src/engine/migrations/runner.ts';
import {
  FAMILY,
  fillFamily,
  historyOf,
  ledgerHashes,
  migration,
  open,
  REBUILD_PARENTS,
  writeFolder,
} from '../../engine/migrations/support.ts';
import type { Runtime } from '../../support/runtime.ts';
import { acknowledgedIn, assertKept, assertSound, Writer, writeHome } from '../oracle.ts';
import type { Job } from '../processes.ts';
import { type Bench, EACH, type Scenario, type Side } from '../scenario.ts';

/** The runtimes of so many processes: one after the other where they are mixed. */
export function runtimesOf(side: Side, processes: number): Runtime[] {
  return Array.from({ length: processes }, (_, i) => (side === 'mixed' ? (i % 2 === 0 ? 'bun' : 'node') : side));
}

const ALL_SIDES: readonly Side[] = ['mixed', 'bun', 'node'];
const RACERS = 8;

/** Time for every racer to hear of the start. */
const LEAD_MS = 40;

/** A data migration: run twice, it would be seen. */
const BUMP = migration(
  '0002_bump',
  "UPDATE parents SET name = name || '!'",
  "INSERT INTO parents SELECT 'copy of ' || id, name FROM parents",
);
const HISTORY = historyOf(FAMILY, REBUILD_PARENTS, BUMP);

async function racersOf({ start, side }: Bench): Promise<Job[]> {
  const racers = runtimesOf(side, RACERS).map((runtime) => start('race', {}, { runtime }));
  for (const racer of racers) await racer.next();
  return racers;
}

async function race<T>(racers: readonly Job[], what: object): Promise<T[]> {
  const at = Date.now() + LEAD_MS;
  for (const racer of racers) racer.tell({ ...what, at });
  return await Promise.all(racers.map((racer) => racer.next<T>()));
}

const OPEN_RACE: Scenario = {
  name: 'open-race',
  promise: 'Eight processes that open a new or an older file at the same instant all succeed, and migrate it once.',
  sides: ALL_SIDES,
  rounds: { quick: 6, usual: 40 },
  async prepare(bench) {
    const racers = await racersOf(bench);
    const migrations = writeFolder(join(bench.folder, 'drizzle'), HISTORY);
    return async ({ number, folder }) => {
      if (number % 2 === 0) {
        const file = join(folder, 'dork.db');
        const answers = await race(racers, { file });
        assert.deepEqual(answers, Array(RACERS).fill({ agents: 0 }));
        using db = createDb(file);
        assertSound(db);
        return 'a new file';
      }
      const file = join(folder, 'family.db');
      {
        using connection = open(file);
        migrate(connection, historyOf(FAMILY));
        fillFamily(connection, 5);
      }
      const answers = await race<{ applied?: number; error?: string }>(racers, { file, folder: migrations });
      assert.deepEqual(answers.map(({ applied, error }) => error ?? applied).sort(), [...Array(RACERS - 1).fill(0), 2]);
      using connection = open(file);
      assert.equal(ledgerHashes(connection).length, 3);
      const names = connection.prepare('SELECT name FROM parents ORDER BY id').values().flat();
      assert.equal(names.length, 10);
      assert.ok(names.every((name) => /^[^!]+!$/.test(String(name))));
      assert.equal(connection.pragma('integrity_check', { simple: true }), 'ok');
      return 'an older file';
    };
  },
  mustMeet: ['a new file', 'an older file'],
};

const CONTENTION: Scenario = {
  name: 'contention',
  promise: 'Four processes that add to the same row lose no update, fail never, and none starves.',
  sides: ALL_SIDES,
  rounds: { quick: 1, usual: 6 },
  prepare: ({ start, side, mode }) => {
    const times = mode === 'quick' ? 200 : 1000;
    return async ({ folder }) => {
      const file = join(folder, 'dork.db');
      {
        using db = createDb(file);
        db.$client.exec("INSERT INTO rate_limit_buckets VALUES ('shared', 1, 0)");
      }
      const jobs = runtimesOf(side, 4).map((runtime) => start('increment', { file, times }, { runtime }));
      for (const job of jobs) await job.next();
      const at = Date.now() + LEAD_MS;
      for (const job of jobs) job.tell({ at });
      for (const job of jobs) {
        const { done, error, unexpected } = await job.next();
        assert.ok(done, error?.message ?? unexpected);
      }
      using db = createDb(file);
      assert.equal(db.$client.prepare('SELECT count AS n FROM rate_limit_buckets').get()?.n, 4 * times);
      assertSound(db);
      return undefined;
    };
  },
};

const LONG_READER: Scenario = {
  name: 'long-reader',
  promise: 'A reader that keeps the -wal is told by health; when it is gone, a checkpoint gives the space back.',
  sides: [...EACH, 'mixed'],
  rounds: { quick: 1, usual: 5 },
  prepare: ({ start, side }) => {
    return async ({ folder }) => {
      const file = join(folder, 'dork.db');
      writeHome(file, folder, ['ada'], 5);
      await using reader = start('hold', { file, kind: 'read' }, { runtime: side === 'mixed' ? 'node' : side });
      await reader.next();
      using db = createDb(file);
      const insert = db.$client.prepare(
        "INSERT INTO agent_denials (id, path, reason, created_at) VALUES (?, ?, ?, '2026-01-01T00:00:00.000Z')",
      );
      // More than twice what a commit would checkpoint by itself.
      const pages = 2 * Number(db.$client.pragma('wal_autocheckpoint', { simple: true }));
      for (let batch = 0; batch <= pages / 400; batch++) {
        db.transaction(() => {
          for (let i = 0; i < 400; i++) insert.run(`${batch}-${i}`, `/${batch}/${i}`, 'x'.repeat(3500));
        });
      }
      const blocked = checkpoint(db);
      assert.equal(blocked.busy, true);
      assert.ok(statSync(`${file}-wal`).size > pages * 4096);
      const told = health(db).findings.filter(({ severity, hint }) => severity === 'warning' && hint);
      assert.ok(
        told.some(({ fact }) => fact.includes(String(reader.child.pid))),
        'health names the reader',
      );
      reader.tell('end');
      await reader.ended;
      const { busy, walBytesAfter } = checkpoint(db);
      assert.deepEqual({ busy, walBytesAfter }, { busy: false, walBytesAfter: 0 });
      db.$client.close();
      assertKept(file, folder);
      return undefined;
    };
  },
};

const RESTORE_HELD: Scenario = {
  name: 'restore-held',
  promise: 'A restore refuses while another process has the file, and then moves the three files as a set.',
  sides: [...EACH, 'mixed'],
  rounds: { quick: 1, usual: 6 },
  async prepare({ folder: bench, start, side }) {
    const model = join(bench, 'model');
    mkdirSync(model);
    writeHome(join(model, 'dork.db'), model, ['ada'], 20);
    {
      using db = createDb(join(model, 'dork.db'));
      await backup(db, { to: join(bench, 'backup.db') });
    }
    const then = acknowledgedIn(model);
    return async ({ folder }) => {
      const home = join(folder, 'home');
      cpSync(model, home, { recursive: true });
      const file = join(home, 'dork.db');
      await using holder = start('hold', { file, kind: 'open' }, { runtime: side === 'mixed' ? 'node' : side });
      await holder.next();
      {
        using db = createDb(file);
        using writer = new Writer(db, 'ada', home);
        for (let i = 0; i < 5; i++) writer.write();
      }
      const now = acknowledgedIn(home);
      await assert.rejects(restore({ from: join(bench, 'backup.db'), to: file }), (error) => {
        assert.ok(error instanceof RestoreError);
        assert.equal(error.code, 'IN_USE');
        assert.ok(error.message.includes(String(holder.child.pid)), error.message);
        return true;
      });
      assertKept(file, home, now);
      // As a crash: its -wal stays, and goes with its file.
      await holder.kill();
      const { replaced } = await restore({ from: join(bench, 'backup.db'), to: file });
      assertKept(file, home, then);
      assertKept(join(replaced ?? '', 'dork.db'), home, now);
      return undefined;
    };
  },
};

export const TOGETHER = [OPEN_RACE, CONTENTION, LONG_READER, RESTORE_HELD];
