import type { Random } from '../kit/random.ts';
import type { Runtime } from '../support/runtime.ts';
import type { RunCommand, StartJob } from './processes.ts';

/** Where a scenario runs; `mixed` where processes of both runtimes meet, led by one of Bun. */
export type Side = Runtime | 'mixed';

/** How long and how much: `quick` for each change, `usual` by hand, `soak` again and again until the time is over. */
export type Mode = 'quick' | 'usual' | 'soak';

/** What a scenario finds when it begins. */
export interface Bench {
  /** The runtime that this process runs on. */
  readonly runtime: Runtime;
  readonly side: Side;
  readonly mode: Mode;
  /** For what is made once; removed at the end. */
  readonly folder: string;
  /** How many rounds are planned, so that moments can be spread over them. */
  readonly rounds: number;
  /** For a scenario that runs for a time: how long one of its rounds lasts. */
  readonly seconds: number;
  /** For a scenario that tries states: how many of them; absent for the usual number. */
  readonly states?: number | undefined;
  /** Says that a long round goes on: one that says nothing for minutes counts as one that hangs. */
  readonly alive: () => void;
  readonly start: StartJob;
  readonly dorkDb: RunCommand;
}

/** One experiment. */
export interface Round {
  /** From 0. */
  readonly number: number;
  /** Its choices come from the seed of the run, the scenario, the side and the number. */
  readonly random: Random;
  /** Empty; removed at the end of the round. */
  readonly folder: string;
}

/**
 * Makes the fault happen, and throws where the promise is not kept. Gives a word for what it met, as `killed` or
 * `refused`; the table shows how often each was met. `7 commits` counts as seven.
 */
export type Experiment = (round: Round) => undefined | string | Promise<undefined | string>;

/** A row of the table: a fault, and what is promised. */
export interface Scenario {
  /** `kill-backup`: what `--only` takes. */
  readonly name: string;
  /** One sentence: what is promised. */
  readonly promise: string;
  readonly sides: readonly Side[];
  /** 0 for a mode in which it is left out. */
  readonly rounds: { readonly quick: number; readonly usual: number };
  /**
   * Words that must be met at least once in a run, so that a scenario which meets nothing is seen; `a|b` is the one or
   * the other.
   */
  readonly mustMeet?: readonly string[];
  prepare(bench: Bench): Experiment | Promise<Experiment>;
}

/** Both runtimes, each alone. */
export const EACH: readonly Side[] = ['bun', 'node'];

/** There is nothing left to try: no more rounds are run. */
export class NothingLeft extends Error {
  override readonly name = 'NothingLeft';
}

/** The machine does not allow the experiment: it is named as not run. */
export class NotAllowed extends Error {
  override readonly name = 'NotAllowed';
}
