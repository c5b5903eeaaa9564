import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './runtime.ts';

/** How esbuild makes one program of a script of the project and of what it imports. */
export const BUNDLE = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node22',
  // What is CommonJS in it asks for Node's modules by require.
  banner: { js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);" },
  external: ['better-sqlite3', 'bun:sqlite'],
  // esbuild 0.28.2 forgets to begin a module that it reaches through a file without side effects, in a bundle of one file
  // that also has an import().
  ignoreAnnotations: true,
  logLevel: 'error',
} as const;

let folder: string | undefined;
let count = 0;

/** Returns a new path inside the project, where the driver is found; removed at the end of the process. */
export function bundlePath(): string {
  if (folder === undefined) {
    mkdirSync(join(ROOT, '.tmp'), { recursive: true });
    const made = mkdtempSync(join(ROOT, '.tmp', 'bundles-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  return join(folder, String(count++));
}
