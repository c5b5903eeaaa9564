import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RUNTIME, type Runtime, runtimeCommand } from '../../support/runtime.ts';

/** A fixture that runs. */
export interface Fixture {
  readonly child: ChildProcess;
  /** The next line that it prints, parsed. */
  next<T>(): Promise<T>;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** Starts a fixture, by default one of this folder; its errors go to this process's. */
export function start(
  name: string,
  args: readonly string[],
  options: { runtime?: Runtime; before?: string; folder?: string } = {},
): Fixture {
  const { runtime = RUNTIME, before = '', folder = 'test/engine/backup/fixtures' } = options;
  const line = [...runtimeCommand(`${folder}/${name}.ts`, runtime), ...args];
  const child = spawn('sh', ['-c', `${before} exec "$@"`, 'sh', ...line], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    ended,
    next: async <T>() => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${name} ended without an answer.`);
      return JSON.parse(value) as T;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
