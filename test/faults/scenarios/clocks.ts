import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../support/runtime.ts';
import { CLOCK_STORIES } from '../jobs/clocks.ts';
import type { Answer } from '../processes.ts';
import { type Bench, EACH, NotAllowed, type Scenario } from '../scenario.ts';

/**
 * Builds the library that sets a program's clock.
 *
 * @returns The environment of a program with a clock of its own.
 */
function clockLibrary({ folder }: Bench): (at: string) => Record<string, string> {
  if (process.platform !== 'linux') throw new NotAllowed('The clock of a program is set by LD_PRELOAD, on Linux.');
  const library = join(folder, 'clock.so');
  const source = join(ROOT, 'test', 'faults', 'clock.c');
  const built = spawnSync('gcc', ['-shared', '-fPIC', '-O1', '-Wall', '-Werror', '-o', library, source], {
    encoding: 'utf8',
  });
  if (built.error) throw new NotAllowed('It needs gcc: apt-get install gcc libc6-dev.');
  assert.equal(built.status, 0, built.stderr);
  return (at) => {
    const file = join(at, 'clock');
    writeFileSync(file, Buffer.alloc(16));
    return { LD_PRELOAD: library, CLOCK_FILE: file };
  };
}

const SET_CLOCKS: Scenario = {
  name: 'clocks',
  promise:
    'With a clock that is years ahead, set back, at 0 or standing still, ids, order, retention, budgets, names and waits stay right.',
  sides: EACH,
  rounds: { quick: CLOCK_STORIES.length, usual: CLOCK_STORIES.length * 3 },
  mustMeet: CLOCK_STORIES,
  prepare: async (bench) => {
    const clockIn = clockLibrary(bench);
    const { done } = await bench.start('now', {}, { env: clockIn(bench.folder) }).last<Answer>();
    if (!(done as { isSet: boolean } | undefined)?.isSet)
      throw new NotAllowed('This runtime asks the system for the time without libc.');
    return async ({ folder, number }) => {
      const story = CLOCK_STORIES[number % CLOCK_STORIES.length] as string;
      const args = { file: join(folder, 'dork.db'), story };
      const {
        done: told,
        error,
        unexpected,
      } = await bench.start('clock', args, { env: clockIn(folder) }).last<Answer>();
      assert.equal(unexpected, undefined, `${story}: ${unexpected}`);
      assert.equal(error, undefined, `${story}: ${JSON.stringify(error)}`);
      assert.equal(told, story);
      return story;
    };
  },
};

export const CLOCKS_SET = [SET_CLOCKS];
