import type { Random } from '../../kit/random.ts';
import type { Change, Changes } from './changes.ts';
import type { Kept, Torn } from './disk.ts';

/**
 * What a file system promises.
 *
 * - `ordered`: names and sizes in one journal, in their order; each flush writes all of it (ext4, XFS).
 * - `snapshot`: everything as it was at a moment, and what was flushed since (Btrfs): a flushed file with its names, a
 *   flushed folder with its names.
 * - `unordered`: names of a folder in any order until it is flushed; a flushed file has its name.
 * - `posix`: the least that the standard allows: a name is there if its folder was flushed.
 */
export const MODELS = ['ordered', 'snapshot', 'unordered', 'posix'] as const;
export type Model = (typeof MODELS)[number];

/** How much of what was not flushed a disk has kept. */
export const STYLES = ['all', 'nothing', 'all but one', 'one', 'some', 'torn'] as const;
export type Style = (typeof STYLES)[number];

interface Steps {
  /** On the disk in any case. */
  readonly sure: Set<number>;
  /** Perhaps. */
  readonly open: number[];
}

/** Looks steps up by what they flush. */
export class Disk {
  readonly changes: Changes;
  /** The steps that flush a file or a folder. */
  readonly #flushes = new Map<number, number[]>();
  readonly #all: number[] = [];

  constructor(changes: Changes) {
    this.changes = changes;
    for (const [i, step] of changes.steps.entries()) {
      if (step.kind !== 'flush') continue;
      this.#all.push(i);
      this.#flushes.set(step.node, [...(this.#flushes.get(step.node) ?? []), i]);
    }
  }

  #isFlushed(node: number, after: number, cut: number): boolean {
    return this.#flushes.get(node)?.some((flush) => flush > after && flush < cut) ?? false;
  }

  /** True if a step is on the disk, whatever else is; `since` is the moment from which on only what was flushed counts. */
  #isSure(model: Model, i: number, step: Change, cut: number): boolean {
    if (step.kind === 'write') return this.#isFlushed(step.node, i, cut);
    if (step.kind === 'truncate') {
      return model === 'ordered' ? this.#isAnythingFlushed(i, cut) : this.#isFlushed(step.node, i, cut);
    }
    if (step.kind !== 'names') return false;
    if (model === 'ordered') return this.#isAnythingFlushed(i, cut);
    return step.namings.some(
      ({ folder, node }) =>
        this.#isFlushed(folder, i, cut) || (model !== 'posix' && node !== undefined && this.#isFlushed(node, i, cut)),
    );
  }

  #isAnythingFlushed(after: number, cut: number): boolean {
    return this.#all.some((flush) => flush > after && flush < cut);
  }

  /** The steps that are on the disk in any case when the power fails before the step `cut`. */
  sureAt(cut: number, model: Model): ReadonlySet<number> {
    return this.#stepsOf(model, cut).sure;
  }

  #stepsOf(model: Model, cut: number): Steps {
    const sure = new Set<number>();
    const open: number[] = [];
    for (let i = 0; i < cut; i++) {
      const step = this.changes.steps[i] as Change;
      if (step.kind === 'say' || step.kind === 'flush' || step.kind === 'none') continue;
      if (this.#isSure(model, i, step, cut)) sure.add(i);
      else open.push(i);
    }
    return { sure, open };
  }

  /** What a disk may have kept when the power fails before the step `cut`. */
  keptAt(cut: number, model: Model, style: Style, random: Random): Kept {
    const { sure, open } = this.#stepsOf(model, cut);
    const chosen = new Set(this.#choose(open, style, random));
    const torn = new Map<number, Torn>();
    if (style === 'torn') {
      for (const i of open) if (this.changes.steps[i]?.kind === 'write' && random.chance(0.5)) chosen.add(i);
      for (const i of chosen) {
        if (this.changes.steps[i]?.kind === 'write' && random.chance(0.5)) torn.set(i, tornBy(random));
      }
    }
    // Names and sizes are in one order, up to a moment.
    if (model === 'ordered' || model === 'snapshot') this.#order(model, open, chosen, style, random);
    const steps = new Set([...sure, ...chosen].sort((a, b) => a - b));
    if (model === 'ordered' || model === 'snapshot') this.#dropHidden(steps, cut);
    return { cut, steps, torn };
  }

  /** What a disk may have kept that has lost some steps, and little else. */
  keptButFor(lost: ReadonlySet<number>, cut: number, model: Model): Kept {
    const { sure, open } = this.#stepsOf(model, cut);
    const isInOrder = model === 'ordered' || model === 'snapshot';
    const isName = (i: number) => this.changes.steps[i]?.kind !== 'write';
    // Names and sizes are in one order: what comes later is lost, too.
    const end = isInOrder ? (open.find((i) => lost.has(i) && isName(i)) ?? cut) : cut;
    const kept = open.filter((i) => !lost.has(i) && (i < end || !isName(i)));
    const steps = new Set([...sure, ...kept].sort((a, b) => a - b));
    if (isInOrder) this.#dropHidden(steps, cut);
    return { cut, steps, torn: new Map() };
  }

  #choose(open: readonly number[], style: Style, random: Random): readonly number[] {
    if (style === 'all') return open;
    if (style === 'nothing' || open.length === 0) return [];
    const one = random.pick(open);
    if (style === 'one') return [one];
    if (style === 'all but one') return open.filter((i) => i !== one);
    const probability = random.pick([0.1, 0.5, 0.9]);
    return open.filter(() => random.chance(probability));
  }

  #order(model: Model, open: readonly number[], chosen: Set<number>, style: Style, random: Random): void {
    const inOrder = open.filter((i) => this.changes.steps[i]?.kind !== 'write');
    const count = style === 'all' ? inOrder.length : style === 'nothing' ? 0 : random.below(inOrder.length + 1);
    for (const [n, i] of inOrder.entries()) {
      if (n < count) chosen.add(i);
      else chosen.delete(i);
    }
    if (model === 'ordered' || count === 0) return;
    // Everything before that moment is in it, but for bytes that were not written yet.
    const moment = inOrder[count - 1] as number;
    for (const i of open) if (i < moment && random.chance(0.5)) chosen.add(i);
  }

  /** What was written after a truncation that is not there is not there either. */
  #dropHidden(steps: Set<number>, cut: number): void {
    const hidden = new Set<number>();
    for (let i = 0; i < cut; i++) {
      const step = this.changes.steps[i] as Change;
      if (step.kind === 'truncate' && !steps.has(i)) hidden.add(step.node);
      else if (step.kind === 'flush') hidden.delete(step.node);
      else if (step.kind === 'write' && hidden.has(step.node)) steps.delete(i);
    }
  }
}

/** Any sectors of it, or those up to one. */
function tornBy(random: Random): Torn {
  const bytes = random.pick([512, 4096] as const);
  const seed = random.next();
  const probability = random.pick([0.2, 0.5, 0.8]);
  const isKept = (sector: number) => (sector * 0.618_033_988_75 + seed) % 1 < probability;
  return { bytes, isKept };
}
