/** Each bundler makes a bundle of a program, which runs alone in an empty folder; tables alone take less than half. */
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Packed, Project } from './project.ts';
import type { Report } from './report.ts';

interface Bundler {
  readonly name: string;
  readonly packages: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  /** The command line that bundles `ENTRY.mjs` into the folder `out/ENTRY`. */
  readonly line: (entry: string) => readonly string[];
  /** True if it leaves unused code out only when it minifies, or not at all. Default false. */
  readonly keepsUnused?: boolean;
  /** True if it keeps modules that only an unused function imports. Default false. */
  readonly keepsTheCommandLine?: boolean;
  /** Default: Node. */
  readonly runtime?: 'bun' | 'node';
}

const EXTERNAL = "['better-sqlite3', 'bun:sqlite']";
const ENTRY = 'process.env.ENTRY';

function esbuild(name: string, format: string, extension: string): Bundler {
  return {
    name,
    packages: ['esbuild'],
    line: (entry) => [
      'esbuild',
      `${entry}.mjs`,
      '--bundle',
      '--platform=node',
      `--format=${format}`,
      `--outfile=out/${entry}/${entry}.${extension}`,
    ],
  };
}

const BUNDLERS: readonly Bundler[] = [
  esbuild('esbuild', 'esm', 'mjs'),
  esbuild('esbuild, CommonJS', 'cjs', 'cjs'),
  {
    name: 'bun build, for Bun',
    keepsTheCommandLine: true,
    packages: [],
    runtime: 'bun',
    line: (entry) => [
      'bun',
      'build',
      `${entry}.mjs`,
      '--target=bun',
      '--external',
      'better-sqlite3',
      `--outdir=out/${entry}`,
    ],
  },
  {
    name: 'bun build, for Node',
    keepsTheCommandLine: true,
    packages: [],
    line: (entry) => [
      'bun',
      'build',
      `${entry}.mjs`,
      '--target=node',
      '--external',
      'better-sqlite3',
      `--outdir=out/${entry}`,
    ],
  },
  {
    name: 'rollup',
    packages: ['rollup', '@rollup/plugin-node-resolve'],
    files: {
      'rollup.config.mjs': `import resolve from '@rollup/plugin-node-resolve';
export default { input: ${ENTRY} + '.mjs', output: { dir: 'out/' + ${ENTRY}, inlineDynamicImports: true }, external: [/^node:/, ...${EXTERNAL}], plugins: [resolve({ preferBuiltins: true })] };`,
    },
    line: () => ['rollup', '-c'],
  },
  {
    name: 'rolldown',
    packages: ['rolldown'],
    files: {
      'rolldown.config.mjs': `export default { input: ${ENTRY} + '.mjs', platform: 'node', output: { dir: 'out/' + ${ENTRY} }, external: ${EXTERNAL} };`,
    },
    line: () => ['rolldown', '-c'],
  },
  {
    name: 'vite',
    packages: ['vite'],
    files: {
      'vite.config.mjs': `export default { build: { ssr: ${ENTRY} + '.mjs', outDir: 'out/' + ${ENTRY}, target: 'node22', minify: false }, ssr: { noExternal: true, external: ${EXTERNAL} } };`,
    },
    line: () => ['vite', 'build'],
  },
  {
    name: 'webpack',
    keepsUnused: true,
    keepsTheCommandLine: true,
    packages: ['webpack', 'webpack-cli'],
    files: {
      'webpack.config.mjs': `export default { mode: 'production', target: 'node22', entry: './' + ${ENTRY} + '.mjs', experiments: { outputModule: true }, optimization: { minimize: false }, output: { path: import.meta.dirname + '/out/' + ${ENTRY}, filename: ${ENTRY} + '.mjs', library: { type: 'module' } }, externals: { 'better-sqlite3': 'module better-sqlite3', 'bun:sqlite': 'module bun:sqlite' } };`,
    },
    line: () => ['webpack'],
  },
  {
    name: 'tsup',
    keepsUnused: true,
    keepsTheCommandLine: true,
    packages: ['tsup', 'typescript@5'],
    files: {
      'tsup.config.mjs': `export default { entry: [${ENTRY} + '.mjs'], format: ['esm'], platform: 'node', target: 'node22', outDir: 'out/' + ${ENTRY}, noExternal: [/./] };`,
    },
    line: () => ['tsup'],
  },
  {
    name: 'tsdown',
    packages: ['tsdown', 'typescript@5'],
    files: {
      'tsdown.config.mjs': `export default { entry: ${ENTRY} + '.mjs', format: 'esm', platform: 'node', outDir: 'out/' + ${ENTRY}, deps: { alwaysBundle: [/./], neverBundle: ${EXTERNAL}, onlyBundle: false }, dts: false };`,
    },
    line: () => ['tsdown'],
  },
];

