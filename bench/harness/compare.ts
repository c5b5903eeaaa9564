import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import type { Cost, Measurement } from './suite.ts';

/** One arm of an operation: does it for the i-th time, and gives what a caller would get, or a promise of it. */
export type Act = (i: number) => unknown;

/** One operation, written several ways. The arms get the same sequence of `i`. */
export interface Operation {
  readonly name: string;
  /** A read is judged by its median; a write by its mean, which has its share of checkpoints. */
  readonly kind: 'read' | 'write';
  readonly arms: Readonly<Record<string, Act>>;
  /** What must be equal between the arms; default the whole result. Ids and instants of now are left out here. */
  readonly comparable?: (result: unknown) => unknown;
  /** The arms that give promises: each is awaited before the next one is made. */
  readonly awaited?: readonly string[];
}

/** How long an operation is measured. */
export interface Effort {
  /** Blocks of each arm. */
  readonly blocks: number;
  /** What a block of reads should take, in milliseconds. */
  readonly blockMs: number;
  /** How long each arm of a read runs before it is timed, in milliseconds; a write twice as often as it is timed. */
  readonly warmUpMs: number;
  /** Writes of each arm, over all blocks. */
  readonly writes: number;
}

export const FULL: Effort = { blocks: 25, blockMs: 4, warmUpMs: 150, writes: 8000 };
export const QUICK: Effort = { blocks: 2, blockMs: 1, warmUpMs: 2, writes: 60 };

/** Results whose equality is asserted before anything is timed. */
const COMPARED = 3;

/** An arm that is only to be seen from afar runs this much less often, so that the others get the time. */
const SHARE: Readonly<Record<string, number>> = { builder: 0.25 };

/**
 * Asserts that the arms of every operation give the same, and only then times one after the other: a later one may meet
 * what the timing of an earlier one wrote.
 */
export async function compareAll(operations: readonly Operation[], effort: Effort): Promise<Measurement[]> {
  for (const operation of operations) await assertEqual(operation);
  const measured: Measurement[] = [];
  for (const operation of operations) measured.push(await compare(operation, effort));
  return measured;
}

async function assertEqual({ arms, comparable = (result) => result, name: operation, kind }: Operation): Promise<void> {
  const names = Object.keys(arms);
  const resultsOf = async (i: number) => {
    const results: unknown[] = [];
    for (const name of names) results.push(comparable(await arms[name]?.(i)));
    return results;
  };
  for (let i = 0; i < COMPARED; i++) {
    let results = await resultsOf(i);
    // A read of what counts by minutes may meet the end of one between two arms, but not twice.
    if (kind === 'read' && !results.every((each) => isDeepStrictEqual(each, results[0]))) results = await resultsOf(i);
    const [first, ...others] = results;
    for (const [k, other] of others.entries())
      assert.deepEqual(other, first, `${operation}: ${names[k + 1]} gives something else than ${names[0]}`);
  }
}

/**
 * Times the arms of an operation in short blocks that take turns, each block a different arm first, so that whatever
 * else the machine does meets all of them.
 */
async function compare(operation: Operation, effort: Effort): Promise<Measurement> {
  const names = Object.keys(operation.arms);
  let next = await warmUp(operation, names, COMPARED, effort);
  const count = blockSize(operation, effort, next);
  next += count;
  const blocks = new Map<string, Cost[]>(names.map((name) => [name, []]));
  const rounds = operation.kind === 'read' ? effort.blocks : Math.max(2, Math.ceil(effort.writes / count));
  for (let block = 0; block < rounds; block++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(block + turn) % names.length] as string;
      blocks.get(name)?.push(await timerOf(operation, name)(next, Math.ceil(count * (SHARE[name] ?? 1))));
    }
    next += count;
  }
  const summary = operation.kind === 'read' ? median : mean;
  return {
    operation: operation.name,
    arms: Object.fromEntries(
      names.map((name) => {
        const costs = blocks.get(name) ?? [];
        return [name, { cpu: summary(costs.map(({ cpu }) => cpu)), wall: summary(costs.map(({ wall }) => wall)) }];
      }),
    ),
  };
}

/**
 * Until the compilers of the runtime have done with each arm: they work on other threads, whose time would count, and
 * a server is past that soon.
 */
async function warmUp(operation: Operation, names: string[], first: number, effort: Effort): Promise<number> {
  const { arms, kind, awaited = [] } = operation;
  if (kind === 'write') {
    const count = effort.writes * 2;
    for (const name of names) await timerOf(operation, name)(first, Math.ceil(count * (SHARE[name] ?? 1)));
    return first + count;
  }
  let next = first;
  for (const name of names) {
    const until = performance.now() + effort.warmUpMs;
    let i = first;
    do {
      const result = arms[name]?.(i++);
      if (awaited.includes(name)) await result;
    } while (performance.now() < until);
    next = Math.max(next, i);
  }
  return next;
}

/** So many reads that a block of the first arm takes what it should; a fixed share of the writes. */
function blockSize({ arms, kind }: Operation, effort: Effort, first: number): number {
  const names = Object.keys(arms);
  if (kind === 'write') return Math.ceil(effort.writes / 16);
  const act = arms[names[0] as string] as Act;
  let count = 1;
  for (; ; count *= 2) {
    const { wall } = time(act, first, count);
    const total = (wall * count) / 1000;
    if (total >= effort.blockMs / 2 || count >= 1 << 16) break;
  }
  return count;
}

/** What one call costs in a block of them. */
export function time(act: Act, first: number, count: number): Cost {
  const stop = stopwatch();
  for (let i = first; i < first + count; i++) act(i);
  return stop(count);
}

/** {@link time} where the arm gives promises. */
export async function timeAwaited(act: Act, first: number, count: number): Promise<Cost> {
  const stop = stopwatch();
  for (let i = first; i < first + count; i++) await act(i);
  return stop(count);
}

function timerOf(
  { arms, awaited = [] }: Operation,
  name: string,
): (first: number, count: number) => Cost | Promise<Cost> {
  const act = arms[name] as Act;
  return awaited.includes(name) ? timeAwaited.bind(undefined, act) : time.bind(undefined, act);
}

/** Begins; the function that it gives says what has passed, divided by a count. */
export function stopwatch(): (count: number) => Cost {
  const cpu = process.cpuUsage();
  const start = performance.now();
  return (count) => {
    const wall = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    return { cpu: (user + system) / count, wall: (wall * 1000) / count };
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
