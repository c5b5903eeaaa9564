import type { Random } from '../../kit/random.ts';
import type { Changes } from './changes.ts';
import type { Kept } from './disk.ts';
import { withoutFlushes } from './flushes.ts';
import { Disk, MODELS, type Model, STYLES } from './models.ts';
import { different, ENOUGH, endsOf, type State, stateAt } from './states.ts';

/** A state that a disk may only be in without some flushes. */
export interface LackingState extends State {
  /** The same state with what those flushes write. */
  withFlushes(): State;
}

/** A moment at which some flushes make a difference. */
interface Moment {
  readonly cut: number;
  readonly model: Model;
  /** What is on the disk with the flushes. */
  readonly sure: ReadonlySet<number>;
  /** What the flushes write. */
  readonly own: readonly number[];
  /** What every flush writes, and may be lost without all that are out. */
  readonly loose: readonly number[];
  readonly isReport: boolean;
}

/**
 * Different states that a disk may be in without some flushes, and may not be in with them. First, one or two of each
 * moment right after a report, which must then be true, and right before a flush, when most is open; then random ones.
 *
 * @param others These are out in any case.
 * @param count How many random ones.
 */
export function* lackingStatesOf(
  changes: Changes,
  flushes: readonly number[],
  others: readonly number[],
  count: number,
  random: Random,
): Generator<LackingState> {
  const without = withoutFlushes(changes, [...flushes, ...others]);
  const disk = new Disk(without);
  const all = momentsOf(changes, disk, others, Math.min(...flushes));
  const reports = all.filter(({ isReport }) => isReport);
  const weak = all.filter(({ cut, isReport }) => !isReport && changes.steps[cut]?.kind === 'flush');
  const soon = all.filter(({ cut }) => flushes.some((flush) => cut > flush && cut <= flush + SOON));
  const lists = [reports, weak, soon, all].filter(({ length }) => length > 0);
  if (lists.length === 0) return;
  const first = [...reports, ...weak].flatMap((moment) => [moment.loose, moment.own].map((lost) => ({ moment, lost })));
  yield* different(first.length + count, first.length + ENOUGH, () => {
    const next = first.shift();
    const { cut, model, sure, loose } = next?.moment ?? random.pick(random.pick(lists));
    const style = !next && random.chance(0.4) ? random.pick(STYLES) : undefined;
    const lost = next?.lost ?? loose.filter(() => random.chance(0.5));
    const kept = style ? disk.keptAt(cut, model, style, random) : disk.keptButFor(new Set(lost), cut, model);
    if ([...sure].every((step) => kept.steps.has(step) && !kept.torn.has(step))) return undefined;
    const how = `${model}, ${style ?? 'all but what was flushed'}`;
    const withFlushes = () => stateAt(without, alsoKept(kept, sure), `${how}, with the flush`);
    return { ...stateAt(without, kept, how), withFlushes };
  });
}

/** So many steps after a flush are soon. */
const SOON = 25;

/** The moments at which flushes make a difference; those are all that are out but the others. */
function momentsOf(changes: Changes, without: Disk, others: readonly number[], first: number): Moment[] {
  const [all, whole] = [new Disk(changes), new Disk(withoutFlushes(changes, others))];
  const ends = new Set(endsOf(changes));
  const cuts = Array.from({ length: changes.steps.length - first }, (_, i) => first + 1 + i);
  return cuts.flatMap((cut) =>
    MODELS.flatMap((model) => {
      const [sure, left] = [whole.sureAt(cut, model), without.sureAt(cut, model)];
      if (sure.size === left.size) return [];
      const beyond = (steps: ReadonlySet<number>) => [...steps].filter((step) => !left.has(step));
      return [{ cut, model, sure, own: beyond(sure), loose: beyond(all.sureAt(cut, model)), isReport: ends.has(cut) }];
    }),
  );
}

/** The same, and some steps in whole. */
function alsoKept({ cut, steps, torn }: Kept, also: ReadonlySet<number>): Kept {
  return {
    cut,
    steps: new Set([...steps, ...also].sort((a, b) => a - b)),
    torn: new Map([...torn].filter(([step]) => !also.has(step))),
  };
}
