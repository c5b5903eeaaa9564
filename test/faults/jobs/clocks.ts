import assert from 'node:assert/strict';
import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  BudgetMapper,
  backup,
  backupDaily,
  createDb,
  DatabaseBusyError,
  type Db,
  exportDb,
  health,
  listBackups,
  newId,
  PulseStore,
  pruneBackups,
  recover,
  restore,
  SqliteIndex,
} from '#entry';
import { assertSound } from '../oracle.ts';
import type { JobProgram } from '../worker.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** Where the stories begin: a Monday at noon, long before today. */
const START = Date.parse('2026-03-02T12:00:00.000Z');

/** The clock of this process, see `clock.c`. */
class Clock {
  readonly #file = process.env.CLOCK_FILE ?? '';

  #set(isStill: boolean, milliseconds: number): void {
    const bytes = Buffer.alloc(16);
    bytes.writeBigInt64LE(isStill ? 1n : 0n, 0);
    bytes.writeBigInt64LE(BigInt(Math.trunc(milliseconds)), 8);
    const fd = openSync(this.#file, 'r+');
    writeSync(fd, bytes, 0, 16, 0);
    closeSync(fd);
  }

  /** Sets it to an instant, at which it stands still. */
  stopAt(milliseconds: number): void {
    this.#set(true, milliseconds);
  }

  /** Sets it to an instant, from which it goes on. */
  startAt(milliseconds: number): void {
    this.#set(false, 0);
    this.#set(false, milliseconds - Date.now());
  }
}

/** An instant that no clock should show, and usual ones. */
const INSTANTS = [START, START + 50 * YEAR, START - DAY, 0, START + 1, 1, START + HOUR];

type Story = (clock: Clock, file: string, db: Db) => void | Promise<void>;

