import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../kit/random.ts';
import type { Changes } from '../power/changes.ts';
import { flushesOfSqlite, type OwnFlush, ownFlushes } from '../power/flushes.ts';
import { lackingStatesOf } from '../power/lacking.ts';
import type { Operation } from '../power/operation.ts';
import { OPERATIONS } from '../power/operations/index.ts';
import { changesOf, record } from '../power/record.ts';
import { judged, type State } from '../power/states.ts';
import { buildTracer, fastFolder, type Tracer } from '../power/tracer.ts';
import { type Bench, EACH, NothingLeft, type Scenario } from '../scenario.ts';

/** So many states are tried without a flush before it counts as one that nothing needs. */
const STATES = 80;

/** A flush that no state misses alone on this path. Each is missed together with what does the same. */
interface Spare {
  /** Its operation and its name. */
  readonly flush: RegExp;
  /** What does the same: flushes of the package, or those that SQLite makes of the same file or folder. */
  readonly doneBy?: readonly (RegExp | 'SQLite')[];
  /** The operation in which the same line of the code is missed. */
  readonly missedIn?: string;
  /** Why it stays. */
  readonly reason: string;
}

const SPARE: readonly Spare[] = [
  {
    flush: /^(backup|daily|restore|restore-\w+|compact|migrate|recover): file \S+\.(partial|db)(,|$)/,
    doneBy: ['SQLite'],
    reason: 'SQLite flushes what VACUUM INTO and .recover write, but on macOS only as far as the cache of the disk.',
  },
  {
    flush:
      /^(compact|restore(-damaged|-missing)?): folder home, after (rename|unlink) dork\.db(\.restored)?\.partial( to dork\.db)?$/,
    doneBy: ['SQLite'],
    reason:
      'The new file is then opened, and SQLite flushes the folder of its journal; not if another process opens it first.',
  },
  {
    flush: /^(compact|restore): file dork\.db-wal/,
    doneBy: [/^folder home, after unlink dork\.db-shm/],
    reason: 'An old -wal must not meet the new file, and some file systems cannot flush a folder.',
  },
  {
    flush: /^(compact|restore): folder home, after unlink dork\.db-shm/,
    doneBy: [/^file dork\.db-wal/],
    reason: 'An old -wal must not meet the new file, and a name that is gone cannot come back with its old length.',
  },
  {
    flush: /^restore(-damaged)?: folder home, after mkdir backups/,
    doneBy: ['SQLite', /^folder home, after unlink dork\.db-shm/],
    reason: 'SQLite flushes the folder with the journal of the staged file, and a sound file is taken out of WAL mode.',
  },
  {
    flush: /^restore-missing: folder home, after mkdir backups/,
    missedIn: 'restore-damaged',
    reason: 'The folder stays empty, since nothing is replaced.',
  },
  {
    flush: /^migrate: folder home/,
    doneBy: ['SQLite'],
    reason: 'SQLite flushes the folder of the -wal, which is made after the folder of the snapshot.',
  },
  {
    flush: /^migrate: file family\.db-wal/,
    doneBy: ['SQLite'],
    reason: 'runMigrations() closes the file, which flushes all of it; createDb() does not.',
  },
];

/** An operation has fewer; a round after the last one ends them. */
const MOST_FLUSHES = 30;

/** Takes a flush of the package out in each round; it must be missed. */
function flushesAreMissed(operation: Operation): Scenario {
  return {
    name: `flushes-${operation.name}`,
    promise: 'A flush that is taken out is missed: what was reported is then not there, or not whole.',
    sides: EACH,
    rounds: { quick: 0, usual: MOST_FLUSHES },
    mustMeet: ['missed|missed without what does the same'],
    prepare: (bench) => {
      const tracer = buildTracer(bench);
      return async ({ number, random }) => {
        await using trial = await trialOf(operation, bench, tracer, random);
        const name = trial.names[number];
        if (name === undefined) throw new NothingLeft();
        if (await isMissed(trial, name)) return 'missed';
        const spare = spareOf(operation, name);
        assert.ok(spare, `nothing misses the flush of the ${name}`);
        if (spare.missedIn === undefined) {
          assert.ok(await isMissed(trial, name, spare.doneBy), `nothing misses the flush of the ${name} and its spare`);
          return 'missed without what does the same';
        }
        const other = OPERATIONS.find((each) => each.name === spare.missedIn);
        assert.ok(other, `there is no ${spare.missedIn}`);
        await using elsewhere = await trialOf(other, bench, tracer, random);
        const { doneBy } = spareOf(other, name) ?? {};
        assert.ok(await isMissed(elsewhere, name, doneBy), `nothing misses the flush of the ${name} in ${other.name}`);
        return `missed in ${other.name}`;
      };
    },
  };
}

function spareOf({ name: operation }: Operation, name: string): Spare | undefined {
  return SPARE.find(({ flush }) => flush.test(`${operation}: ${name}`));
}

interface Trial extends AsyncDisposable {
  readonly operation: Operation;
  readonly bench: Bench;
  readonly changes: Changes;
  /** The flushes of the package. */
  readonly own: readonly OwnFlush[];
  readonly names: readonly string[];
  /** Where states are made. */
  readonly home: string;
  readonly random: Random;
}

async function trialOf(operation: Operation, bench: Bench, tracer: Tracer, random: Random): Promise<Trial> {
  const folder = fastFolder(`dorkos-flushes-${operation.name}-`);
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const recording = await record(operation, bench, tracer, folder);
    const changes = changesOf(recording);
    const own = ownFlushes(recording.trace, changes, recording.home);
    const names = [...new Set(own.map(({ name }) => name))];
    const home = join(folder, 'state');
    return { operation, bench, changes, own, names, home, random, [Symbol.asyncDispose]: async () => remove() };
  } catch (error) {
    remove();
    throw error;
  }
}

/**
 * True if a state that a disk may be in without a flush breaks a promise, and does not with what the flush writes.
 *
 * @param doneBy What is taken out as well. Default: nothing.
 */
async function isMissed(trial: Trial, name: string, doneBy: Spare['doneBy'] = []): Promise<boolean> {
  const { changes, own, random, bench } = trial;
  const flushes = own.filter((flush) => flush.name === name);
  assert.ok(flushes.length > 0, `there is no flush of the ${name}`);
  const others = doneBy.flatMap((by) =>
    by === 'SQLite' ? flushesOfSqlite(changes, own, flushes) : stepsOf(own.filter((flush) => by.test(flush.name))),
  );
  const states = lackingStatesOf(changes, stepsOf(flushes), others, STATES, random);
  for (const state of states) {
    bench.alive();
    if ((await broken(trial, state)) === undefined) continue;
    const still = await broken(trial, state.withFlushes());
    if (still === undefined) return true;
    // Otherwise one of the others may be missed.
    if (others.length === 0)
      throw new Error(`A state with every flush breaks a promise: ${state.name}`, { cause: still });
  }
  return false;
}

function stepsOf(flushes: readonly OwnFlush[]): number[] {
  return flushes.map(({ step }) => step);
}

/** The promise that a state breaks, as an error. */
async function broken({ operation, home }: Trial, state: State): Promise<unknown> {
  try {
    await judged(operation, state, home);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** SQLite alone flushes in these; `compact-journal` makes those of `compact`. */
const NO_OWN = ['write', 'close', 'prune', 'compact-journal'];

export const FLUSHES = OPERATIONS.filter(({ name }) => !NO_OWN.includes(name)).map(flushesAreMissed);
