import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from './folder.ts';
import { ROOT } from './runtime.ts';

/** What a project may import besides this package, as it is installed here. */
const INSTALLED = ['@types', 'better-sqlite3', 'bun-types', 'drizzle-kit', 'drizzle-orm', 'esbuild', 'undici-types'];

/** How the programs of the documentation are compiled in such a project. */
export const COMPILER_OPTIONS = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  target: 'es2024',
  lib: ['es2024', 'esnext.disposable'],
  types: ['bun-types', 'node'],
  module: 'preserve',
  allowImportingTsExtensions: true,
} as const;

/** A folder in which `@dorkos/db` is installed by a link to this project; removed at the end of the block. */
export function consumerProject(): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder();
  const link = (name: string, target: string) => {
    const path = folder.file(join('node_modules', name));
    mkdirSync(dirname(path), { recursive: true });
    symlinkSync(target, path);
  };
  link('@dorkos/db', ROOT);
  for (const name of INSTALLED) link(name, join(ROOT, 'node_modules', name));
  writeFileSync(folder.file('package.json'), JSON.stringify({ private: true, type: 'module' }));
  return folder;
}

/** Makes `dork-db` a command, as the package installs it, run by a runtime; gives the folder for the PATH. */
export function installCommand(folder: { file(name: string): string }, runtime: string): string {
  const bin = folder.file(join('node_modules', '.bin'));
  mkdirSync(bin, { recursive: true });
  const script = join(ROOT, 'dist', 'cli', 'main.js');
  writeFileSync(join(bin, 'dork-db'), `#!/bin/sh\nexec '${runtime}' '${script}' "$@"\n`, { mode: 0o755 });
  return bin;
}
