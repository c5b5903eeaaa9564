import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { type Runtime, runtimeCommand } from '../../support/runtime.ts';

/** A fixture that runs, its lines as they come. */
export interface Fixture {
  readonly child: ChildProcess;
  readonly lines: AsyncIterableIterator<string>;
  /** Resolves when it has ended, with its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

/** What a command line came to. */
export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `dork-db` as a person does. */
export function dorkDb(...args: string[]): CommandResult {
  const [command, script] = runtimeCommand('src/cli/main.ts');
  const { status, stdout, stderr } = spawnSync(command, [script, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

/** Starts a fixture of this folder on a runtime; its errors go to this process's. */
export function start(name: string, runtime: Runtime, args: readonly string[] = [], before: string[] = []): Fixture {
  return startCommand([...before, ...runtimeCommand(`test/engine/migrations/fixtures/${name}.ts`, runtime), ...args]);
}

/** Starts a command line whose lines are read, with more in its environment. */
export function startCommand(line: readonly string[], env: Record<string, string> = {}): Fixture {
  const [command = '', ...rest] = line;
  const child = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), ended };
}

/** The next line that a fixture prints, parsed. */
export async function nextLine<T>({ lines }: Fixture): Promise<T> {
  const { value, done } = await lines.next();
  if (done) throw new Error('The process ended without an answer.');
  return JSON.parse(value) as T;
}

/** Every line until the fixture ends. */
export async function allLines<T>(fixture: Fixture): Promise<T[]> {
  const lines: T[] = [];
  for await (const line of fixture.lines) lines.push(JSON.parse(line) as T);
  await fixture.ended;
  return lines;
}

/** A command that runs another with files limited to a size: what is longer than that finds the disk full. */
export function withFileLimit(bytes: number): string[] {
  // The signal that the system sends besides would end the process.
  return ['sh', '-c', `ulimit -f ${Math.ceil(bytes / 512)}; trap '' XFSZ; exec "$@"`, 'sh'];
}
