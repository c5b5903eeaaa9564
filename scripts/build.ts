/**
 * Makes dist/: JavaScript for Node with what it needs of Drizzle inside, since resolving drizzle-orm's hundreds of
 * files costs Node 300 ms, and the declarations.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { $ } from 'bun';

const root = join(import.meta.dir, '..');
const dist = join(root, 'dist');

/** Built under another name and then moved, so that no one meets a half-written dist. */
async function build(): Promise<void> {
  const staging = mkdtempSync(join(root, '.dist-'));
  try {
    const { outputs } = await Bun.build({
      entrypoints: ['node', 'schema', 'pulse/index', 'relay/index', 'mesh/index', 'cli/main'].map((name) =>
        join(root, 'src', `${name}.ts`),
      ),
      root: join(root, 'src'),
      outdir: staging,
      target: 'node',
      format: 'esm',
      splitting: true,
      sourcemap: 'linked',
      external: ['better-sqlite3', 'bun:sqlite'],
      naming: { chunk: 'chunks/[name]-[hash].[ext]' },
    });
    await $`${join(root, 'node_modules', '.bin', 'tsc')} -p tsconfig.build.json --outDir ${join(staging, 'types')}`.cwd(
      root,
    );
    chmodSync(join(staging, 'cli', 'main.js'), 0o755);
    rmSync(dist, { recursive: true, force: true });
    renameSync(staging, dist);
    console.log(`dist: ${outputs.filter(({ path }) => path.endsWith('.js')).length} files`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

await build();
