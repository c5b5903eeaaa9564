import assert from 'node:assert/strict';
import { copyFileSync, linkSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createDb } from '#entry';
import { closedHome, fileIn, WRITERS } from '../homes.ts';
import type { Kept, Order } from '../jobs/keeping.ts';
import { acknowledgedIn, assertAcknowledged, assertKept, assertSound } from '../oracle.ts';
import { transactionsIn } from '../power/operation.ts';
import { pause } from '../processes.ts';
import { EACH, type Scenario } from '../scenario.ts';

/** Writes that follow each other this soon share one look at the file. */
const LOOK_MS = 15;

interface Exchange {
  /** How the next write is refused; absent if it cannot know of it. */
  readonly code?: string;
  readonly error: RegExp;
  /** Does it while a process has the file open, and gives what undoes it. */
  act(file: string): () => void;
}

/** What happens to the files of a database that a process has open. */
const EXCHANGES: Readonly<Record<string, Exchange>> = {
  'another file at its path': {
    code: 'FILE_REPLACED',
    error: /Another file was put at/,
    act: (file) => {
      renameSync(file, `${file}-away`);
      copyFileSync(`${file}-away`, file);
      return () => renameSync(`${file}-away`, file);
    },
  },
  'its name gone': {
    code: 'FILE_UNLINKED',
    error: /was removed or renamed/,
    act: (file) => {
      linkSync(file, `${file}-away`);
      rmSync(file);
      return () => renameSync(`${file}-away`, file);
    },
  },
  'its -wal gone': {
    code: 'WAL_GONE',
    error: /-wal was removed/,
    act: (file) => {
      renameSync(`${file}-wal`, `${file}-away`);
      return () => renameSync(`${file}-away`, `${file}-wal`);
    },
  },
  'another -wal': {
    code: 'WAL_GONE',
    error: /-wal was replaced/,
    act: (file) => {
      renameSync(`${file}-wal`, `${file}-away`);
      copyFileSync(`${file}-away`, `${file}-wal`);
      return () => renameSync(`${file}-away`, `${file}-wal`);
    },
  },
  'a second name': {
    error: /has 2 names/,
    act: (file) => {
      linkSync(file, `${file}-second`);
      return () => rmSync(`${file}-second`);
    },
  },
  'its -wal deleted for good': {
    code: 'WAL_GONE',
    error: /-wal was removed/,
    act: (file) => {
      rmSync(`${file}-wal`);
      return () => {};
    },
  },
};

const NAMES = Object.keys(EXCHANGES);

/** The commits of a -wal that was deleted are gone, like those of any file; what is left is a state that was committed. */
function assertEarlier(file: string, logs: string): void {
  using db = createDb(file);
  assertSound(db);
  const there = new Map([...acknowledgedIn(logs).keys()].map((name) => [name, transactionsIn(db, name)]));
  for (const name of WRITERS) assert.equal(there.get(name), 5, `${name} was in the file itself`);
  assertAcknowledged(db, there);
}

const EXCHANGED: Scenario = {
  name: 'exchanged-files',
  promise:
    'A file that is replaced, removed, linked or loses its -wal while it is open is noticed by the next write and by health; put back, it has every acknowledged commit.',
  sides: EACH,
  rounds: { quick: NAMES.length, usual: NAMES.length * 5 },
  mustMeet: NAMES,
  prepare: ({ start }) => {
    return async ({ folder, number, random }) => {
      const what = NAMES[number % NAMES.length] as string;
      const { code, error, act } = EXCHANGES[what] as Exchange;
      const home = join(folder, 'home');
      mkdirSync(home);
      const file = fileIn(home);
      closedHome(home, 5);
      await using keeper = start('keep', { file, logs: home, writer: 'cyd' });
      await keeper.next();
      const asked = async (order: Order) => {
        keeper.tell({ order });
        return await keeper.next<Kept>();
      };
      const acknowledged = 1 + random.below(20);
      for (let i = 0; i < acknowledged; i++) assert.equal((await asked('write')).wrote, i);
      await pause(LOOK_MS);
      assert.equal((await asked('write')).wrote, acknowledged);
      assert.deepEqual((await asked('health')).errors, []);
      assert.ok(statSync(`${file}-wal`).size > 0);
      const undo = act(file);
      await pause(LOOK_MS);
      const looks: Order[] = random.chance(0.5) ? ['write', 'health', 'write'] : ['health', 'write', 'health'];
      let written = acknowledged + 1;
      for (const look of looks) {
        const { refused, wrote, errors } = await asked(look);
        if (look === 'health') assert.match(String(errors), error);
        else if (code) assert.equal(refused, code);
        else assert.equal(wrote, written++);
      }
      keeper.tell({ order: 'close' });
      await keeper.ended;
      undo();
      if (what === 'its -wal deleted for good') assertEarlier(file, home);
      else assertKept(file, home);
      return what;
    };
  },
};

export const EXCHANGED_FILES = [EXCHANGED];
