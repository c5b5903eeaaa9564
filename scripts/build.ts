/**
 * Makes dist/: JavaScript with what it needs of Drizzle inside, since resolving drizzle-orm's hundreds of files costs
 * Node 300 ms and Bun 15 ms at each start, and the declarations.
 */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { $, type BunPlugin } from 'bun';
import { build as esbuild, type Plugin } from 'esbuild';
import ts from 'typescript';
import { featuresEntry, lateFeatures, nameFeatures } from './late-features.ts';

const root = join(import.meta.dir, '..');
const src = join(root, 'src');
const dist = join(root, 'dist');

/** The entry of each build, below src. A bundler gets all of the package; the runtimes read late what few programs call. */
const ENTRIES = { bundler: 'node', node: 'node', bun: 'index' } as const;

/** The domains and their tables. It is a third smaller than an entry, which shares all of it. */
const STORES = 'dork/stores';

/** The package's other exports: their files below src, and the script that they hand on a part of. */
const PARTS = {
  engine: ['engine', 'entry'],
  'pulse/index': ['dork/pulse/index', STORES],
  'relay/index': ['dork/relay/index', STORES],
  'mesh/index': ['dork/mesh/index', STORES],
  schema: ['dork/schema', STORES],
} as const;

type Target = keyof typeof ENTRIES;

/** The console for hosts, below src; it asks the entry for all that the entry has. */
const CONSOLE = { bundler: 'console-node', node: 'console-node', bun: 'console' } as const;

const EXTERNAL = ['better-sqlite3', 'bun:sqlite'];

/**
 * Bundles files below src into as few as can be: each file more that Node has to resolve costs it half a millisecond.
 * Nothing is minified, which would save no time at the start (measured, both runtimes): a stack trace shows names and
 * lines without source maps, which would be three quarters of the package.
 *
 * @returns The number of files.
 */
async function bundleFiles(target: Target, names: readonly string[], outdir: string): Promise<number> {
  const entries = names.map((name) => join(src, `${name}.ts`));
  const files = await (target === 'bun' ? bundleForBun(entries, outdir) : bundleForNode(entries, outdir, target));
  for (const path of files) {
    const code = withPureCalls(withoutBareImports(readFileSync(path, 'utf8')));
    writeFileSync(path, target === 'node' ? withoutImportsOfBuiltins(code) : code);
  }
  return files.length;
}

/** The packages whose code is in the bundles. */
const bundled = new Set<string>();

function notePackages(inputs: readonly string[]): void {
  for (const input of inputs) {
    const name = /(?:^|.*\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1];
    if (name) bundled.add(name);
  }
}

/** CommonJS packages require Node's own modules, and a module has no `require`. */
const builtinsWithoutRequire: Plugin = {
  name: 'builtins-without-require',
  setup(build) {
    const namespace = 'builtin';
    build.onResolve({ filter: /^/ }, ({ path, kind }) =>
      kind === 'require-call' && isBuiltin(path) ? { path, namespace } : undefined,
    );
    build.onLoad({ filter: /^/, namespace }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/** esbuild gives every class its own name, which Node prints of an uncaught error; Bun's bundler numbers some. */
async function bundleForNode(entries: string[], outdir: string, target: 'bundler' | 'node'): Promise<string[]> {
  const isLate = target === 'node';
  const { metafile } = await esbuild({
    entryPoints: isLate ? [...entries, featuresEntry(src, ENTRIES.node).path] : entries,
    outdir,
    outbase: src,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    external: EXTERNAL,
    chunkNames: 'chunks/[name]-[hash]',
    legalComments: 'none',
    plugins: [...(isLate ? [lateFeatures(src, ENTRIES.node)] : []), builtinsWithoutRequire],
    metafile: true,
    absWorkingDir: root,
  });
  notePackages(Object.keys(metafile.inputs));
  const files = Object.keys(metafile.outputs).map((file) => join(root, file));
  if (!isLate) return files;
  nameFeatures('node', outdir, files);
  return scriptsIn(outdir);
}

/**
 * Bundles the console for hosts into a file of its own next to the entry, so that nothing else loads or bundles any of
 * it. Modules whose exports the entry has are taken from there: a class exists once.
 */
async function bundleConsole(target: Target, outdir: string): Promise<void> {
  const entry: Record<string, unknown> = await import(join(src, `${ENTRIES[target]}.ts`));
  const fromEntry: Plugin = {
    name: 'from-entry',
    setup(build) {
      build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, async ({ path, resolveDir, kind }) => {
        if (kind === 'entry-point') return undefined;
        const exported = Object.entries(await import(join(resolveDir, path)));
        const isPublic = exported.length > 0 && exported.every(([name, value]) => entry[name] === value);
        return isPublic ? { path: `./${ENTRIES[target]}.js`, external: true } : undefined;
      });
    },
  };
  const { metafile } = await esbuild({
    entryPoints: { console: join(src, `${CONSOLE[target]}.ts`) },
    outdir,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    external: EXTERNAL,
    legalComments: 'none',
    plugins: [fromEntry, builtinsWithoutRequire],
    metafile: true,
    absWorkingDir: root,
  });
  notePackages(Object.keys(metafile.inputs));
}

async function bundleForBun(entries: string[], outdir: string): Promise<string[]> {
  const features = featuresEntry(src, ENTRIES.bun);
  const { outputs } = await Bun.build({
    entrypoints: [...entries, features.path],
    files: { [features.path]: features.text },
    // Of esbuild's interface for plugins, Bun has what this one uses.
    plugins: [lateFeatures(src, ENTRIES.bun) as unknown as BunPlugin],
    root: src,
    outdir,
    target: 'bun',
    format: 'esm',
    splitting: true,
    external: EXTERNAL,
    naming: { chunk: 'chunks/[name]-[hash].[ext]' },
  });
  const files = outputs.map(({ path }) => path).filter((path) => path.endsWith('.js'));
  nameFeatures('bun', outdir, files);
  return scriptsIn(outdir);
}

function scriptsIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.js'))
    .map((name) => join(folder, name));
}

/** Without imports of a chunk for its effects alone, of which none has any: other bundlers warn of them. */
function withoutBareImports(code: string): string {
  return code.replace(/^import "\.{1,2}\/[^"]+";\n/gm, '');
}

/**
 * Takes Node's own modules without an import: the names that an import of `node:fs` may have include its streams, which
 * are loaded for it and cost as much as the parsing of 200 kB.
 */
function withoutImportsOfBuiltins(code: string): string {
  return code.replace(
    /^import \{([^}]*)\} from "(node:[^"]+)";$/gm,
    (_, names: string, name: string) =>
      `const {${names.replaceAll(/ as /g, ': ')}} = process.getBuiltinModule(${JSON.stringify(name)});`,
  );
}

