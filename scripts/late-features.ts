/**
 * What most processes never call stands in a file of its own, read at the first call: parsing is most of what an import
 * costs Bun and Node. The sources import it as anything else; the build puts functions that load it in the place of its modules.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import type { History } from '../src/engine/migrations/history.ts';

/** Modules below src that export functions alone. One whose name ends with `With` gives the function for a driver. */
const FEATURES = [
  'engine/backup/backup',
  'engine/backup/daily',
  'engine/backup/list',
  'engine/backup/prune',
  'engine/backup/recover',
  'engine/backup/restore',
  'engine/backup/verify',
  'engine/export/export',
  'engine/export/import-export',
  'dork/check-counters',
  'dork/guard-domains',
  'engine/health/health',
  'engine/maintenance/checkpoint',
  'engine/maintenance/compact',
  'engine/maintenance/optimize',
  'dork/prune',
  'dork/legacy/aside',
  'dork/legacy/check',
  'dork/figures/call-figures',
  'dork/figures/run-figures',
  'dork/figures/trace-figures',
  'dork/figures/waiting-messages',
  'dork/legacy/import',
  'engine/migrate-db',
  'engine/migrations/bring-up',
  'engine/migrations/history',
  'engine/monitor/activity',
  'engine/monitor/monitor',
  'engine/monitor/prometheus',
  'engine/rows/approximate-sizes',
  'engine/rows/read-rows',
  'engine/writer/refuse',
  'engine/writer/writer',
  'dork/pulse/cron',
  'dork/relay/rebuild',
];

/** The embedded history, seen from src; its SQL is half of it, and only a migration asks for that. */
const HISTORY = '../drizzle/history';

const NAME = 'features';

/** How a chunk asks for a file beside its folder: Bun's own call, which no banner of a bundler can redefine, and Node's. */
const REQUIRE = {
  bun: 'import.meta.require',
  node: 'process.getBuiltinModule("node:module").createRequire(import.meta.url)',
} as const;

type Runtime = keyof typeof REQUIRE;

/**
 * Asks for the file from a chunk. In a program that was bundled, the runtime's call finds nothing, and `require` is what
 * the bundler has put the file's content behind.
 */
function callOf(runtime: Runtime, hash: string): string {
  const file = `"../${NAME}-${hash}.js"`;
  return `(()=>{try{return ${REQUIRE[runtime]}(${file})}catch(e){try{return require(${file})}catch{throw e}}})()`;
}

const HASH_LENGTH = 8;

/** Stands where the file is asked for, until it has its name. */
const PLACE = 'featuresOfThisBuild';

/**
 * The functions of a module, each loading the file when it is called.
 *
 * @param exporters Which feature gave a function of a name: of two that export one name the file would have neither.
 */
async function stubsOf(file: string, exporters: Map<string, string>): Promise<string> {
  const stubs = Object.entries(await import(file)).map(([name, value]) => {
    if (typeof value !== 'function' || /^class\b/.test(String(value))) {
      throw new Error(`${file} exports ${name}, which is no function and cannot be loaded late`);
    }
    const other = exporters.get(name) ?? file;
    if (other !== file) throw new Error(`${file} and ${other} both export ${name}`);
    exporters.set(name, file);
    const isBound = name.endsWith('With');
    const kind = (isBound ? value(undefined) : value).constructor.name;
    const call = `${kind === 'AsyncFunction' ? 'async ' : ''}(...args) => features().${name}`;
    return isBound
      ? `export const ${name} = (...given) => ${call}(...given)(...args);`
      : `export const ${name} = ${call}(...args);`;
  });
  return [`import { features } from '${NAME}:loader';`, ...stubs].join('\n');
}

const LOADER = `
import { UnsupportedRuntimeError } from '${NAME}:errors';
let loaded;
export function features() { return loaded ??= load(); }
function load() {
  try {
    return ${PLACE};
  } catch (cause) {
    throw new UnsupportedRuntimeError('PACKAGE_REPLACED', 'The files of @dorkos/db were replaced or removed while this process ran. Nothing in the database was changed.', {
      hint: 'Start the process again.',
      cause,
    });
  }
}`;

