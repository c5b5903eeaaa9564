import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Measurement, Runtime, Suite, SuiteOptions } from './suite.ts';

const ROOT = join(import.meta.dir, '..', '..');
const NODE = join(ROOT, 'node_modules', '.bin', 'node');

/** The command of a runtime: this Bun, or the Node that the project installs. */
export function commandOf(runtime: Runtime): string {
  return runtime === 'bun' ? process.execPath : NODE;
}

export function versionOf(runtime: Runtime): string {
  return Bun.spawnSync([commandOf(runtime), '--version'])
    .stdout.toString()
    .trim()
    .replace(/^v/, '');
}

/** Runs a script in a process of its own and gives what it printed. */
export async function output(runtime: Runtime, args: readonly string[]): Promise<string> {
  const child = Bun.spawn([commandOf(runtime), ...args], { cwd: ROOT, stdout: 'pipe', stderr: 'inherit' });
  const text = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`${args.join(' ')} failed on ${runtime}: ${text}`);
  return text;
}

/** The rounds of a suite: every one starts from the same prepared files, in its own folder and process. */
export async function runSuite(
  suite: Suite,
  runtime: Runtime,
  options: SuiteOptions,
  rounds: number,
): Promise<Measurement[][]> {
  const child = async (step: 'prepare' | 'round', { folder }: { folder: string }) =>
    output(runtime, [
      join(import.meta.dir, 'round.ts'),
      step,
      suite.child ?? '',
      JSON.stringify({ ...options, folder }),
    ]);
  await suite.ready?.();
  if (suite.child) await child('prepare', options);
  const measured: Measurement[][] = [];
  for (let round = 0; round < rounds; round++) {
    const folder = join(options.folder, `round-${round}`);
    mkdirSync(folder);
    const outside = (await suite.outside?.({ ...options, folder }, runtime)) ?? [];
    const inside = suite.child ? JSON.parse((await child('round', { folder })).trim().split('\n').at(-1) ?? '[]') : [];
    measured.push([...outside, ...inside]);
    rmSync(folder, { recursive: true, force: true });
  }
  return measured;
}
