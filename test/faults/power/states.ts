import { mkdirSync, rmSync } from 'node:fs';
import type { Random } from '../../kit/random.ts';
import type { Changes } from './changes.ts';
import { type Files, filesAfter, type Kept, keyOf, writeFiles } from './disk.ts';
import { Disk, MODELS, STYLES } from './models.ts';
import type { Operation } from './operation.ts';
import { type Told, toldBefore } from './told.ts';

/** What the next process may find after a loss of power. */
export interface State {
  /** For people: where and how. */
  readonly name: string;
  readonly files: Files;
  readonly told: Told;
}

/** So many draws in a row that give nothing new mean that there is nothing new. */
export const ENOUGH = 400;

/** Different states that a disk may be in, in a random order, up to a number of them. */
export function* statesOf(changes: Changes, count: number, random: Random): Generator<State> {
  const disk = new Disk(changes);
  const ends = endsOf(changes);
  yield* different(count, ENOUGH, () => {
    const cut = random.chance(0.3) ? random.pick(ends) : random.below(changes.steps.length + 1);
    const [model, style] = [random.pick(MODELS), random.pick(STYLES)];
    return stateAt(changes, disk.keptAt(cut, model, style, random), `${model}, ${style}`);
  });
}

/** The moments right after something was said, which must then be true. */
export function endsOf({ steps }: Changes): number[] {
  return [...[...steps.keys()].filter((i) => steps[i - 1]?.kind === 'say'), steps.length];
}

/** Draws until there are enough, or nothing new is left. */
export function* different<T extends State>(count: number, enough: number, draw: () => T | undefined): Generator<T> {
  const seen = new Set<string>();
  for (let given = 0, vain = 0; given < count && vain < enough; ) {
    const state = draw();
    const key = state && keyOf(state.files) + JSON.stringify([state.told.lines.length, ...state.told.durable]);
    if (!state || !key || seen.has(key)) {
      vain++;
      continue;
    }
    seen.add(key);
    given++;
    vain = 0;
    yield state;
  }
}

export function stateAt(changes: Changes, kept: Kept, how: string): State {
  const { cut } = kept;
  const step = changes.steps[cut];
  const what = step === undefined ? 'the end' : step.kind;
  return {
    name: `step ${cut} of ${changes.steps.length} (${what}), ${how}`,
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
