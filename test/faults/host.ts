/**
 * Runs the rounds of one scenario on this runtime: `host.ts '{"scenario": …}'`. Prints a line for each round, so that
 * whoever started it knows where it was when the process itself ends.
 */
import { mkdirSync, mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDb } from '#entry';
import { DRIVER, RUNTIME } from '../support/runtime.ts';
import { runCommand, startJob } from './processes.ts';
import { type Mode, NotAllowed, NothingLeft, type Side } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { randomFor } from './seed.ts';

export interface HostOrder {
  readonly scenario: string;
  readonly side: Side;
  readonly mode: Mode;
  readonly seed: string;
  /** The rounds from this one on … */
  readonly from: number;
  /** … so many. */
  readonly rounds: number;
  readonly seconds: number;
  /** Of a scenario that tries states. */
  readonly states?: number | undefined;
  /** No round begins after this; milliseconds since the epoch. */
  readonly until: number;
  /** Keeps the folders of lost rounds. */
  readonly keep: boolean;
}

/** What the host says. */
export type HostLine =
  | { readonly round: number; readonly met: string | null }
  | { readonly round: number; readonly lost: string; readonly kept?: string }
  | { readonly alive: true }
  | { readonly notRun: string }
  | { readonly broken: string }
  | { readonly finished: true };

const order = JSON.parse(process.argv[2] ?? '') as HostOrder;
const scenario = SCENARIOS.find(({ name }) => name === order.scenario);
if (!scenario) throw new Error(`There is no scenario ${order.scenario}.`);
const say = (line: HostLine) => writeSync(1, `${JSON.stringify(line)}\n`);
const probe = createDb(':memory:');
probe.$client.close();
if (probe.$client.driver !== DRIVER) throw new Error(`This is ${probe.$client.driver}, not ${DRIVER}.`);
const base = mkdtempSync(join(tmpdir(), `dorkos-faults-${order.scenario}-`));
let isKept = false;

const textOf = (error: unknown) => (error instanceof Error ? (error.stack ?? String(error)) : String(error));

try {
  const bench = join(base, 'bench');
  mkdirSync(bench);
  const { side, mode, rounds, seconds, states, seed, from } = order;
  const experiment = await scenario.prepare({
    runtime: RUNTIME,
    side,
    mode,
    folder: bench,
    rounds,
    seconds,
    states,
    alive: () => say({ alive: true }),
    start: startJob,
    dorkDb: runCommand,
  });
  for (let round = from; round < from + rounds && Date.now() < order.until; round++) {
    const folder = join(base, `round-${round}`);
    mkdirSync(folder);
    const random = randomFor(seed, scenario.name, side, round);
    try {
      say({ round, met: (await experiment({ number: round, random, folder })) ?? null });
      rmSync(folder, { recursive: true, force: true });
    } catch (error) {
      if (error instanceof NotAllowed) throw error;
      if (error instanceof NothingLeft) break;
      isKept ||= order.keep;
      say({ round, lost: textOf(error), ...(order.keep && { kept: folder }) });
      if (!order.keep) rmSync(folder, { recursive: true, force: true });
    }
  }
} catch (error) {
  say(error instanceof NotAllowed ? { notRun: error.message } : { broken: textOf(error) });
} finally {
  if (!isKept) rmSync(base, { recursive: true, force: true });
}
say({ finished: true });
process.exit();
