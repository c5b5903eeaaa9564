import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type OwnFlush, ownFlushes, withoutFlushes } from '../power/flushes.ts';
import type { Operation } from '../power/operation.ts';
import { OPERATIONS } from '../power/operations/index.ts';
import { changesOf, record } from '../power/record.ts';
import { judged, statesOf } from '../power/states.ts';
import { buildTracer, fastFolder } from '../power/tracer.ts';
import { EACH, type Scenario } from '../scenario.ts';

/** So many states are tried without a flush before it counts as one that nothing needs. */
const STATES = 150;

/** Most of them right after a report, which must then be true. */
const AT_REPORTS = 0.6;

/** Flushes that no state misses, and why they stay. */
const SPARE: Readonly<Record<string, string>> = {
  'migrate: folder home': 'SQLite flushes the folder of the -wal, which is made after the folder of the snapshot.',
  'migrate: file family-pre-migration-TIME-0000_family.db.partial':
    'VACUUM INTO flushes its copy, unless synchronous is OFF.',
  'migrate: file family.db-wal': 'runMigrations() closes the file, which flushes all of it; createDb() does not.',
};

/** Takes the flushes of the package out, one name after the other; each must be missed. */
function flushesAreMissed(operation: Operation): Scenario {
  return {
    name: `flushes-${operation.name}`,
    promise: 'A flush that is taken out is missed: what was reported is then not there, or not whole.',
    sides: EACH,
    rounds: { quick: 0, usual: 1 },
    prepare: (bench) => {
      const tracer = buildTracer(bench);
      return async ({ random }) => {
        const folder = fastFolder(`dorkos-flushes-${operation.name}-`);
        try {
          const recording = await record(operation, bench, tracer, folder);
          const changes = changesOf(recording);
          const byName = new Map<string, OwnFlush[]>();
          for (const flush of ownFlushes(recording.trace, changes, recording.home)) {
            byName.set(flush.name, [...(byName.get(flush.name) ?? []), flush]);
          }
          const spare: string[] = [];
          for (const [name, flushes] of byName) {
            let tried = 0;
            let isMissed = false;
            for (const state of statesOf(withoutFlushes(changes, flushes), STATES, random, AT_REPORTS)) {
              tried++;
              const home = join(folder, 'state');
              try {
                await judged(operation, state, home);
              } catch {
                isMissed = true;
              }
              rmSync(home, { recursive: true, force: true });
              if (isMissed) break;
            }
            if (!isMissed && !SPARE[`${operation.name}: ${name}`]) spare.push(`${name} (${tried} states)`);
          }
          assert.deepEqual(spare, [], 'nothing misses these flushes');
          return `${byName.size} flushes`;
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      };
    },
  };
}

/** Those of which each flush was looked at. */
const LOOKED_AT = ['migrate', 'import', 'repair'];

export const FLUSHES = OPERATIONS.filter(({ name }) => LOOKED_AT.includes(name)).map(flushesAreMissed);
