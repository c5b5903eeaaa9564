import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from '../power/operation.ts';
import { OPERATIONS } from '../power/operations/index.ts';
import { changesOf, record } from '../power/record.ts';
import { judged, statesOf } from '../power/states.ts';
import { buildTracer, fastFolder } from '../power/tracer.ts';
import { EACH, type Mode, type Scenario } from '../scenario.ts';

/** States of one operation on one side. */
const STATES: Readonly<Record<Mode, number>> = { quick: 6, usual: 100, soak: 100 };

/** So many violations are shown of one round. */
const SHOWN = 3;

/** The power fails in the middle of an operation, and the disk keeps what its file system must, and some of the rest. */
function powerCut(operation: Operation): Scenario {
  return {
    name: `power-${operation.name}`,
    promise: operation.promise,
    sides: EACH,
    rounds: { quick: 1, usual: 4 },
    prepare: (bench) => {
      const tracer = buildTracer(bench);
      const count = bench.states ?? STATES[bench.mode];
      return async ({ random }) => {
        const folder = fastFolder(`dorkos-power-${operation.name}-`);
        try {
          const changes = changesOf(await record(operation, bench, tracer, folder));
          const bad: string[] = [];
          let states = 0;
          for (const state of statesOf(changes, count, random)) {
            states++;
            bench.alive();
            try {
              await judged(operation, state, join(folder, `state-${states}`));
            } catch (error) {
              bad.push(`${state.name}: ${error instanceof Error ? error.stack : error}`);
            }
          }
          assert.equal(bad.length, 0, `${bad.length} of ${states} states:\n${bad.slice(0, SHOWN).join('\n')}`);
          return `${states} states`;
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      };
    },
  };
}

export const POWER = OPERATIONS.map(powerCut);
