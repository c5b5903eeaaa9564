import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Random } from '../../kit/random.ts';
import type { Changes } from '../power/changes.ts';
import { type OwnFlush, ownFlushes, withoutFlushes } from '../power/flushes.ts';
import type { Operation } from '../power/operation.ts';
import { OPERATIONS } from '../power/operations/index.ts';
import { changesOf, type Recording, record } from '../power/record.ts';
import { judged, statesOf } from '../power/states.ts';
import { buildTracer, fastFolder } from '../power/tracer.ts';
import { type Bench, EACH, NothingLeft, type Scenario } from '../scenario.ts';

/** So many states are tried without a flush before it counts as one that nothing needs. */
const STATES = 80;

/** Half of them right after a report, which must then be true. */
const AT_REPORTS = 0.5;

/** Flushes that no state misses, and why they stay. */
const SPARE: readonly (readonly [flush: RegExp, reason: string])[] = [
  [
    /^(backup|daily|restore|restore-\w+|compact|migrate|recover): file \S+\.(partial|db)(,|$)/,
    'SQLite flushes what VACUUM INTO and .recover write, but on macOS only as far as the cache of the disk.',
  ],
  [
    /^(compact|restore(-damaged|-missing)?): folder home, after (rename dork\.db|unlink dork\.db\.restored\.partial)$/,
    'The new file is then opened, and SQLite flushes the folder of its journal; not if another process opens it first.',
  ],
  [
    /^(compact|restore): (file dork\.db-wal|folder home, after unlink dork\.db-shm)/,
    'Without both, an old -wal meets the new file; each of them is enough in the models, and not on every real file system.',
  ],
  [
    /^restore(-damaged|-missing)?: folder home, after mkdir backups/,
    'SQLite flushes the folder with the journal of the staged file, which is made later; a backup needs it.',
  ],
  [/^migrate: folder home/, 'SQLite flushes the folder of the -wal, which is made after the folder of the snapshot.'],
  [/^migrate: file family\.db-wal/, 'runMigrations() closes the file, which flushes all of it; createDb() does not.'],
];

/** An operation has fewer; a round after the last one ends them. */
const MOST_FLUSHES = 30;

/** The flushes that one line of the code makes in a recording, by what it flushes and when. */
function flushesByName(recording: Recording, changes: Changes): Map<string, OwnFlush[]> {
  return Map.groupBy(ownFlushes(recording.trace, changes, recording.home), ({ name }) => name);
}

/** Takes a flush of the package out in each round; it must be missed. */
function flushesAreMissed(operation: Operation): Scenario {
  return {
    name: `flushes-${operation.name}`,
    promise: 'A flush that is taken out is missed: what was reported is then not there, or not whole.',
    sides: EACH,
    rounds: { quick: 0, usual: MOST_FLUSHES },
    mustMeet: ['missed'],
    prepare: (bench) => {
      const tracer = buildTracer(bench);
      return async ({ number, random }) => {
        const folder = fastFolder(`dorkos-flushes-${operation.name}-`);
        try {
          const recording = await record(operation, bench, tracer, folder);
          const changes = changesOf(recording);
          const found = [...flushesByName(recording, changes)][number];
          if (!found) throw new NothingLeft();
          const [name, flushes] = found;
          const isSpare = SPARE.some(([flush]) => flush.test(`${operation.name}: ${name}`));
          const isMissed = await misses(operation, bench, changes, flushes, folder, random);
          assert.ok(isMissed || isSpare, `nothing misses the flush of the ${name}`);
          return isMissed ? 'missed' : 'spare, with a reason';
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      };
    },
  };
}

/** True if a state that a disk may be in breaks a promise. */
async function misses(
  operation: Operation,
  { alive }: Bench,
  changes: Changes,
  flushes: readonly OwnFlush[],
  folder: string,
  random: Random,
): Promise<boolean> {
  const home = join(folder, 'state');
  const states = statesOf(withoutFlushes(changes, flushes), STATES, random, AT_REPORTS, flushes[0]?.step);
  for (const state of states) {
    alive();
    try {
      await judged(operation, state, home);
    } catch {
      return true;
    }
    rmSync(home, { recursive: true, force: true });
  }
  return false;
}

/** SQLite alone flushes in these; `compact-journal` makes those of `compact`. */
const NO_OWN = ['write', 'close', 'prune', 'compact-journal'];

export const FLUSHES = OPERATIONS.filter(({ name }) => !NO_OWN.includes(name)).map(flushesAreMissed);