/** Words of the command line, by which it is seen whether it is in a bundle. */
const OF_THE_COMMAND_LINE = /commander\.invalidArgument|class CommanderError/;

export async function checkBundlers(report: Report, packed: Packed): Promise<void> {
  for (const bundler of BUNDLERS) await report.check(bundler.name, () => bundles(packed, bundler));
}

function bundles(packed: Packed, bundler: Bundler): string {
  const project = new Project(packed, `bundle-${bundler.name.replaceAll(/\W+/g, '-')}`, {});
  project.run('npm', ['install', packed.tarball, ...bundler.packages]);
  for (const [name, text] of Object.entries(bundler.files ?? {})) project.write(name, text);
  const [program, schema] = ['program', 'schema'].map((entry) => {
    project.take(`${entry}.mjs`);
    const [command = '', ...args] = bundler.line(entry);
    const local = command === 'bun' ? command : join(project.path, 'node_modules', '.bin', command);
    const { status, stdout, stderr } = project.try(local, args, { ENTRY: entry });
    const output = stdout + stderr;
    if (status !== 0) throw new Error(output);
    const warnings = output.split('\n').filter((line) => /warn/i.test(line) && !/0 warnings/i.test(line));
    if (warnings.length > 0) throw new Error(output);
    return alone(packed, project, bundler, entry);
  });
  if (!program || !schema) throw new Error('There is no bundle');
  if (schema.bytes > program.bytes / 2 && !bundler.keepsUnused)
    throw new Error(`The tables take ${kilobytes(schema)} and the program ${kilobytes(program)}`);
  // Bun's bundler, webpack and tsup keep what is only imported by a function that nobody calls.
  const keeps = OF_THE_COMMAND_LINE.test(program.text);
  if (keeps && !bundler.keepsTheCommandLine) throw new Error('The program has the command line in its bundle');
  return `${program.found}; ${kilobytes(program)} for createDb and a store, ${kilobytes(schema)} for the tables`;
}

interface Bundle {
  readonly found: string;
  readonly bytes: number;
  readonly text: string;
}

const kilobytes = ({ bytes }: Bundle) => `${Math.round(bytes / 1000)} kB`;

/** Runs a bundle in a folder with nothing else in it. */
function alone(packed: Packed, project: Project, { name, runtime = 'node' }: Bundler, entry: string): Bundle {
  const out = join(project.path, 'out', entry);
  const away = new Project(packed, `alone-${name.replaceAll(/\W+/g, '-')}-${entry}`, {});
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(out, file)).isFile(),
  );
  mkdirSync(away.path, { recursive: true });
  cpSync(out, away.path, { recursive: true });
  const main = files.find((file) => file.startsWith(`${entry}.`)) as string;
  const { found, driver } = JSON.parse(away.run(runtime, [main, 'try.db']));
  return {
    found: `${found && (driver ?? 'ok')}`,
    bytes: files.reduce((sum, file) => sum + statSync(join(out, file)).size, 0),
    text: files.map((file) => readFileSync(join(out, file), 'utf8')).join('\n'),
  };
}
