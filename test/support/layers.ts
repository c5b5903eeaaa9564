import type { Import } from './import-graph.ts';

const DOMAINS = ['pulse', 'relay', 'mesh'];
const FEATURES = ['backup', 'health', 'housekeeping', 'legacy', 'monitor'];
const BELOW_FEATURES = ['core', 'file', 'copies', 'migrations', 'engine', ...DOMAINS];

/** What each folder of src may import besides itself. `assembly` is the files in src itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  adapters: ['core'],
  migrations: ['core', 'file', 'copies'],
  file: ['core'],
  copies: ['core', 'file'],
  // What a definition is: types alone, and which one a connection has.
  engine: ['core', 'migrations', 'health'],
  // The one definition of DorkOS's database.
  dork: ['core', 'engine', 'health', 'migrations', 'history', 'assembly', ...DOMAINS],
  ...Object.fromEntries(DOMAINS.map((domain) => [domain, ['core']])),
  ...Object.fromEntries(FEATURES.map((feature) => [feature, [...BELOW_FEATURES, ...FEATURES, 'history']])),
  assembly: [...BELOW_FEATURES, ...FEATURES, 'history'],
  entry: ['adapters', 'assembly', 'dork', ...FEATURES],
  // The command line chooses the entry of its runtime.
  cli: [...BELOW_FEATURES, ...FEATURES, 'history', 'assembly', 'entry'],
};

/** What a feature takes its database as. */
const TYPES_FOR_FEATURES = 'src/create-db.ts';

const ENTRIES = ['src/index.ts', 'src/node.ts', 'src/engine.ts'];
const DRIVER = /^(bun:sqlite|node:sqlite|better-sqlite3|drizzle-orm\/(bun-sqlite|better-sqlite3))(\/|$)/;

/** The folder of src that a file belongs to; undefined for a package. */
export function layerOf(file: string): string | undefined {
  if (ENTRIES.includes(file)) return 'entry';
  if (file.startsWith('drizzle/')) return 'history';
  const [top, folder, ...rest] = file.split('/');
  if (top !== 'src') return undefined;
  return rest.length > 0 ? folder : 'assembly';
}

/** Why an import of src is against the arrows; undefined where it is with them. */
export function violation({ from, to, isTypeOnly }: Import): string | undefined {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (DRIVER.test(to)) return source === 'adapters' ? undefined : `${from} imports the driver ${to}`;
  if (to.startsWith('#')) return `${from} imports ${to}, which depends on the runtime`;
  if (target === undefined || source === undefined || source === target) return undefined;
  if (to === TYPES_FOR_FEATURES && isTypeOnly && FEATURES.includes(source)) return undefined;
  const allowed = MAY_IMPORT[source];
  if (!allowed) return `${source} is a folder that no rule knows`;
  return allowed.includes(target) ? undefined : `${from} (${source}) imports ${to} (${target})`;
}

/** A circle of imports that are there at run time, as the names on it; undefined where there is none. */
export function circle(imports: readonly Import[], nodeOf: (file: string) => string | undefined): string[] | undefined {
  const next = new Map<string, Set<string>>();
  for (const { from, to, isTypeOnly } of imports) {
    const [source, target] = [nodeOf(from), nodeOf(to)];
    if (isTypeOnly || !source || !target || source === target) continue;
    next.set(source, (next.get(source) ?? new Set()).add(target));
  }
  const done = new Set<string>();
  const walk = (node: string, path: string[]): string[] | undefined => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const target of next.get(node) ?? []) {
      const found = walk(target, [...path, node]);
      if (found) return found;
    }
    done.add(node);
    return undefined;
  };
  for (const node of next.keys()) {
    const found = walk(node, []);
    if (found) return found;
  }
  return undefined;
}
