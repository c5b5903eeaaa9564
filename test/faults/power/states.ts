import { mkdirSync, rmSync } from 'node:fs';
import type { Random } from '../../kit/random.ts';
import type { Changes } from './changes.ts';
import { type Files, filesAfter, keyOf, writeFiles } from './disk.ts';
import { Disk, MODELS, type Model, STYLES, type Style } from './models.ts';
import type { Operation } from './operation.ts';
import { type Told, toldBefore } from './told.ts';

/** What the next process may find after a loss of power. */
export interface State {
  /** For people: where and how. */
  readonly name: string;
  readonly model: Model;
  readonly files: Files;
  readonly told: Told;
}

/** So many draws in a row that give nothing new mean that there is nothing new. */
const ENOUGH = 400;

/**
 * Different states that a disk may be in, in a random order, up to a number of them.
 *
 * @param atReports How many of them are of a moment right after something was said; else any moment. Default 0.3.
 * @param near A step after which most of the other moments are. Default: none.
 */
export function* statesOf(
  changes: Changes,
  count: number,
  random: Random,
  atReports = 0.3,
  near?: number,
): Generator<State> {
  const disk = new Disk(changes);
  const seen = new Set<string>();
  // What was just said must be true.
  const ends = [...changes.steps.keys()].filter((i) => changes.steps[i - 1]?.kind === 'say');
  ends.push(changes.steps.length);
  for (let given = 0, vain = 0; given < count && vain < ENOUGH; ) {
    const cut = random.chance(atReports) ? random.pick(ends) : momentOf(changes, random, near);
    const state = stateAt(disk, cut, random.pick(MODELS), random.pick(STYLES), random);
    const key = keyOf(state.files) + JSON.stringify([state.told.lines.length, ...state.told.durable]);
    if (seen.has(key)) {
      vain++;
      continue;
    }
    seen.add(key);
    given++;
    vain = 0;
    yield state;
  }
}

/** So many steps are near. */
const NEAR = 25;

function momentOf({ steps }: Changes, random: Random, near: number | undefined): number {
  if (near === undefined || random.chance(0.3)) return random.below(steps.length + 1);
  return Math.min(near + random.below(NEAR), steps.length);
}

function stateAt(disk: Disk, cut: number, model: Model, style: Style, random: Random): State {
  const { changes } = disk;
  const kept = disk.keptAt(cut, model, style, random);
  const step = changes.steps[cut];
  const what = step === undefined ? 'the end' : step.kind;
  return {
    name: `step ${cut} of ${changes.steps.length} (${what}), ${model}, ${style}`,
    model,
    files: filesAfter(changes, kept),
    told: toldBefore(changes, cut),
  };
}

/** Opens a state as the next process does; gives the word for it. */
export async function judged(operation: Operation, state: State, home: string): Promise<string> {
  mkdirSync(home, { mode: 0o700 });
  writeFiles(state.files, home);
  const met = await operation.judge(home, state.told);
  rmSync(home, { recursive: true, force: true });
  return met;
}
