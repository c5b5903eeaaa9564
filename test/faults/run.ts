import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { runtimeCommand } from '../support/runtime.ts';
import type { HostLine, HostOrder } from './host.ts';
import type { Mode, Scenario, Side } from './scenario.ts';

/** What came of a scenario on a side. */
export interface Tally {
  readonly scenario: Scenario;
  readonly side: Side;
  rounds: number;
  survived: number;
  readonly losses: Loss[];
  /** How often each word was met. */
  readonly met: Map<string, number>;
  /** Why it was not run; absent where it was. */
  notRun?: string;
  seconds: number;
}

export interface Loss {
  /** Absent where no round was under way. */
  readonly round?: number;
  readonly what: string;
}

export interface Plan {
  readonly mode: Mode;
  readonly seed: string;
  /** One round alone. */
  readonly round?: number | undefined;
  /** Of a soak. */
  readonly minutes: number;
  readonly keep: boolean;
  readonly runtime?: Side | undefined;
  /** How many states a scenario tries that tries states. */
  readonly states?: number | undefined;
}

/** How many scenarios run at the same time. */
const AT_ONCE = 2;

/** In a soak one of them runs for all of it. */
const AT_ONCE_IN_SOAK = 3;

/** The longest that the scenario which runs for a time takes for one round of a soak, in seconds; half of a short one. */
const LONGEST_SECONDS = 600;

/** Nothing that a host does takes so long; one that says nothing for it hangs, which is a loss. */
const SILENCE_MS = 300_000;

/** Runs scenarios on their sides, two at a time. A soak begins anew until its time is over. */
export async function runPlan(scenarios: readonly Scenario[], plan: Plan): Promise<Tally[]> {
  const { mode, minutes, runtime } = plan;
  const until = mode === 'soak' ? Date.now() + minutes * 60_000 : Number.MAX_SAFE_INTEGER;
  const tallies = scenarios
    .filter(({ rounds }) => mode !== 'quick' || rounds.quick > 0)
    .flatMap((scenario) =>
      scenario.sides
        .filter((side) => !runtime || side === runtime)
        .map((side): Tally => ({ scenario, side, rounds: 0, survived: 0, losses: [], met: new Map(), seconds: 0 })),
    );
  let turn = 0;
  do {
    const waiting = [...tallies];
    const worker = async () => {
      for (let tally = waiting.shift(); tally && Date.now() < until; tally = waiting.shift())
        await runSlice(tally, plan, until, roundsOf(tally, mode, turn));
    };
    await Promise.all(Array.from({ length: mode === 'soak' ? AT_ONCE_IN_SOAK : AT_ONCE }, worker));
    turn++;
  } while (mode === 'soak' && Date.now() < until && tallies.some(({ notRun }) => notRun === undefined));
  for (const tally of tallies) {
    if (plan.round === undefined && tally.notRun === undefined) assertMet(tally);
  }
  return tallies;
}

/** A scenario that met nothing of what it is about proves nothing. */
function assertMet(tally: Tally): void {
  if (tally.rounds === 0) lose(tally, 'It ran no round.');
  for (const word of tally.scenario.mustMeet ?? []) {
    if (!word.split('|').some((one) => tally.met.has(one))) lose(tally, `No round met: ${word}.`);
  }
}

/** Of a scenario that loses again and again, the first losses are shown. */
const SHOWN = 3;

function lose(tally: Tally, what: string, round?: number): void {
  tally.losses.push({ what, ...(round !== undefined && { round }) });
  if (tally.losses.length > SHOWN) return;
  console.log(
    `LOST ${tally.scenario.name} on ${tally.side}, ${round === undefined ? 'as a whole' : `round ${round}`}: ${what}`,
  );
}

/** In a soak each turn is longer than the one before, so that the first one has met everything soon. */
function roundsOf({ scenario: { rounds } }: Tally, mode: Mode, turn: number): number {
  if (mode === 'soak') return Math.min(rounds.usual, Math.max(1, rounds.quick) * 2 ** turn);
  return mode === 'quick' ? rounds.quick : rounds.usual;
}

/** The rounds of one turn; a host that dies is a loss, and another one goes on after its round. */
async function runSlice(tally: Tally, plan: Plan, until: number, rounds: number): Promise<void> {
  if (tally.notRun !== undefined) return;
  const { scenario, side } = tally;
  const began = performance.now();
  const first = plan.round ?? tally.rounds;
  const end = first + (plan.round === undefined ? rounds : 1);
  const seconds = plan.mode === 'quick' ? 6 : plan.mode === 'usual' ? 60 : Math.min(LONGEST_SECONDS, plan.minutes * 30);
  const common = {
    scenario: scenario.name,
    side,
    mode: plan.mode,
    seed: plan.seed,
    until,
    keep: plan.keep,
    seconds,
    states: plan.states,
  };
  let next = first;
  while (next < end && Date.now() < until) {
    const reached = await runHost(tally, { ...common, from: next, rounds: end - next });
    if (reached === 'finished') break;
    next = reached + 1;
  }
  tally.seconds += (performance.now() - began) / 1000;
  const state = tally.notRun === undefined ? `${tally.survived} of ${tally.rounds} rounds survived` : 'not run';
  console.log(`${scenario.name} on ${side}: ${state}, ${tally.seconds.toFixed(1)} s`);
}

function meet({ met }: Tally, text: string): void {
  const [, times = '1', word = text] = /^(\d+) (.+)$/.exec(text) ?? [];
  met.set(word, (met.get(word) ?? 0) + Number(times));
}

/** Runs one host to its end, or gives the round that it died in. */
async function runHost(tally: Tally, order: HostOrder): Promise<'finished' | number> {
  const [command, script] = runtimeCommand('test/faults/host.ts', order.side === 'node' ? 'node' : 'bun');
  const child = spawn(command, [script, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  const ended = new Promise<string>((resolve) =>
    child.once('close', (code, signal) => resolve(String(signal ?? code))),
  );
  const silence = setTimeout(() => child.kill('SIGKILL'), SILENCE_MS + order.seconds * 1000);
  let round = order.from;
  let isFinished = false;
  for await (const text of createInterface({ input: child.stdout })) {
    silence.refresh();
    const line = JSON.parse(text) as HostLine;
    if ('alive' in line) continue;
    if ('finished' in line) isFinished = true;
    else if ('notRun' in line) tally.notRun = line.notRun;
    else if ('broken' in line) lose(tally, `It could not begin. ${line.broken}`);
    else {
      round = line.round + 1;
      tally.rounds++;
      if ('lost' in line) lose(tally, `${line.lost}${line.kept ? `\nKept: ${line.kept}` : ''}`, line.round);
      else {
        tally.survived++;
        if (line.met !== null) meet(tally, line.met);
      }
    }
  }
  const ending = await ended;
  clearTimeout(silence);
  if (isFinished) return 'finished';
  tally.rounds++;
  lose(tally, `The process ended with ${ending}. ${errors}`, round);
  return round;
}
