import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Runtime } from '../support/runtime.ts';

/** The command line of the program of jobs, by runtime. */
export type JobCommands = Readonly<Record<Runtime, readonly [command: string, script: string]>>;

export interface JobOptions {
  /** Default: the runtime of this process. */
  readonly runtime?: Runtime;
  /** Shell commands that come first, as `ulimit -f 64;`. */
  readonly before?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Default: that of this process. */
  readonly cwd?: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A job in a process of its own. */
export interface Job extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The next line that it prints, parsed; an error where it ended instead. */
  next<T = Answer>(): Promise<T>;
  /** The last line that it prints. */
  last<T = Answer>(): Promise<T>;
  tell(line: unknown): void;
  readonly ended: Promise<Ending>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
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

/** A way to start jobs with these commands. */
export function starter(commands: JobCommands, own: Runtime): StartJob {
  return (job, args = {}, { runtime = own, before = '', env = {}, cwd } = {}) => {
    const line = [...commands[runtime], job, JSON.stringify(args)];
    const child = spawn('sh', ['-c', `${before} exec "$@"`, 'sh', ...line], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      cwd,
    });
    // A process that was killed does not read what it is told.
    child.stdin.on('error', () => {});
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-2000);
    });
    const ended = new Promise<Ending>((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal: signal as NodeJS.Signals | null })),
    );
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const kill = async () => {
      child.kill('SIGKILL');
      await ended;
    };
    const next = async <T>(): Promise<T> => {
      const { value, done } = await lines.next();
      if (!done) return JSON.parse(value) as T;
      const { code, signal } = await ended;
      throw new Error(`The job ${job} on ${runtime} ended with ${signal ?? code} and no answer. ${errors}`);
    };
    const last = async <T>(): Promise<T> => {
      const read: T[] = [];
      read.push(await next<T>());
      for await (const text of { [Symbol.asyncIterator]: () => lines }) read.push(JSON.parse(text) as T);
      return read.at(-1) as T;
    };
    const tell = (text: unknown) => child.stdin.write(`${JSON.stringify(text)}\n`);
    return { child, next, last, tell, ended, kill, [Symbol.asyncDispose]: kill };
  };
}

/** What a command came to. */
export interface CommandResult extends Ending {
  readonly out: string;
  readonly err: string;
}

/** Runs `dork-db` as a person does. */
export type RunCommand = (args: readonly string[], options?: JobOptions) => Promise<CommandResult>;

/** A way to run the command line with these commands. */
export function commander(commands: JobCommands, own: Runtime): RunCommand {
  return async (args, { runtime = own, env = {}, cwd } = {}) => {
    const [command, script] = commands[runtime];
    const child = spawn(command, [script, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', ...env },
      cwd,
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal, out, err }));
    });
  };
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
