import { cpus, release, totalmem } from 'node:os';
import { versionOf } from './run.ts';
import type { Runtime } from './suite.ts';

/** The machine and the versions, one line. */
export function machine(runtime: Runtime): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memory} GB, ${process.platform} ${release()}; ${runtime} ${versionOf(runtime)}`;
}