/** The functions of src that only make a value: a bundler may leave out a call of them whose value nobody uses. */
function pureFunctions(): string[] {
  const names = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(src, name), 'utf8'))
    .flatMap((text) => [...text.matchAll(/@__NO_SIDE_EFFECTS__ \*\/\s+(?:export )?function (\w+)/g)])
    .map(([, name]) => name as string);
  if (names.length === 0) throw new Error('No function of src is marked @__NO_SIDE_EFFECTS__');
  return names;
}

/** A `const` of a module that calls one. Bundlers number a name that is there twice. */
const PURE_CALL = new RegExp(`^((?:var|const|let) \\w+ = )(?=(?:${pureFunctions().join('|')})\\d*\\()`, 'gm');

/** With a mark at each of these calls, since a bundler sees the mark of a function only in the function's own file. */
function withPureCalls(code: string): string {
  return code.replaceAll(PURE_CALL, '$1/* @__PURE__ */ ');
}

/** Bundles the package's exports for a runtime, as they are published, into a folder; gives the number of files. */
export async function bundle(target: Target, outdir: string): Promise<number> {
  const entry = ENTRIES[target];
  const files = await bundleFiles(target, [entry, STORES], outdir);
  const all = Object.keys(await import(join(src, `${entry}.ts`)));
  for (const [name, [source, of]] of Object.entries(PARTS)) {
    const names = Object.keys(await import(join(src, `${source}.ts`)));
    const missing = names.filter((each) => !all.includes(each));
    if (missing.length > 0) throw new Error(`src/public.ts lacks ${missing.join(', ')} of src/${source}.ts`);
    const file = join(outdir, `${name}.js`);
    const script = `${name.includes('/') ? '..' : '.'}/${of === 'entry' ? entry : of}.js`;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `export { ${names.join(', ')} } from '${script}';\n`);
  }
  await bundleConsole(target, outdir);
  return files + Object.keys(PARTS).length + 1;
}

/** Removes the declarations that no entry leads to. */
function keepReachable(types: string): void {
  const reachable = new Set<string>();
  const visit = (file: string) => {
    if (reachable.has(file)) return;
    reachable.add(file);
    const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
    for (const { fileName } of importedFiles) {
      if (fileName.startsWith('.')) visit(join(dirname(file), fileName.replace(/\.(js|ts)$/, '.d.ts')));
    }
  };
  const parts = Object.values(PARTS).map(([source]) => source);
  for (const name of [...Object.values(ENTRIES), ...parts, CONSOLE.bun]) visit(join(types, 'src', `${name}.d.ts`));
  for (const name of readdirSync(types, { recursive: true, encoding: 'utf8' })) {
    const path = join(types, name);
    if (name.endsWith('.d.ts') && !reachable.has(path)) rmSync(path);
  }
}

/** The text of a license whose package names it and has no copy of it. */
function standardText(license: string): string {
  if (license === 'Apache-2.0') return join(root, 'node_modules', 'typescript', 'LICENSE.txt');
  throw new Error(`No text of the license ${license} is at hand`);
}

/** The licenses of the packages whose code is in the bundles, which ask to be named in every copy. */
function licenses(): string {
  const names = [...bundled].sort();
  const texts = names.map((name) => {
    const folder = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
    const text = readFileSync(file ? join(folder, file) : standardText(license), 'utf8').trim();
    return `${name} ${version}\n\n${text}\n`;
  });
  const intro = 'The scripts of @dorkos/db contain code of these packages, under these licenses.\n';
  return [intro, ...texts].join(`\n${'-'.repeat(80)}\n\n`);
}

/** Built under another name and then moved, so that no one meets a half-written dist. */
async function build(): Promise<void> {
  const staging = mkdtempSync(join(root, '.dist-'));
  try {
    const forBundlers = (await bundle('bundler', staging)) + (await bundleFiles('bundler', ['cli/main'], staging));
    const forNode = await bundle('node', join(staging, 'node'));
    const forBun = await bundle('bun', join(staging, 'bun'));
    const tsc = join(root, 'node_modules', '.bin', 'tsc');
    await $`${tsc} -p tsconfig.build.json --declarationDir ${join(staging, 'types')}`.cwd(root);
    keepReachable(join(staging, 'types'));
    writeFileSync(join(staging, 'LICENSES.txt'), licenses());
    chmodSync(staging, 0o755);
    chmodSync(join(staging, 'cli', 'main.js'), 0o755);
    rmSync(dist, { recursive: true, force: true });
    renameSync(staging, dist);
    console.log(`dist: ${forBundlers} files for bundlers and the command, ${forNode} for Node, ${forBun} for Bun`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

if (import.meta.main) await build();
