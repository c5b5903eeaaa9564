/**
 * Makes dist/: JavaScript with what it needs of Drizzle inside, since resolving drizzle-orm's hundreds of files costs
 * Node 300 ms and Bun 15 ms at each start, and the declarations.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { $ } from 'bun';
import { featuresEntry, lateFeatures, nameFeatures } from './late-features.ts';

const root = join(import.meta.dir, '..');
const src = join(root, 'src');
const dist = join(root, 'dist');

/** The entry of each runtime, below src. */
const ENTRIES = { node: 'node', bun: 'index' } as const;

/** The package's other exports and their files below src; they hand on what the entry has. */
const PARTS = {
  engine: 'engine',
  'pulse/index': 'dork/pulse/index',
  'relay/index': 'dork/relay/index',
  'mesh/index': 'dork/mesh/index',
  schema: 'dork/schema',
} as const;

type Target = keyof typeof ENTRIES;

/** Bundles files below src into as few as can be: each file more that Node has to resolve costs it half a millisecond. */
async function bundleFiles(target: Target, names: readonly string[], outdir: string): Promise<number> {
  const features = target === 'bun' ? featuresEntry(src, ENTRIES.bun) : undefined;
  const { outputs } = await Bun.build({
    entrypoints: [...names.map((name) => join(src, `${name}.ts`)), ...(features ? [features.path] : [])],
    files: features ? { [features.path]: features.text } : {},
    plugins: features ? [lateFeatures(src)] : [],
    root: src,
    outdir,
    target,
    format: 'esm',
    splitting: true,
    sourcemap: 'linked',
    external: ['better-sqlite3', 'bun:sqlite'],
    // Parsing is most of what an import costs, and short names are less to parse.
    minify: { whitespace: true, syntax: true, identifiers: true, keepNames: true },
    naming: { chunk: 'chunks/[name]-[hash].[ext]' },
  });
  const files = outputs.map(({ path }) => path).filter((path) => path.endsWith('.js'));
  for (const path of files) writeFileSync(path, withoutBareImports(readFileSync(path, 'utf8')));
  if (features) nameFeatures(outdir, files);
  return files.length;
}

/**
 * Imports of a chunk for nothing but its effects, of which none has any: other bundlers warn of them. Blanks keep the
 * columns of the source map.
 */
function withoutBareImports(code: string): string {
  return code.replace(/\bimport\s?"\.{1,2}\/[^"]+";/g, (statement) => ' '.repeat(statement.length));
}

/** Bundles the package's exports for a runtime, as they are published, into a folder; gives the number of files. */
export async function bundle(target: Target, outdir: string): Promise<number> {
  const entry = ENTRIES[target];
  const files = await bundleFiles(target, [entry], outdir);
  const all = Object.keys(await import(join(src, `${entry}.ts`)));
  for (const [name, source] of Object.entries(PARTS)) {
    const names = Object.keys(await import(join(src, `${source}.ts`)));
    const missing = names.filter((each) => !all.includes(each));
    if (missing.length > 0) throw new Error(`src/public.ts lacks ${missing.join(', ')} of src/${source}.ts`);
    const file = join(outdir, `${name}.js`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `export { ${names.join(', ')} } from '${name.includes('/') ? '..' : '.'}/${entry}.js';\n`);
  }
  return files + Object.keys(PARTS).length;
}

/** Built under another name and then moved, so that no one meets a half-written dist. */
async function build(): Promise<void> {
  const staging = mkdtempSync(join(root, '.dist-'));
  try {
    const forNode = (await bundle('node', staging)) + (await bundleFiles('node', ['cli/main'], staging));
    const forBun = await bundle('bun', join(staging, 'bun'));
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
