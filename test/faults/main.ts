/**
 * `bun run test:faults [--quick | --soak] [--minutes N] [--seed TEXT] [--only NAME,…] [--runtime bun|node|mixed]
 * [--states N|all] [--round N] [--keep] [--list]`
 *
 * Makes every fault happen, in processes of both runtimes, and prints what survived. Exits 1 where anything was lost.
 */
import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError, Option } from 'commander';
import { bundlePrograms } from '../support/programs.ts';
import { runPlan } from './run.ts';
import type { Mode, Scenario, Side } from './scenario.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { tableOf } from './table.ts';

interface Options {
  readonly quick?: boolean;
  readonly soak?: boolean;
  readonly minutes: number;
  readonly seed: string;
  readonly only?: readonly string[];
  readonly runtime?: Side;
  readonly round?: number;
  readonly states?: number;
  readonly keep?: boolean;
  readonly list?: boolean;
  readonly markdown?: boolean;
}

function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(Number.isFinite(value) && value >= least)) throw new InvalidArgumentError(`A number from ${least}.`);
    return value;
  };
}

/** Rounds of failing calls end by themselves when none is left. */
const ALL = 1_000_000;

const countOf = (text: string) => (text === 'all' ? ALL : numberFrom(1)(text));

/** A round that says nothing for minutes counts as one that hangs. */
const STATES_OF_A_ROUND = 100;

/** `power` names all that begin with `power-`, but `power-restore` the one with that name. */
function isOf(scenario: string, name: string): boolean {
  return scenario === name || (!isScenario(name) && scenario.startsWith(`${name}-`));
}

function isScenario(name: string): boolean {
  return SCENARIOS.some((scenario) => scenario.name === name);
}

function namesOf(text: string): string[] {
  const names = text.split(',');
  const unknown = names.filter((name) => !SCENARIOS.some((scenario) => isOf(scenario.name, name)));
  if (unknown.length > 0) throw new InvalidArgumentError(`There is no ${unknown.join(', ')}; --list names them.`);
  return names;
}

const options = new Command('test:faults')
  .description('Makes every fault happen, and tells what survived.')
  .addOption(new Option('--quick', 'a few rounds of each: about two minutes').conflicts('soak'))
  .option('--soak', 'again and again, until the time is over')
  .option('--minutes <n>', 'how long a soak takes', numberFrom(0.1), 60)
  .option('--seed <text>', 'the choices of an earlier run; default: a new one, printed', randomBytes(4).toString('hex'))
  .option('--only <names>', 'these scenarios, divided by commas', namesOf)
  .addOption(new Option('--runtime <name>', 'this side alone').choices(['bun', 'node', 'mixed']))
  .option('--round <n>', 'this round alone', numberFrom(0))
  .option(
    '--states <n>',
    'so many states or failing calls of each side, over all of power and calls; all: every call',
    countOf,
  )
  .option('--keep', 'keep the folders of lost rounds')
  .option('--markdown', 'print the table as Markdown')
  .option('--list', 'name the scenarios, and end')
  .parse()
  .opts<Options>();

if (options.list) {
  for (const { name, promise } of SCENARIOS) console.log(`${name.padEnd(28)} ${promise}`);
} else {
  const mode: Mode = options.soak ? 'soak' : options.quick ? 'quick' : 'usual';
  const { seed, round, minutes, keep = false, only, runtime } = options;
  const all = SCENARIOS.filter(({ name }) => !only || only.some((one) => isOf(name, one)));
  const tries = ({ name }: Scenario) => isOf(name, 'power') || isOf(name, 'calls');
  const each = options.states && Math.ceil(options.states / Math.max(1, all.filter(tries).length));
  const states = each && Math.min(each, STATES_OF_A_ROUND);
  const scenarios = all.map((scenario) => {
    if (!each || !tries(scenario)) return scenario;
    const rounds = Math.ceil(each / STATES_OF_A_ROUND);
    return { ...scenario, rounds: { quick: rounds, usual: rounds } };
  });
  console.log(`On Bun bun:sqlite, on Node ${process.env.DORK_DB_DRIVER || 'better-sqlite3'}`);
  console.log(`Seed ${seed}, ${mode === 'soak' ? `a soak of ${minutes} minutes` : `${mode} rounds`}`);
  await bundlePrograms();
  const tallies = await runPlan(scenarios, { mode, seed, round, minutes, keep, runtime, states });
  console.log(`\n${tableOf(tallies, options.markdown ? 'markdown' : 'text')}\n`);
  for (const { scenario, side, notRun } of tallies) {
    if (notRun) console.log(`Not run: ${scenario.name} on ${side}. ${notRun}`);
  }
  const failed = tallies.filter(({ losses }) => losses.length > 0);
  for (const { scenario, side, losses } of failed) {
    const [first] = losses;
    const again = first?.round === undefined ? '' : ` --round ${first.round}`;
    console.log(`Lost: bun run test:faults --seed ${seed} --only ${scenario.name} --runtime ${side}${again}`);
  }
  const passed = tallies.filter(({ losses, notRun }) => losses.length === 0 && notRun === undefined);
  console.log(`${passed.length} pass\n${failed.length} fail`);
  process.exitCode = failed.length > 0 || passed.length === 0 ? 1 : 0;
}
