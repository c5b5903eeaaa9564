import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, compact, createDb, DorkDbError, health, listBackups } from '#entry';
import { NOBODY } from '../../support/user.ts';
import {
  acknowledgedIn,
  assertAcknowledged,
  assertKept,
  assertNoWreckage,
  assertSound,
  Writer,
  writeHome,
} from '../oracle.ts';
import type { Answer, StartJob } from '../processes.ts';
import { EACH, NotAllowed, type Scenario } from '../scenario.ts';

/** The error says what it is, by its kind, its code and a way out, and nothing else hides it. */
function assertTyped({ error, unexpected }: Answer, code: RegExp): void {
  assert.equal(unexpected, undefined);
  assert.ok(error, 'it was refused');
  assert.match(error.code, code, error.message);
  assert.notEqual(error.name, 'Error');
  assert.ok(error.hint.length > 10);
  assert.ok(!error.message.includes('ROLLBACK'), error.message);
}

const FULL = /^SQLITE_(FULL|IOERR)/;

/** The file opens, holds all that was acknowledged, and takes more. */
function assertGoesOn(file: string, logs: string): void {
  assertKept(file, logs);
  {
    using db = createDb(file);
    using writer = new Writer(db, 'later', logs);
    writer.write();
  }
  assertKept(file, logs);
}

const SIZE_LIMIT: Scenario = {
  name: 'size-limit',
  promise: 'A limit to the size of files stops writes by name, loses nothing, and is forgotten when it is gone.',
  sides: EACH,
  rounds: { quick: 2, usual: 20 },
  prepare: ({ start }) => {
    return async ({ folder, random }) => {
      const file = join(folder, 'dork.db');
      writeHome(file, folder, ['ada'], 5);
      // Blocks of 512 bytes: more than the file has, less than it would grow to. The signal would end the process.
      const blocks = 700 + random.below(4000);
      const job = start(
        'write',
        { file, logs: folder, writer: 'ada', transactions: 20_000 },
        { before: `ulimit -f ${blocks}; trap '' XFSZ;` },
      );
      assertTyped(await job.last(), FULL);
      assertGoesOn(file, folder);
      return undefined;
    };
  },
};

const SMALL_DISK: Scenario = {
  name: 'full-disk',
  promise:
    'A full disk stops writes, backups and compactions by name; nothing is lost, and it goes on when there is room.',
  sides: EACH,
  rounds: { quick: 1, usual: 10 },
  prepare: ({ start }) => {
    return async ({ folder, random }) => {
      const disk = join(folder, 'disk');
      const logs = join(folder, 'logs');
      mkdirSync(disk);
      mkdirSync(logs);
      mountSmall(disk, 1500 + random.below(2500));
      try {
        await fillDisk(start, join(disk, 'dork.db'), logs, disk);
      } finally {
        execFileSync('umount', [disk]);
      }
      return undefined;
    };
  },
};

/** @throws NotAllowed */
function mountSmall(at: string, kilobytes: number): void {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', at], { stdio: 'pipe' });
  } catch {
    throw new NotAllowed('Mounting a small file system needs root.');
  }
}

async function fillDisk(start: StartJob, file: string, logs: string, disk: string): Promise<void> {
  const job = start('write', { file, logs, writer: 'ada', transactions: 50_000 });
  assertTyped(await job.last(), FULL);
  assertKept(file, logs);
  {
    using db = createDb(file);
    assert.ok(health(db).findings.some(({ check, severity }) => check === 'disk' && severity === 'error'));
  }
  for (const refused of [start('backup', { file }), start('compact', { file })]) {
    assertTyped(await refused.last(), /^(NO_ROOM|ENOSPC|SQLITE_(FULL|IOERR.*))$/);
    assert.deepEqual(listBackups(disk), []);
    assertNoWreckage(disk);
  }
  assertKept(file, logs);
  execFileSync('mount', ['-o', 'remount,size=40m', disk], { stdio: 'pipe' });
  assertGoesOn(file, logs);
  using db = createDb(file);
  const { path } = await backup(db);
  using copy = createDb(path);
  assertAcknowledged(copy, acknowledgedIn(logs));
  db.$client.close();
  compact(file);
  assertGoesOn(file, logs);
}

