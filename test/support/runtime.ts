import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export type Runtime = 'bun' | 'node';

/** The runtime that this test runs on. */
export const RUNTIME: Runtime = process.versions.bun ? 'bun' : 'node';

const ON_NODE = ['better-sqlite3', 'node:sqlite'];

/** The driver that this test runs on: on Node the one of the variable, by default better-sqlite3. */
export const DRIVER = RUNTIME === 'bun' ? driverOnBun() : driverOnNode(process.env.DORK_DB_DRIVER || 'better-sqlite3');

/** Bun's own node:sqlite where test/support/bun-node-sqlite.ts is loaded first. */
function driverOnBun(): 'bun:sqlite' | 'node:sqlite' {
  return 'adapterForBun' in globalThis ? 'node:sqlite' : 'bun:sqlite';
}

/** Refuses a name that no driver has, which a suite would take for the default. */
function driverOnNode(name: string): 'better-sqlite3' | 'node:sqlite' {
  if (!ON_NODE.includes(name)) throw new Error(`DORK_DB_DRIVER is ${name}, not one of ${ON_NODE.join(', ')}.`);
  return name as 'better-sqlite3';
}

/** The project's folder. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The commands of both runtimes: that of this process, or Node 24 from node_modules and Bun from the PATH. */
export const NODE = process.versions.bun ? join(ROOT, 'node_modules', '.bin', 'node') : process.execPath;
export const BUN = process.versions.bun ? process.execPath : 'bun';

/** The variable with the folder of bundled programs, which a run of all suites makes and removes (programs.ts). */
export const PROGRAMS = 'DORK_TEST_PROGRAMS';

/** The command line that runs a script of the project: its bundle if this run has made one, or else the script itself. */
export function runtimeCommand(script: string, runtime: Runtime = RUNTIME): [command: string, script: string] {
  return [runtime === 'bun' ? BUN : NODE, bundleOf(script, runtime) ?? join(ROOT, script)];
}

/** The folder of bundled programs, if this process is part of a run that has made one. */
export function programsFolder(): string | undefined {
  const folder = process.env[PROGRAMS];
  // A copy of the project has other sources than the bundles of the run that tests it.
  return folder?.startsWith(ROOT + sep) ? folder : undefined;
}

function bundleOf(script: string, runtime: Runtime): string | undefined {
  const folder = programsFolder();
  if (folder === undefined) return undefined;
  const bundle = join(folder, runtime, script.replace(/\.ts$/, '.js'));
  return existsSync(bundle) ? bundle : undefined;
}
