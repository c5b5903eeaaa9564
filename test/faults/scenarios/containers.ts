import assert from 'node:assert/strict';
import { chownSync, cpSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { backup, createDb } from '#entry';
import { contents } from '../../engine/backup/support.ts';
import { assertContainers, inContainer, mountedItself, quoted } from '../container.ts';
import { closedHome, crashedHome, fileIn } from '../homes.ts';
import { assertKept, assertNoWreckage } from '../oracle.ts';
import { leftIn } from '../power/operation.ts';
import { OPERATIONS } from '../power/operations/index.ts';
import { traced } from '../power/record.ts';
import { type Line, toldBy } from '../power/told.ts';
import { answersIn } from '../power/trace.ts';
import { buildTracer, fastFolder } from '../power/tracer.ts';
import type { Answer, JobOptions } from '../processes.ts';
import { type Bench, EACH, type Experiment, NotAllowed, type Scenario } from '../scenario.ts';
import { preparePairs } from './pairs.ts';

/** A user whom no list of users names. */
const NAMELESS = 54_321;

/** A home with acknowledged transactions, and a backup of it elsewhere. */
async function homeIn(folder: string): Promise<{ home: string; file: string; copy: string }> {
  const [home, copy] = [join(folder, 'home'), join(folder, 'copy.db')];
  mkdirSync(home, { mode: 0o700 });
  closedHome(home, 6);
  using db = createDb(fileIn(home));
  await backup(db, { to: copy });
  return { home, file: fileIn(home), copy };
}

/** Does a job, and gives the code of its typed error; undefined if it succeeded. */
async function codeOf(bench: Bench, job: string, args: object, options: JobOptions): Promise<string | undefined> {
  const { done, error, unexpected } = await bench.start(job, args, options).last<Answer>();
  assert.equal(unexpected, undefined, `${job}: ${unexpected}`);
  if (error) assert.ok(error.message && error.hint, JSON.stringify(error));
  assert.ok(error || done !== undefined, `${job} said nothing`);
  return error?.code;
}

/** Writes, backs up, compacts, restores and writes again: each must succeed. */
async function assertAllWorks(bench: Bench, file: string, logs: string, more: object, options: JobOptions) {
  const to = join(file, '..', 'backups', 'all.db');
  const backups = { file, ...more };
  const steps: readonly [string, object][] = [
    ['write', { file, logs, writer: 'dan', transactions: 5 }],
    ['backup', backups],
    ['backup', { ...backups, to, deep: true }],
    ['compact', { file }],
    ['restore', { from: to, to: file }],
    ['write', { file, logs, writer: 'dan', transactions: 3 }],
    ['kept', { file, logs }],
  ];
  for (const [job, args] of steps) {
    assert.equal(await codeOf(bench, job, { ...args, ...more }, options), undefined, job);
  }
}

type Place = (bench: Bench, folder: string) => Promise<void>;

/** What a container may find where the database is. */
const PLACES: Readonly<Record<string, Place>> = {
  'a file that is mounted by itself': async (bench, folder) => {
    const { home, file, copy } = await homeIn(folder);
    const options = { before: inContainer({ mounts: mountedItself(file) }) };
    assert.equal(
      await codeOf(bench, 'write', { file, logs: home, writer: 'dan', transactions: 5 }, options),
      undefined,
    );
    assert.equal(await codeOf(bench, 'backup', { file }, options), undefined);
    assert.equal(await codeOf(bench, 'compact', { file }, options), 'MOUNT_POINT');
    assert.equal(await codeOf(bench, 'restore', { from: copy, to: file }, options), 'MOUNT_POINT');
    assertKept(file, home);
    assertNoWreckage(home);
  },
  'a read-only mount': async (bench, folder) => {
    const { home, file, copy } = await homeIn(folder);
    const options = { before: inContainer({ mounts: mountedItself(home, { readonly: true }) }) };
    const before = contents(home);
    const read = { file, to: join(folder, 'read.db') };
    assert.equal(await codeOf(bench, 'read-only', read, options), undefined);
    for (const [job, args] of [
      ['open', { file }],
      ['backup', { file }],
      ['compact', { file }],
      ['restore', { from: copy, to: file }],
      ['open', { file: join(home, 'new.db') }],
    ] as const) {
      assert.match((await codeOf(bench, job, args, options)) ?? 'it succeeded', /^[A-Z_]*[A-Z]$/, job);
    }
    assert.deepEqual(contents(home), before);
    assertKept(read.to, home);
  },
  overlayfs: async (bench, _folder) => {
    // The upper folder must not be on an overlayfs itself.
    const folder = fastFolder('dorkos-overlay-');
    try {
      const [lower, upper, work, merged, logs] = ['lower', 'upper', 'work', 'merged', 'logs'].map((name) => {
        mkdirSync(join(folder, name), { mode: 0o700 });
        return join(folder, name);
      }) as [string, string, string, string, string];
      // The image has the -wal of a crash in it.
      await crashedHome(lower, bench, 6, 4);
      for (const name of readdirSync(lower).filter((each) => each.endsWith('.log')))
        cpSync(join(lower, name), join(logs, name));
      const before = contents(lower);
      const layers = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
      const mounts = [`mount -t overlay overlay -o ${quoted(layers)} ${quoted(merged)}`];
      assertContainers(bench, mounts);
      await assertAllWorks(bench, join(merged, 'dork.db'), logs, {}, { before: inContainer({ mounts }) });
      assert.deepEqual(contents(lower), before);
      assert.deepEqual(leftIn(upper), []);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  'no home and no name': async (bench, folder) => {
    const before = inContainer({ unset: ['HOME', 'DORK_HOME'] });
    const { error } = await bench.start('open', { asUser: NAMELESS }, { before, cwd: folder }).last<Answer>();
    assert.match(`${error?.message} ${error?.hint}`, /HOME must be set.*Set HOME, or pass the path/);
    assert.deepEqual(readdirSync(folder), []);
  },
  'a user without a name': async (bench, _folder) => {
    if (process.getuid?.() !== 0) throw new NotAllowed('Only root may become another user.');
    const folder = fastFolder('dorkos-nameless-');
    try {
      const logs = join(folder, 'logs');
      mkdirSync(logs);
      for (const path of [folder, logs]) chownSync(path, NAMELESS, NAMELESS);
      const options = { before: inContainer({ unset: ['HOME'] }), env: { DORK_HOME: join(folder, 'home') } };
      const file = join(folder, 'home', 'dork.db');
      // At the default path, whose folder is made.
      assert.equal(await codeOf(bench, 'open', { asUser: NAMELESS }, options), undefined);
      await assertAllWorks(bench, file, logs, { asUser: NAMELESS }, options);
      for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
        assert.equal(statSync(join(folder, name)).uid, NAMELESS, name);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

const NAMES = Object.keys(PLACES);

const CONTAINERS: Scenario = {
  name: 'containers',
  promise: 'In a container everything works, or is refused by what it is, and nothing is changed.',
  sides: EACH,
  rounds: { quick: NAMES.length, usual: NAMES.length * 2 },
  mustMeet: NAMES,
  prepare: (bench) => {
    assertContainers(bench);
    return async ({ folder, number }) => {
      const name = NAMES[number % NAMES.length] as string;
      await PLACES[name]?.(bench, folder);
      return name;
    };
  },
};

/** Two operations of two containers, and a writer in a third. */
const PAIRS: readonly (readonly [string, string])[] = [
  ['backup', 'backup'],
  ['compact', 'write'],
  ['restore', 'open'],
  ['daily', 'prune'],
  ['restore', 'compact'],
  ['import', 'import'],
  ['migrate', 'checkpoint'],
  ['recover', 'write'],
  ['restore', 'restore'],
  ['compact', 'compact'],
];

const TWO_CONTAINERS: Scenario = {
  name: 'two-containers',
  promise: 'Containers that share a volume, each with a process 1 of its own, lose no commit and say nothing untrue.',
  sides: ['mixed', 'bun', 'node'],
  rounds: { quick: 1, usual: PAIRS.length * 2 },
  prepare: (bench) => {
    assertContainers(bench);
    return preparePairs(bench, (round) => PAIRS[round % PAIRS.length] ?? ['open', 'open'], inContainer());
  },
};

/** What flushes folders. */
const FLUSHING = OPERATIONS.filter(({ name }) => !/^(create|write|close|prune)$/.test(name));

const NOT_FLUSHED: Scenario = {
  name: 'folders-not-flushed',
  promise: 'On a volume whose folders cannot be flushed (SMB, some FUSE) every operation works.',
  sides: EACH,
  rounds: { quick: 3, usual: FLUSHING.length },
  mustMeet: ['a folder'],
  prepare: (bench): Experiment => {
    const tracer = buildTracer(bench);
    return async ({ number }) => {
      const operation = FLUSHING[number % FLUSHING.length];
      assert.ok(operation);
      const folder = fastFolder(`dorkos-unflushed-${operation.name}-`);
      try {
        const home = join(folder, 'home');
        mkdirSync(home);
        await operation.prepare(home, bench);
        const failing = { kind: 'fsync-folder', n: 0, how: constants.errno.EINVAL, goesOn: true };
        const trace = await traced(operation, bench, tracer, home, { log: join(folder, 'trace'), failing });
        const lines = answersIn<Line>(trace);
        const last = lines.at(-1);
        assert.ok(last && 'done' in last, `${operation.name}: ${JSON.stringify(last)}`);
        await operation.judge(home, toldBy(lines));
        return trace.isHit ? 'a folder' : 'no folder';
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    };
  },
};

export const CONTAINED: readonly Scenario[] = [CONTAINERS, TWO_CONTAINERS, NOT_FLUSHED];
