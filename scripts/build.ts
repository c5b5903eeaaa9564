/**
 * Makes dist/: JavaScript with what it needs of Drizzle inside, since resolving drizzle-orm's hundreds of files costs
 * Node 300 ms and Bun 15 ms at each start, and the declarations.
 */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';

const root = join(import.meta.dir, '..');
const dist = join(root, 'dist');

/** The entries below src: the package's exports, and the command. */
export const SHARED = ['schema', 'pulse/index', 'relay/index', 'mesh/index'];

/** Bundles entries below src, as they are published, into a folder. */
export async function bundle(target: 'bun' | 'node', names: readonly string[], outdir: string): Promise<number> {
  const { outputs } = await Bun.build({
    entrypoints: names.map((name) => join(root, 'src', `${name}.ts`)),
    root: join(root, 'src'),
    outdir,
    target,
    format: 'esm',
    splitting: true,
    sourcemap: 'linked',
    external: ['better-sqlite3', 'bun:sqlite'],
    minify: { whitespace: true, syntax: true },
    naming: { chunk: 'chunks/[name]-[hash].[ext]' },
  });
  const files = outputs.filter(({ path }) => path.endsWith('.js'));
  for (const { path } of files) writeFileSync(path, withoutBareImports(readFileSync(path, 'utf8')));
  return files.length;
}

/**
 * Imports of a chunk for nothing but its effects, of which none has any: other bundlers warn of them. Blanks keep the
 * columns of the source map.
 */
function withoutBareImports(code: string): string {
  return code.replace(/\bimport\s?"\.{1,2}\/[^"]+";/g, (statement) => ' '.repeat(statement.length));
}

/** Built under another name and then moved, so that no one meets a half-written dist. */
async function build(): Promise<void> {
  const staging = mkdtempSync(join(root, '.dist-'));
  try {
    const forNode = await bundle('node', ['node', ...SHARED, 'cli/main'], staging);
    const forBun = await bundle('bun', ['index', ...SHARED], join(staging, 'bun'));
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    await $`${tsc} -p tsconfig.build.json --declarationDir ${join(staging, 'types')}`.cwd(root);
    chmodSync(staging, 0o755);
    chmodSync(join(staging, 'cli', 'main.js'), 0o755);
    rmSync(dist, { recursive: true, force: true });
    renameSync(staging, dist);
    console.log(`dist: ${forNode} files for Node, ${forBun} for Bun`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

if (import.meta.main) await build();
