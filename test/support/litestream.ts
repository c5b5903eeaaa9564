import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from './runtime.ts';

/** The binary of Litestream: what npm links as `litestream` loses the exit code. */
export const LITESTREAM = join(
  ROOT,
  `node_modules/@flydotio/litestream-${process.platform}-${process.arch}/litestream`,
);

/** Litestream looks every second; a machine that is busy may take longer. */
export const CATCH_UP_MS = 20_000;

/** Waits until a process has printed something, and returns all of its output. */
export async function seen(child: ChildProcess, text: RegExp): Promise<string> {
  let output = '';
  return await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += chunk;
        if (text.test(output)) resolve(output);
      });
    }
    child.on('exit', (code) => reject(new Error(`ended with ${code}: ${output}`)));
  });
}

/** Ends a process as a loss of power ends it, and waits until it is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
