/** One job in a process that may be killed: `worker.ts JOB '{…}'`. Prints what came of it as its last line. */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { DorkDbError } from '#entry';
import { becomeUser, NOBODY } from '../support/user.ts';
import { CLOCKS } from './jobs/clocks.ts';
import { HOLDING } from './jobs/holding.ts';
import { KEEPING } from './jobs/keeping.ts';
import { OPERATIONS } from './jobs/operations.ts';
import { PAIRS } from './jobs/pairs.ts';
import { POWER } from './jobs/power.ts';
import { WRITING } from './jobs/writing.ts';
import type { Answer } from './processes.ts';

/** What a job is given besides its arguments. */
export interface Desk {
  say(line: object): void;
  /** Waits for a line. */
  hear<T>(): Promise<T>;
}

/** Does its work, and gives what `done` says. The arguments are those that the scenario gives. */
// biome-ignore lint/suspicious/noExplicitAny: each job says what it takes; they come as JSON
export type JobProgram = (args: any, desk: Desk) => unknown;

const JOBS: Readonly<Record<string, JobProgram>> = {
  ...OPERATIONS,
  ...WRITING,
  ...HOLDING,
  ...PAIRS,
  ...POWER,
  ...KEEPING,
  ...CLOCKS,
};

const [name = '', text = '{}'] = process.argv.slice(2);
const args = JSON.parse(text);
const job = JOBS[name];
if (!job) throw new Error(`There is no job ${name}.`);
const say = (line: Answer | object) => writeSync(1, `${JSON.stringify(line)}\n`);
let lines: AsyncIterableIterator<string> | undefined;
const hear = async <T>() => {
  lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const { value, done } = await lines.next();
  if (done) throw new Error('Nobody is there any more.');
  return JSON.parse(value) as T;
};
try {
  if (args.asNobody) becomeUser(NOBODY);
  if (args.asUser !== undefined) becomeUser(args.asUser);
  say({ done: (await job(args, { say, hear })) ?? null });
} catch (error) {
  if (error instanceof DorkDbError) say({ error });
  else say({ unexpected: error instanceof Error ? (error.stack ?? String(error)) : String(error) });
}
process.exit();
