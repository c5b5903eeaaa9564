import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import { BUNDLE, bundlePath } from '../../support/bundle.ts';
import { BUN, NODE, ROOT, RUNTIME, type Runtime } from '../../support/runtime.ts';

/** A fixture that runs, its lines as they come. */
export interface Fixture {
  readonly child: ChildProcess;
  readonly lines: AsyncIterableIterator<string>;
  /** Resolves when it has ended, with its exit code; null where a signal ended it. */
  readonly ended: Promise<number | null>;
}

const bundles = new Map<string, string>();

/**
 * A script of the project for Node in one file: resolving the hundreds of files that it imports takes longer than what
 * it does. The file lies inside the project, where the driver is found.
 */
function bundleOf(script: string): string {
  const known = bundles.get(script);
  if (known) return known;
  const outdir = bundlePath();
  buildSync({
    ...BUNDLE,
    external: [...BUNDLE.external],
    entryPoints: [join(ROOT, script)],
    outdir,
    entryNames: 'main',
    outExtension: { '.js': '.mjs' },
    // What only Bun can load stays in a file of its own.
    splitting: true,
  });
  const bundle = join(outdir, 'main.mjs');
  bundles.set(script, bundle);
  return bundle;
}

/** The command line that runs a script of the project. */
export function commandFor(script: string, runtime: Runtime): [command: string, script: string] {
  return runtime === 'bun' ? [BUN, join(ROOT, script)] : [NODE, bundleOf(script)];
}

/** What a command line came to. */
export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `dork-db` as a person does. */
export function dorkDb(...args: string[]): CommandResult {
  const [command, script] = commandFor('src/cli/main.ts', RUNTIME);
  const { status, stdout, stderr } = spawnSync(command, [script, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

/** Starts a fixture of this folder on a runtime; its errors go to this process's. */
export function start(name: string, runtime: Runtime, args: readonly string[] = [], before: string[] = []): Fixture {
  return startCommand([...before, ...commandFor(`test/engine/migrations/fixtures/${name}.ts`, runtime), ...args]);
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