/**
 * The source of the file, built beside the entry that {@link lateFeatures} is for. It names the entry, so that all of
 * the entry is in one chunk that both share: a file more costs Bun half a millisecond.
 */
export function featuresEntry(src: string, entry: string): { path: string; text: string } {
  const path = join(src, `${NAME}.ts`);
  return {
    path,
    text: [
      `import { history } from '${HISTORY}.ts';`,
      'export const sqlOf = (i) => history.migrations[i].sql;',
      ...FEATURES.map((name) => `export * from './${name}.ts';`),
      `export * as entry from './${entry}.ts';`,
    ].join('\n'),
  };
}

/** The history with everything that an opening asks of it; the SQL of a migration is in the file. */
async function lateHistory(file: string): Promise<string> {
  const { history } = (await import(file)) as { history: History };
  const migrations = history.migrations.map(
    ({ sql: _, ...migration }, i) =>
      `{ ...${JSON.stringify(migration)}, get sql() { return features().sqlOf(${i}); } }`,
  );
  return [
    `import { features } from '${NAME}:loader';`,
    `export const history = { ...${JSON.stringify({ ...history, migrations: undefined })}, migrations: [${migrations.join(', ')}] };`,
  ].join('\n');
}

/** Puts functions that load the file in the place of its modules, for everyone but the file itself. */
export function lateFeatures(src: string, entry: string): Plugin {
  const pathOf = (name: string) => join(src, `${name}.ts`);
  const nameOf = new Map([...FEATURES, HISTORY].map((name) => [pathOf(name), name]));
  const exporters = new Map<string, string>();
  const features = featuresEntry(src, entry);
  // A path of its own, since Bun takes two modules of one path for one, and none of this machine: source maps show it.
  const stub = (name: string) => ({ path: `${NAME}:${name}`, namespace: NAME });
  return {
    name: 'late features',
    setup(build) {
      // esbuild asks for the entry; Bun is given its text.
      build.onResolve({ filter: /features\.ts$/ }, ({ path }) => (path === features.path ? { path } : undefined));
      build.onLoad({ filter: /features\.ts$/ }, ({ path }) =>
        path === features.path ? { contents: features.text, loader: 'ts', resolveDir: src } : undefined,
      );
      build.onResolve({ filter: /^features:loader$/ }, () => stub('loader'));
      build.onResolve({ filter: /^features:errors$/ }, () => ({ path: pathOf('engine/errors') }));
      build.onResolve({ filter: /^\.{1,2}\/.*\.ts$/ }, ({ path, importer }) => {
        const name = nameOf.get(resolve(importer, '..', path));
        return name && importer !== features.path ? stub(name) : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: NAME }, async ({ path }) => {
        const name = path.slice(NAME.length + 1);
        if (name === 'loader') return { loader: 'js', contents: LOADER };
        const contents = await (name === HISTORY ? lateHistory(pathOf(name)) : stubsOf(pathOf(name), exporters));
        return { loader: 'js', contents };
      });
    },
  };
}

/** Gives the file a name that another version of it cannot have, and tells it to those that ask for the file. */
export function nameFeatures(runtime: Runtime, outdir: string, files: readonly string[]): void {
  const built = join(outdir, `${NAME}.js`);
  const code = readFileSync(built, 'utf8');
  const hash = Bun.hash(code).toString(36).padStart(HASH_LENGTH, '0').slice(-HASH_LENGTH);
  let places = 0;
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    if (!text.includes(PLACE)) continue;
    places++;
    writeFileSync(file, text.replaceAll(PLACE, callOf(runtime, hash)));
  }
  if (places !== 1) throw new Error(`${places} files ask for the features, not one`);
  renameSync(built, join(outdir, `${NAME}-${hash}.js`));
}
