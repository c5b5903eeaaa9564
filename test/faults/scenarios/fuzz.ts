import assert from 'node:assert/strict';
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ConstraintError, createDb, type Db, DorkDbError, InvalidInputError } from '#entry';
import { contentOf } from '../../kit/preservation.ts';
import type { Random } from '../../kit/random.ts';
import { HostileError } from '../hostile.ts';
import { acknowledgedIn, assertAcknowledged, assertSound, Writer, writeHome } from '../oracle.ts';
import { EACH, type Scenario } from '../scenario.ts';
import { type Call, featureCalls, type MakeCall, storeCalls } from './fuzz-calls.ts';

const CALLS = 150;

/** Makes one call: it is taken and stored exactly, or refused with an error of the kinds given, changing nothing. */
async function attempt(db: Db, call: Call, refusals: readonly (new (...args: never[]) => Error)[]): Promise<boolean> {
  const before = contentOf(db.$client);
  let result: unknown;
  try {
    result = await call.run();
  } catch (error) {
    const isPromised = refusals.some((kind) => error instanceof kind);
    assert.ok(isPromised, `${call.name} threw ${error instanceof Error ? error.stack?.slice(0, 1500) : String(error)}`);
    assert.ok(
      !(error instanceof InvalidInputError) || error.message.length < 2000,
      `${call.name} shows what it was given`,
    );
    assert.deepEqual(contentOf(db.$client), before, `${call.name} was refused and changed something`);
    return false;
  }
  if (call.readBack) {
    const [given, stored] = call.readBack(result);
    assert.deepEqual(stored, given, `${call.name} stored something else`);
  }
  return true;
}

/** Calls that no caller means, and then those that everyone does. */
function fuzz(
  name: string,
  promise: string,
  callsOf: (db: Db, folder: string) => readonly MakeCall[],
  refusals: readonly (new (...args: never[]) => Error)[],
  rounds: Scenario['rounds'],
): Scenario {
  return {
    name,
    promise,
    sides: EACH,
    rounds,
    prepare: ({ folder: bench }) => {
      const model = join(bench, 'model');
      mkdirSync(model);
      writeHome(join(model, 'dork.db'), model, ['ada'], 15);
      process.env.DORK_HOME = join(bench, 'home');
      // A hostile text may be the path of a file that a function then makes.
      process.chdir(bench);
      return async ({ folder, random }) => {
        cpSync(model, folder, { recursive: true });
        cpSync(join(model, 'dork.db'), join(folder, 'copy.db'));
        using db = createDb(join(folder, 'dork.db'));
        const calls = callsOf(db, folder);
        let taken = 0;
        for (let i = 0; i < CALLS; i++) if (await attempt(db, random.pick(calls)(random), refusals)) taken++;
        assert.equal('polluted' in {}, false, 'The prototype of every object was changed');
        assert.ok(taken > 0 && taken < CALLS, `${taken} of ${CALLS} calls were taken`);
        assertUnharmed(db, folder, random);
        return undefined;
      };
    },
  };
}

function assertUnharmed(db: Db, logs: string, random: Random): void {
  assertSound(db);
  {
    using writer = new Writer(db, 'ada', logs);
    for (let times = 1 + random.below(3); times > 0; times--) writer.write();
  }
  assertAcknowledged(db, acknowledgedIn(logs), 'some');
}

export const FUZZ: readonly Scenario[] = [
  fuzz(
    'hostile-stores',
    'Whatever a store is given, it stores it exactly or refuses it by name, and goes on.',
    storeCalls,
    [InvalidInputError, ConstraintError, HostileError],
    { quick: 5, usual: 60 },
  ),
  fuzz(
    'hostile-options',
    'Whatever options a function is given, it takes them or refuses them with an error of its own, and goes on.',
    featureCalls,
    [DorkDbError, HostileError],
    { quick: 2, usual: 15 },
  ),
];