/** What goes on as it should whatever the clock shows. */
const STORIES: Readonly<Record<string, Story>> = {
  ids: (clock) => {
    const ids: string[] = [];
    for (const at of INSTANTS) {
      clock.stopAt(at);
      for (let i = 0; i < 50; i++) ids.push(newId());
      clock.startAt(at);
      for (let i = 0; i < 50; i++) ids.push(newId());
    }
    for (const id of ids) assert.match(id, /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/);
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
  },
  order: (clock, _file, db) => {
    const index = new SqliteIndex(db);
    const pulse = new PulseStore(db);
    const ids = INSTANTS.flatMap((at) => {
      clock.stopAt(at);
      const { id: schedule } = pulse.createSchedule({ name: `at ${at}`, prompt: 'p', cron: '* * * * *' });
      const { id: run } = pulse.createRun(schedule, 'agent');
      const done = pulse.updateRun(run, { status: 'completed' });
      assert.ok(done, 'the run is updated');
      return Array.from({ length: 7 }, () => {
        const id = newId();
        index.insertMessage({ id, subject: 'clock', endpointHash: 'e', payload: String(at) });
        return id;
      });
    });
    const paged: string[] = [];
    let cursor: string | undefined;
    do {
      const page = index.queryMessages({ subject: 'clock', limit: 4, ...(cursor !== undefined && { cursor }) });
      paged.push(...page.messages.map(({ id }) => id));
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    assert.deepEqual(paged, ids.toReversed());
    assert.equal(pulse.getSchedules().length, INSTANTS.length);
  },
  expiry: (clock, _file, db) => {
    const index = new SqliteIndex(db);
    clock.startAt(START);
    index.insertMessage({ id: newId(), subject: 's', endpointHash: 'e', payload: '', expiresAt: START + HOUR });
    for (const [at, gone] of [
      [START, 0],
      [START - YEAR, 0],
      [0, 0],
      [START + 2 * HOUR, 1],
    ] as const) {
      clock.startAt(at);
      assert.equal(index.deleteExpired(), gone, `at ${new Date(at).toISOString()}`);
    }
  },
  budgets: (clock, _file, db) => {
    const budget = new BudgetMapper(db);
    const used = () => {
      let calls = 0;
      while (calls < 20 && budget.tryRecordCall('agent', 5).allowed) calls++;
      return calls;
    };
    for (const [at, calls] of [
      [START, 5],
      [START, 0],
      // Set back, which must not give more.
      [START - 30 * MINUTE, 0],
      [START + 59 * MINUTE, 0],
      [START + 62 * MINUTE, 5],
      // Years ahead and back again, which must not take any for years.
      [START + 10 * YEAR, 5],
      [START + 200 * MINUTE, 5],
      [START + 200 * MINUTE, 0],
      [0, 5],
      [0, 0],
    ] as const) {
      clock.stopAt(at);
      assert.equal(used(), calls, `at ${new Date(at).toISOString()}`);
    }
  },
  retention: async (clock, file, db) => {
    const folder = join(dirname(file), 'backups');
    for (let day = 0; day < 6; day++) {
      clock.startAt(START + day * DAY);
      assert.ok((await backupDaily(db)).isNew, `day ${day}`);
      assert.ok(!(await backupDaily(db)).isNew, `day ${day} again`);
    }
    clock.startAt(START + 5 * YEAR);
    await backupDaily(db);
    clock.stopAt(0);
    await backupDaily(db);
    // Set back by a day, then right again.
    clock.startAt(START + 4 * DAY);
    assert.ok(!(await backupDaily(db)).isNew);
    clock.startAt(START + 5 * DAY);
    const newest = listBackups(folder)[0];
    assert.match(newest?.path ?? '', /-daily-20260307\.db$/);
    assert.match(JSON.stringify(health(db).findings), /dated in the future/);
    const { kept } = await pruneBackups(folder, { daily: 3, weekly: 0, preMigration: 0 });
    const days = kept.map((path) => /-(\d{8})\.db$/.exec(path)?.[1]).toSorted();
    assert.deepEqual(days, ['20260305', '20260306', '20260307', '20310301']);
  },
  names: async (clock, file, db) => {
    const folder = dirname(file);
    for (const at of [START, 0]) {
      clock.stopAt(at);
      const copies = [await backup(db), await backup(db)].map(({ path }) => path);
      const exports = [await exportDb(db), await exportDb(db)].map(({ to }) => to);
      assert.equal(new Set([...copies, ...exports]).size, 4);
    }
    db.$client.close();
    const from = listBackups(join(folder, 'backups'))[0]?.path ?? '';
    for (const at of [START, START, 0]) {
      clock.stopAt(at);
      const replaced = [await restore({ from, to: file }), await restore({ from, to: file })].map(
        (one) => one.replaced,
      );
      assert.equal(new Set(replaced).size, 2);
      const recovered = [await recover({ from: file }), await recover({ from: file })].map(({ to }) => to);
      assert.equal(new Set(recovered).size, 2);
    }
  },
  waits: (_clock, file, db) => {
    db.$client.exec('BEGIN IMMEDIATE');
    const [wall, monotonic] = [Date.now, performance.now];
    try {
      // As a test's fake timers have it. A runtime waits by the system's clock, which no library can set.
      for (const at of [...INSTANTS, START + 0.5]) {
        Date.now = () => at;
        performance.now = () => at;
        using other = createDb(file, { busyTimeoutMs: 60 });
        assert.throws(() => new BudgetMapper(other).recordCall('agent'), DatabaseBusyError);
      }
    } finally {
      Date.now = wall;
      performance.now = monotonic;
    }
    db.$client.exec('ROLLBACK');
  },
};

/** Every story. */
export const CLOCK_STORIES = Object.keys(STORIES);

export const CLOCKS: Readonly<Record<string, JobProgram>> = {
  /** Says what time it is, twice. */
  now: async () => {
    new Clock().stopAt(START);
    const first = Date.now();
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { isSet: first === START && Date.now() === START };
  },
  /** Goes through a story, whose database must be sound at its end. */
  clock: async ({ file, story }) => {
    const clock = new Clock();
    clock.startAt(START);
    {
      using db = createDb(file);
      await STORIES[story]?.(clock, file, db);
    }
    clock.startAt(START);
    using db = createDb(file);
    assertSound(db);
    return story;
  },
};