const PAGE_LIMIT: Scenario = {
  name: 'page-limit',
  promise:
    'A database that may have no more pages stops writes by name, also within a transaction, and keeps all others.',
  sides: EACH,
  rounds: { quick: 4, usual: 40 },
  prepare: () => {
    return ({ folder, random }) => {
      const file = join(folder, 'dork.db');
      writeHome(file, folder, ['ada'], 3);
      {
        using db = createDb(file);
        const pages = Number(db.$client.pragma('page_count', { simple: true }));
        db.$client.pragma(`max_page_count = ${pages + random.below(30)}`);
        using writer = new Writer(db, 'ada', folder);
        assert.throws(
          () => {
            for (;;) writer.write();
          },
          (error) => error instanceof DorkDbError && error.code === 'SQLITE_FULL',
        );
        assert.equal(db.$client.inTransaction, false);
        assertSound(db);
        assertAcknowledged(db, acknowledgedIn(folder));
      }
      assertGoesOn(file, folder);
      return undefined;
    };
  },
};

/** The folder and all that lies in it belong to the user without rights. */
function giveAway(folder: string): void {
  chownSync(folder, NOBODY, NOBODY);
  for (const name of readdirSync(folder)) chownSync(join(folder, name), NOBODY, NOBODY);
}

interface Refusal {
  readonly code: RegExp;
  /** Takes the right away; gives back what gives it again. */
  take(home: string, file: string): () => void;
}

const CLOSED: Readonly<Record<string, Refusal>> = {
  'a read-only file': {
    code: /^SQLITE_READONLY$/,
    take: (_, file) => {
      chmodSync(file, 0o400);
      return () => chmodSync(file, 0o600);
    },
  },
  'a read-only folder': {
    code: /^SQLITE_(READONLY|CANTOPEN)/,
    take: (home) => {
      chmodSync(home, 0o500);
      return () => chmodSync(home, 0o700);
    },
  },
  'a file of someone else': {
    code: /^(FILE_UNREADABLE|SQLITE_(READONLY|CANTOPEN))/,
    take: (_, file) => {
      chownSync(file, 0, 0);
      return () => chownSync(file, NOBODY, NOBODY);
    },
  },
  'a -wal of someone else': { code: /^SQLITE_(READONLY|CANTOPEN)/, take: (_, file) => sidecar(`${file}-wal`) },
  'a -shm of someone else': { code: /^SQLITE_(READONLY|CANTOPEN)/, take: (_, file) => sidecar(`${file}-shm`) },
};

function sidecar(path: string): () => void {
  writeFileSync(path, '', { mode: 0o600 });
  return () => chownSync(path, NOBODY, NOBODY);
}

const NO_RIGHTS: Scenario = {
  name: 'no-rights',
  promise: 'A file, folder or sidecar that this user may not write is refused by name and not changed.',
  sides: EACH,
  rounds: { quick: 5, usual: 25 },
  mustMeet: Object.keys(CLOSED),
  prepare: ({ start, folder: bench }) => {
    if (process.getuid?.() !== 0) throw new NotAllowed('Acting as another user needs root.');
    const model = join(bench, 'model');
    mkdirSync(model);
    writeHome(join(model, 'dork.db'), model, ['ada'], 10);
    return async ({ folder, number }) => {
      // The folders above it are of root, and closed.
      for (const above of [join(folder, '..'), folder]) chmodSync(above, 0o755);
      const home = join(folder, 'home');
      cpSync(model, home, { recursive: true });
      const file = join(home, 'dork.db');
      giveAway(home);
      const [name = '', { code, take } = NEVER] = Object.entries(CLOSED)[number % Object.keys(CLOSED).length] ?? [];
      const giveBack = take(home, file);
      // SQLite makes an empty -wal before it looks at the -shm; it holds nothing, and the next opening uses it.
      const sizes = () => readdirSync(home).map((entry): [string, number] => [entry, statSync(join(home, entry)).size]);
      const state = () =>
        sizes()
          .filter(([entry, size]) => !entry.endsWith('-wal') || size > 0)
          .sort();
      const before = [state(), readFileSync(file)];
      const write = { file, logs: home, writer: 'ada', transactions: 3, asNobody: true };
      assertTyped(await start('write', write).last(), code);
      assert.deepEqual([state(), readFileSync(file)], before);
      giveBack();
      const { done, error, unexpected } = await start('write', write).last();
      assert.ok(done, error?.message ?? unexpected);
      assertKept(file, home);
      return name;
    };
  },
};

const NEVER: Refusal = { code: /^$/, take: () => () => {} };

export const ROOM = [SIZE_LIMIT, SMALL_DISK, PAGE_LIMIT, NO_RIGHTS];
