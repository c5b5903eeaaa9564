import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Answer, type Job, pause } from '../processes.ts';
import { type Bench, EACH, type Round, type Scenario } from '../scenario.ts';

/** Something that a process does when it is killed. */
export interface Moment {
  readonly name: string;
  readonly promise: string;
  /** Makes the home as it is before: the database, the logs, and what else is needed. */
  model(home: string, bench: Bench): void | Promise<void>;
  readonly job: string;
  args(home: string, bench: Bench): object;
  /** The phase of the job in which it is killed. Default: all of it. */
  readonly phase?: string;
  /** Asserts that what was acknowledged is there, and that whoever comes next goes on. Gives a word for what it met. */
  check(home: string, bench: Bench): undefined | string | Promise<undefined | string>;
  readonly rounds?: Scenario['rounds'];
  readonly mustMeet?: readonly string[];
}

/** Lines of a job until the one after which it is to be killed. */
async function begin(job: Job, phase: string | undefined): Promise<void> {
  for (;;) {
    const line = await job.next<Answer & { phase?: string }>();
    if (line.unexpected || line.error || 'done' in line) throw new Error(`It was not met: ${JSON.stringify(line)}`);
    if (phase === undefined ? line.ready : line.phase === phase) return;
  }
}

/** How long the whole of it takes when nobody kills it, in milliseconds. */
async function undisturbed(moment: Moment, home: string, bench: Bench): Promise<number> {
  const job = bench.start(moment.job, moment.args(home, bench));
  await begin(job, moment.phase);
  const began = performance.now();
  const line = moment.phase === undefined ? await job.last() : await job.next();
  assert.ok(!line.unexpected && !line.error, JSON.stringify(line));
  const took = performance.now() - began;
  await job.kill();
  return took;
}

/** Killed with SIGKILL at moments spread over all of what it does. */
export function killed(moment: Moment): Scenario {
  return {
    name: `kill-${moment.name}`,
    promise: moment.promise,
    sides: EACH,
    rounds: moment.rounds ?? { quick: 3, usual: 30 },
    mustMeet: moment.mustMeet ?? ['killed'],
    async prepare(bench) {
      const model = join(bench.folder, 'model');
      mkdirSync(model);
      await moment.model(model, bench);
      const trial = join(bench.folder, 'trial');
      cpSync(model, trial, { recursive: true });
      const took = await undisturbed(moment, trial, bench);
      return async ({ number, random, folder }: Round) => {
        // A part of the time for each round, so that all of it is met.
        let delay = (((number % bench.rounds) + random.next()) / bench.rounds) * took;
        for (let attempt = 1; ; attempt++) {
          const home = join(folder, `home-${attempt}`);
          cpSync(model, home, { recursive: true });
          const isKilled = await killAfter(moment, home, bench, delay);
          const met = await moment.check(home, bench);
          if (isKilled) return met ?? 'killed';
          if (attempt === ATTEMPTS) return 'too late';
          // It was faster than the one that was measured.
          delay = attempt === ATTEMPTS - 1 ? 0 : delay / 4;
        }
      };
    },
  };
}

const ATTEMPTS = 3;

/** Kills a job so long after its beginning; false where it was done before. */
async function killAfter(moment: Moment, home: string, bench: Bench, delay: number): Promise<boolean> {
  await using job = bench.start(moment.job, moment.args(home, bench));
  await begin(job, moment.phase);
  if (delay > 0) await pause(delay);
  await job.kill();
  return (await job.ended).signal === 'SIGKILL';
}

/** What stands in a folder of backups under a temporary name. */
export function wreckageIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('.partial'));
}
