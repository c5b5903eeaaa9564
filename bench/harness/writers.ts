import { dirname, join } from 'node:path';
import { commandOf } from './run.ts';
import type { Runtime, SuiteOptions } from './suite.ts';

/** The folder of both builds of the package, by the entry of one of them. */
export function builtFolder({ entry }: SuiteOptions, runtime: Runtime): string {
  return runtime === 'bun' ? dirname(dirname(entry)) : dirname(entry);
}

/** The entry that users of a runtime import. */
export function entryFor(runtime: Runtime, built: string): string {
  return runtime === 'bun' ? join(built, 'bun', 'index.js') : join(built, 'node.js');
}

/**
 * Starts a process of the script for each of the runtimes, lets them begin together when all of them are ready, and gives
 * what each printed, and the milliseconds from the common start to the last end.
 */
export async function runTogether(
  script: string,
  runtimes: readonly Runtime[],
  argsOf: (runtime: Runtime) => readonly string[],
): Promise<{ outputs: string[]; milliseconds: number }> {
  const writers = runtimes.map((runtime) =>
    Bun.spawn([commandOf(runtime), script, ...argsOf(runtime)], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' }),
  );
  const readers = writers.map((writer) => writer.stdout.getReader());
  for (const reader of readers) await reader.read();
  const start = performance.now();
  for (const writer of writers) {
    writer.stdin.write('go\n');
    writer.stdin.end();
  }
  const outputs = await Promise.all(
    readers.map(async (reader) => {
      let text = '';
      const decoder = new TextDecoder();
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        text += decoder.decode(next.value, { stream: true });
      }
      return text;
    }),
  );
  const milliseconds = performance.now() - start;
  const codes = await Promise.all(writers.map((writer) => writer.exited));
  if (codes.some((code) => code !== 0)) throw new Error(`A process of ${script} (${runtimes.join(', ')}) failed.`);
  return { outputs, milliseconds };
}
