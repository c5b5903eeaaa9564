import { spawn } from 'node:child_process';
import { type Ending, type ProcessOptions, type Result, type Started, start } from '../support/processes.ts';
import { runtimeCommand } from '../support/runtime.ts';

export { pause } from '../support/processes.ts';

export type JobOptions = ProcessOptions;

/** A job in a process of its own. */
export interface Job extends Started {
  /** Returns the next line, parsed; throws if the process ended instead. */
  next<T = Answer>(): Promise<T>;
  /** Returns the last line, parsed; throws if there is none. */
  last<T = Answer>(): Promise<T>;
}

/** What jobs print: `ready` before they begin, and what came of it. */
export interface Answer {
  readonly ready?: true;
  readonly done?: unknown;
  readonly error?: { readonly name: string; readonly code: string; readonly message: string; readonly hint: string };
  /** An error that is none of the package's own. */
  readonly unexpected?: string;
}

/** Starts a job on a runtime. */
export type StartJob = (job: string, args?: object, options?: JobOptions) => Job;

export const startJob: StartJob = (job, args = {}, options = {}) => {
  const started = start('test/faults/worker.ts', [job, JSON.stringify(args)], options);
  const last = async <T>(): Promise<T> => {
    const first = await started.next<T>();
    return (await started.all<T>()).at(-1) ?? first;
  };
  return { ...started, last };
};

/** Runs `dork-db` as a person does. */
export type RunCommand = (args: readonly string[], options?: JobOptions) => Promise<Result>;

export const runCommand: RunCommand = async (args, { runtime, env, cwd } = {}) => {
  const [command, script] = runtimeCommand('src/cli/main.ts', runtime);
  const child = spawn(command, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...env },
    cwd,
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const { code, signal } = await new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  return { code, signal, out, err };
};
