/** Starts programs of the project in processes of their own, and runs the command line as a person does. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Runtime, runtimeCommand } from './runtime.ts';

export interface ProcessOptions {
  /** Default: the runtime of this process. */
  readonly runtime?: Runtime;
  /** Shell commands that come first, e.g. `ulimit -f 64;`. */
  readonly before?: string;
  /** Variables besides those of this process; undefined removes one. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: that of this process. */
  readonly cwd?: string;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a process printed until its end. */
export interface Result extends Ending {
  readonly out: string;
  readonly err: string;
}

/** A running process that prints JSON, a line each. */
export interface Started extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Returns the next line, parsed; throws if the process ended instead. */
  next<T>(): Promise<T>;
  /** Returns every line until the end, parsed. */
  all<T>(): Promise<T[]>;
  /** Sends a line of JSON to its stdin. */
  tell(line: unknown): void;
  readonly ended: Promise<Ending>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** A program and its arguments. */
export type CommandLine = readonly [program: string, ...args: string[]];

function withShell(line: CommandLine, before: string | undefined): CommandLine {
  return before ? ['sh', '-c', `${before} exec "$@"`, 'sh', ...line] : line;
}

/** Runs a script of the project to its end. */
export function run(script: string, args: readonly string[] = [], options: ProcessOptions = {}): Result {
  const { runtime, before, env, cwd } = options;
  const [program, ...rest] = withShell([...runtimeCommand(script, runtime), ...args], before);
  const { status, signal, stdout, stderr, error } = spawnSync(program, rest, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (error) throw error;
  return { code: status, signal, out: stdout, err: stderr };
}

/** Runs `dork-db` to its end. */
export function dorkDb(...args: string[]): Result {
  return run('src/cli/main.ts', args);
}

/** Starts a script of the project. */
export function start(script: string, args: readonly string[] = [], options: ProcessOptions = {}): Started {
  return startCommand([...runtimeCommand(script, options.runtime), ...args], options);
}

/** Starts a command line. */
export function startCommand(line: CommandLine, { before, env, cwd }: ProcessOptions = {}): Started {
  const [program, ...rest] = withShell(line, before);
  const child = spawn(program, rest, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env }, cwd });
  // A killed process does not read what it is sent.
  child.stdin.on('error', () => {});
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000);
  });
  const ended = new Promise<Ending>((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return {
    child,
    next: async <T>() => {
      const { value, done } = await lines.next();
      if (!done) return JSON.parse(value) as T;
      const { code, signal } = await ended;
      throw new Error(`${line.join(' ')} ended with ${signal ?? code} and no answer. ${errors}`);
    },
    all: async <T>() => {
      const read: T[] = [];
      for await (const text of { [Symbol.asyncIterator]: () => lines }) read.push(JSON.parse(text) as T);
      await ended;
      return read;
    },
    tell: (text) => child.stdin.write(`${JSON.stringify(text)}\n`),
    ended,
    kill,
    [Symbol.asyncDispose]: kill,
  };
}

/** Shell commands that limit files to a size: what is longer finds the disk full. */
export function fileLimit(bytes: number): string {
  // The signal that the system sends as well would end the process.
  return `ulimit -f ${Math.ceil(bytes / 512)}; trap '' XFSZ;`;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
