import type { Import } from './import-graph.ts';

/** The rooms of the engine by what they may import, lowest first. Every room may import those above it in this list. */
const ENGINE = [
  // Errors, time, input: files of src/engine that import no room.
  'engine',
  'engine/sql',
  'engine/driver',
  'engine/connection',
  'engine/file',
  'engine/worker',
  'engine/copies',
  'engine/migrations',
  'engine/rows',
  // What a database is: files of src/engine that name the rooms' types, and are given to the features.
  'definition',
  'engine/writer',
  'engine/backup',
  'engine/export',
  'engine/maintenance',
  'engine/health',
  'engine/monitor',
  // For whoever changes a schema: check, generate, embed.
  'engine/authoring',
  // createDb, defineDb, runMigrations.
  'assembly',
  'engine/console',
  'engine/cli',
] as const;

const DEFINITION = ['definition', 'health/check', 'health/report'].map((name) => `src/engine/${name}.ts`);
const ASSEMBLY = ['create-db', 'define-db', 'migrate-db'].map((name) => `src/engine/${name}.ts`);
/** Files of src/dork that import no room of it. */
const HOME = ['src/dork/home.ts', 'src/dork/application-id.ts'];
const DOMAINS = ['dork/pulse', 'dork/relay', 'dork/mesh'];
/** What stores are made with. */
const FOR_STORES = ['engine', 'engine/sql', 'engine/driver', 'engine/connection', 'stores'];
const DORK = [...ENGINE, 'stores', 'home', ...DOMAINS, 'dork/legacy', 'dork/figures', 'dork/console'];

/** What each room of src may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(ENGINE.map((room, i) => [room, ENGINE.slice(0, i)])),
  stores: FOR_STORES,
  ...Object.fromEntries(DOMAINS.map((domain) => [domain, FOR_STORES])),
  home: ['engine', 'engine/file'],
  'dork/figures': [...ENGINE, ...DOMAINS],
  'dork/console': [...ENGINE, ...DOMAINS, 'dork/figures', 'dork'],
  'dork/legacy': [...ENGINE, 'stores', 'home', ...DOMAINS],
  dork: [...DORK, 'history'],
  entry: [...DORK, 'dork'],
  cli: [...DORK, 'dork', 'history', 'entry'],
};

const ENTRIES = ['index', 'node', 'engine', 'public', 'console', 'console-node'].map((name) => `src/${name}.ts`);
const DRIVER = /^(bun:sqlite|node:sqlite|better-sqlite3|drizzle-orm\/(bun-sqlite|better-sqlite3))(\/|$)/;

/** The room of src that a file belongs to; undefined for a package. */
export function layerOf(file: string): string | undefined {
  if (ENTRIES.includes(file)) return 'entry';
  if (DEFINITION.includes(file)) return 'definition';
  if (ASSEMBLY.includes(file)) return 'assembly';
  if (HOME.includes(file)) return 'home';
  if (file.startsWith('drizzle/')) return 'history';
  const [top, floor, ...rest] = file.split('/');
  if (top !== 'src' || floor === undefined) return undefined;
  const hasRooms = floor === 'engine' || floor === 'dork';
  return hasRooms && rest.length > 1 ? `${floor}/${rest[0]}` : floor;
}

/** Why an import of src is against the arrows; undefined if it is with them. */
export function violation({ from, to }: Import): string | undefined {
  const [source, target] = [layerOf(from), layerOf(to)];
  if (DRIVER.test(to)) return source === 'engine/driver' ? undefined : `${from} imports the driver ${to}`;
  if (to.startsWith('#')) return `${from} imports ${to}, which depends on the runtime`;
  if (target === undefined || source === undefined || source === target) return undefined;
  const allowed = MAY_IMPORT[source];
  if (!allowed) return `${source} is a room that no rule knows`;
  // Only the entries bind a driver.
  if (/\/driver\/(bun-sqlite|better-sqlite3|node-|load-|on-)/.test(to) && source !== 'entry')
    return `${from} imports an adapter`;
  return allowed.includes(target) ? undefined : `${from} (${source}) imports ${to} (${target})`;
}

/** Returns a circle of imports, those of types included, as the names on it; undefined if there is none. */
export function circle(imports: readonly Import[], nodeOf: (file: string) => string | undefined): string[] | undefined {
  const next = new Map<string, Set<string>>();
  for (const { from, to } of imports) {
    const [source, target] = [nodeOf(from), nodeOf(to)];
    if (!source || !target || source === target) continue;
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
