/**
 * The programs that tests start, bundled once for a run of all suites: some two thousand processes find and compile two
 * files instead of four hundred, in half of the CPU time.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { BUNDLE, bundlePath } from './bundle.ts';
import { PROGRAMS, programsFolder, ROOT } from './runtime.ts';

/** Programs of tests, and the command line, which tests run the most. */
const PATTERNS = ['test/**/fixtures/*.ts', 'test/faults/{host,worker}.ts', 'test/support/call-as-nobody.ts'];

/** These run in projects of their own, on the published package. */
const ELSEWHERE = ['test/consumers/', 'test/packages/'];

/** Gives a bundled module the URL of its source, so that a path from there keeps its meaning. */
const urlsOfSources: Plugin = {
  name: 'urls-of-sources',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.includes('node_modules')) return undefined;
      // The line for a shell would come before the one for Bun.
      const text = readFileSync(path, 'utf8').replace(/^#!.*/, '');
      const url = JSON.stringify(pathToFileURL(path).href);
      return { contents: text.replaceAll('import.meta.url', () => url), loader: 'ts' };
    });
  },
};

/**
 * Bundles the programs for both runtimes, unless the run that this process is part of has. `runtimeCommand()` finds them
 * here and in every process that this one starts, until this one ends.
 */
export async function bundlePrograms(): Promise<void> {
  if (programsFolder() !== undefined) return;
  const folder = bundlePath();
  const scripts = globSync(PATTERNS, { cwd: ROOT })
    .filter((script) => !ELSEWHERE.some((other) => script.startsWith(other)))
    .concat('src/cli/main.ts');
  const bundles = (['bun', 'node'] as const).map((runtime) =>
    build({
      ...BUNDLE,
      external: [...BUNDLE.external],
      entryPoints: scripts.map((script) => join(ROOT, script)),
      outdir: join(folder, runtime),
      outbase: ROOT,
      chunkNames: 'chunks/[hash]',
      conditions: runtime === 'bun' ? ['bun'] : [],
      // With this Bun does not transpile it, which would take a sixth of its time.
      ...(runtime === 'bun' && { banner: { js: `// @bun\n${BUNDLE.banner.js}` } }),
      plugins: [urlsOfSources],
      splitting: true,
      minifySyntax: true,
      minifyWhitespace: true,
    }),
  );
  await Promise.all(bundles);
  process.env[PROGRAMS] = folder;
}
