import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../../kit/random.ts';
import { failuresOf, nameOf } from '../power/failing.ts';
import { leftIn, type Operation } from '../power/operation.ts';
import { OPERATIONS } from '../power/operations/index.ts';
import { record, traced } from '../power/record.ts';
import { type Line, toldBy } from '../power/told.ts';
import { answersIn } from '../power/trace.ts';
import { buildTracer, type FailingCall, fastFolder, type Tracer } from '../power/tracer.ts';
import { type Bench, EACH, type Mode, NothingLeft, type Scenario } from '../scenario.ts';

/** Failing calls of one operation on one side. */
const CALLS: Readonly<Record<Mode, number>> = { quick: 4, usual: 100, soak: 50 };

/** The others take too long for each change. */
const IN_QUICK = ['write', 'backup', 'restore', 'migrate', 'import'];

const SHOWN = 5;

/** Runs the operation in a copy of its home while a call fails; gives a word for what came of it. */
async function failOnce(
  operation: Operation,
  bench: Bench,
  tracer: Tracer,
  home: string,
  failing: FailingCall,
): Promise<string> {
  const trace = await traced(operation, bench, tracer, home, { log: `${home}-trace`, withReads: true, failing });
  const lines = answersIn<Line>(trace);
  const last = lines.at(-1);
  assert.ok(last && ('done' in last || last.error), `It ended with ${JSON.stringify(last)}`);
  if (last.error) {
    const { code, message, hint } = last.error;
    assert.ok(code && message && hint, `An error that does not say what to do: ${JSON.stringify(last.error)}`);
    // What cannot be removed stays.
    if (failing.kind !== 'unlink')
      assert.deepEqual(leftIn(home), [], `it left something behind: ${JSON.stringify(last.error)}`);
  }
  await operation.judge(home, toldBy(lines));
  if (!trace.isHit) return 'not met';
  return last.error ? 'an error' : 'done all the same';
}

function callsFail(operation: Operation): Scenario {
  return {
    name: `calls-${operation.name}`,
    promise: `Whichever system call fails: a typed error or success, nothing lost, nothing left. ${operation.promise}`,
    sides: EACH,
    rounds: { quick: IN_QUICK.includes(operation.name) ? 1 : 0, usual: 1 },
    prepare: (bench) => {
      const tracer = buildTracer(bench);
      const count = bench.states ?? CALLS[bench.mode];
      return async ({ number, random: ofRound }) => {
        // A round after another goes on in the same order, until every call has failed.
        const isSlice = bench.states !== undefined;
        const random = isSlice ? new Random(1) : ofRound;
        const folder = fastFolder(`dorkos-calls-${operation.name}-`);
        try {
          const { trace, before } = await record(operation, bench, tracer, folder, true);
          const bad: string[] = [];
          const first = isSlice ? number * count : 0;
          const all = failuresOf(trace, random).slice(first, first + count);
          if (all.length === 0) throw new NothingLeft();
          for (const [i, failing] of all.entries()) {
            bench.alive();
            const home = join(folder, `home-${i}`);
            cpSync(before, home, { recursive: true, preserveTimestamps: true });
            try {
              await failOnce(operation, bench, tracer, home, failing);
            } catch (error) {
              bad.push(`${nameOf(failing)}: ${error instanceof Error ? error.stack : error}`);
            }
            for (const end of ['', '-logs', '-trace', '-trace.bytes'])
              rmSync(home + end, { recursive: true, force: true });
          }
          assert.equal(bad.length, 0, `${bad.length} of ${all.length} calls:\n${bad.slice(0, SHOWN).join('\n')}`);
          return `${all.length} calls`;
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      };
    },
  };
}

export const FAILING = OPERATIONS.map(callsFail);
