import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import ts from 'typescript';
import { temporaryFolder } from './support/folder.ts';
import { type Import, importGraph, importsOf } from './support/import-graph.ts';
import { circle, layerOf, violation } from './support/layers.ts';
import { ROOT } from './support/runtime.ts';

const DOMAINS = ['pulse', 'relay', 'mesh'];
const graph = importGraph(ROOT, 'src');

/** Imports that are against the arrows, as `importing file`, `its text`. */
const AGAINST = [
  ...DOMAINS.flatMap((domain) =>
    DOMAINS.filter((other) => other !== domain).map((other): [string, string] => [
      `src/dork/${domain}/x.ts`,
      `import { x } from '../${other}/schema.ts';\nexport { x };\n`,
    ]),
  ),
  ...['dork/relay', 'dork/legacy', 'stores', 'cli'].map((room): [string, string] => [
    'src/engine/backup/x.ts',
    `export * from '../../${room}/x.ts';\n`,
  ]),
  ['src/engine/x.ts', `export * from '../dork/db.ts';\n`],
  ['src/engine/cli/x.ts', `export * from '../../dork/prune.ts';\n`],
  ['src/engine/health/x.ts', `import type { Db } from '../../dork/db.ts';\nexport type { Db };\n`],
  ['src/engine/migrations/x.ts', `export * from '../../../drizzle/history.ts';\n`],
  ['src/dork/pulse/x.ts', `import type { X } from '../relay/schema.ts';\nexport type { X };\n`],
  ['src/dork/pulse/x.ts', `export const x = await import('../mesh/schema.ts');\n`],
  ['src/dork/pulse/x.ts', `export * from '../schema.ts';\n`],
  ['src/dork/pulse/x.ts', `import type { Db } from '../db.ts';\nexport type { Db };\n`],
  ['src/dork/pulse/x.ts', `export * from '../../engine/migrations/runner.ts';\n`],
  ['src/dork/pulse/x.ts', `export * from '../../engine/create-db.ts';\n`],
  ['src/dork/pulse/x.ts', `export * from '../../../drizzle/history.ts';\n`],
  ['src/stores/x.ts', `export * from '../dork/pulse/schema.ts';\n`],
  ['src/stores/x.ts', `export * from '../engine/backup/backup.ts';\n`],
  ['src/engine/driver/x.ts', `export * from '../migrations/runner.ts';\n`],
  ['src/engine/driver/x.ts', `import type { X } from '../connection/connection.ts';\nexport type { X };\n`],
  ['src/engine/backup/x.ts', `export * from '../driver/bun-sqlite.ts';\n`],
  ['src/engine/create-db.ts', `export * from './driver/bun-sqlite.ts';\n`],
  ['src/cli/x.ts', `export * from '../engine/driver/bun-sqlite.ts';\n`],
  ...[
    'bun:sqlite',
    'better-sqlite3',
    'node:sqlite',
    'drizzle-orm/bun-sqlite',
    'drizzle-orm/better-sqlite3/session',
  ].flatMap((driver): [string, string][] =>
    ['engine/connection', 'dork/pulse', 'engine/migrations', 'stores', 'cli/commands'].map((folder) => [
      `src/${folder}/x.ts`,
      `import driver from '${driver}';\nexport { driver };\n`,
    ]),
  ),
] as [file: string, text: string][];

/** The same arrows against which only the graph is read, since Biome's rule would have to list each room's. */
const AGAINST_FOR_THE_GRAPH = [
  ['src/engine/backup/x.ts', `import { createDb } from '../create-db.ts';\nexport { createDb };\n`],
  ['src/engine/file/x.ts', `export * from '../backup/backup.ts';\n`],
  ['src/engine/health/x.ts', `export * from '../define-db.ts';\n`],
  ['src/engine/sql/x.ts', `import type { X } from '../connection/connection.ts';\nexport type { X };\n`],
  ['src/engine/x.ts', `export * from './file/open.ts';\n`],
  ['src/dork/db.ts', `export * from '../cli/main.ts';\n`],
  ['src/cli/x.ts', `export * from '#entry';\n`],
  [
    'src/engine/x.ts',
    `import { createRequire } from 'node:module';\nexport const x = createRequire('/')('better-sqlite3');\n`,
  ],
  ['src/engine/x.ts', `export const x = require('node:sqlite');\n`],
  ['src/novelty/x.ts', `export * from '../engine/errors.ts';\n`],
] as [file: string, text: string][];

/** Imports that are with the arrows. */
const WITH: [file: string, text: string][] = [
  [
    'src/engine/connection/x.ts',
    `import { is } from 'drizzle-orm/entity';\nexport * from './db.ts';\nexport { is };\n`,
  ],
  [
    'src/dork/pulse/x.ts',
    `export * from '../../engine/connection/db.ts';\nexport * from './schema.ts';\nexport * from 'drizzle-orm/sqlite-core';\n`,
  ],
  [
    'src/engine/driver/x.ts',
    `import 'bun:sqlite';\nexport * from './adapter.ts';\nexport * from 'drizzle-orm/bun-sqlite/session';\n`,
  ],
  ['src/engine/health/x.ts', `export * from '../backup/list.ts';\nexport * from '../definition.ts';\n`],
  ['src/dork/legacy/x.ts', `export * from '../relay/schema.ts';\nexport * from '../../engine/health/check.ts';\n`],
  ['src/engine/cli/commands/x.ts', `export * from '../../backup/x.ts';\nexport * from '../../create-db.ts';\n`],
  ['src/cli/commands/x.ts', `export * from '../../engine/cli/x.ts';\nexport * from '../../dork/db.ts';\n`],
  ['src/index.ts', `export * from './engine/driver/bun-sqlite.ts';\nexport * from './dork/db.ts';\n`],
  ['src/dork/guard-domains.ts', `export * from './pulse/schema.ts';\nexport * from './mesh/schema.ts';\n`],
];

/** Words of DorkOS. The error's class and the package keep their names. */
const DORKOS = /dork|pulse|relay|mesh|\bagents?\b|\bschedules?\b|\blegacy_imports\b/i;
const KEPT = /DorkDbError|DorkDbWarning|DORK_DB_|@dorkos\/db/g;

describe('the engine', () => {
  it('has not a word of DorkOS', () => {
    const engine = readdirSync(join(ROOT, 'src', 'engine'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join('src', 'engine', name));
    assert.ok(engine.length > 50);
    const words = engine.flatMap((file) =>
      readFileSync(join(ROOT, file), 'utf8')
        .split('\n')
        .filter((line) => DORKOS.test(line.replaceAll(KEPT, '')))
        .map((line) => `${file}: ${line.trim()}`),
    );
    assert.deepEqual(words, []);
  });
});

describe('the import graph', () => {
  it('is read whole', () => {
    for (const file of [
      'src/index.ts',
      'src/engine/connection/db.ts',
      'src/dork/pulse/pulse-store.ts',
      'src/cli/main.ts',
    ]) {
      assert.ok(
        graph.some(({ from }) => from === file),
        file,
      );
    }
    const missing = graph.filter(({ to }) => layerOf(to) && !existsSync(join(ROOT, to)));
    assert.deepEqual(missing, []);
  });

  it('keeps every arrow: cli → dork → engine, its rooms in their order, and only adapters import a driver', () => {
    assert.deepEqual(graph.map(violation).filter(Boolean), []);
  });

  it('has no circle, neither of folders nor of files', () => {
    assert.equal(circle(graph, layerOf), undefined);
    assert.equal(
      circle(graph, (file) => (layerOf(file) ? file : undefined)),
      undefined,
    );
  });

  it('shows each import that goes against an arrow, and none that goes with them', () => {
    for (const [file, text] of [...AGAINST, ...AGAINST_FOR_THE_GRAPH]) {
      const found = importsOf(file, text).map(violation).filter(Boolean);
      assert.equal(found.length, 1, `${file}: ${text}`);
    }
    for (const [file, text] of WITH) {
      assert.deepEqual(importsOf(file, text).map(violation).filter(Boolean), []);
    }
  });

  it('shows a circle where there is one', () => {
    const arrow = (from: string, to: string): Import => ({
      from: `src/${from}.ts`,
      to: `src/${to}.ts`,
      isTypeOnly: false,
    });
    const files = (file: string) => file;
    const around = [arrow('a/x', 'b/x'), arrow('b/x', 'c/x'), arrow('c/x', 'b/x')];
    assert.deepEqual(circle(around, files), ['src/b/x.ts', 'src/c/x.ts', 'src/b/x.ts']);
    assert.equal(circle(around.slice(0, 2), files), undefined);
    assert.deepEqual(circle([...around.slice(0, 2), { ...arrow('c/x', 'b/x'), isTypeOnly: true }], files)?.length, 3);
    const rooms = [arrow('engine/file/x', 'engine/copies/x'), arrow('engine/copies/y', 'engine/file/y')];
    assert.deepEqual(circle(rooms, layerOf), ['engine/file', 'engine/copies', 'engine/file']);
  });
});

describe('the source', () => {
  /** Texts of `using` that stand in a loop of the same function. */
  function usingInLoops(file: string, text: string): string[] {
    const found: string[] = [];
    const visit = (node: ts.Node, isInLoop: boolean): void => {
      const isUsing = ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.Using) !== 0;
      if (isUsing && isInLoop) found.push(`${file}: ${node.getText()}`);
      const isLoop = ts.isIterationStatement(node, false);
      const inner = ts.isFunctionLike(node) ? false : isInLoop || isLoop;
      ts.forEachChild(node, (child) => visit(child, inner));
    };
    visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), false);
    return found;
  }

  // esbuild and Bun's bundler make of it one variable for the whole function, which keeps the error of a round and
  // throws it in each later one.
  it('has no `using` in a loop', () => {
    const files = [...new Set(graph.map(({ from }) => from))];
    assert.deepEqual(
      files.flatMap((file) => usingInLoops(file, readFileSync(join(ROOT, file), 'utf8'))),
      [],
    );
    const loops = [
      'for (;;) { using a = b(); }',
      'while (x) { try { await using a = b(); } catch {} }',
      'for (const x of y) if (x) { using a = b(); }',
    ];
    for (const loop of loops) assert.equal(usingInLoops('x.ts', `async function f() { ${loop} }`).length, 1, loop);
    assert.deepEqual(usingInLoops('x.ts', 'for (;;) { z(() => { using a = b(); }); }'), []);
  });
});

describe('a domain', () => {
  const domainOf = (file: string) => layerOf(file)?.replace('dork/', '') ?? '';

  /** The files of the domains, with their texts. */
  const files = [...new Set(graph.map(({ from }) => from))]
    .filter((file) => DOMAINS.includes(domainOf(file)))
    .map((file) => ({ file, domain: domainOf(file), text: readFileSync(join(ROOT, file), 'utf8') }));

  it('makes its statements under its own name, so that guardDomains() knows whose they are', () => {
    const named = files.flatMap(({ domain, text }) =>
      [...text.matchAll(/statementsOf\('(\w+)'\)/g)].map(([, name]) => [domain, name]),
    );
    assert.deepEqual([...new Set(named.map(([domain]) => domain))].sort(), [...DOMAINS].sort());
    assert.deepEqual(
      named.filter(([domain, name]) => domain !== name),
      [],
    );
  });

  it('prepares no statement past guardDomains()', () => {
    const past = files.filter(({ text }) => /\.prepare(<.*>)?\(|new StoreStatement\(/.test(text));
    assert.deepEqual(
      past.map(({ file }) => file),
      [],
    );
  });
});

describe('the package', () => {
  const CALLS =
    /\b(fetch|WebSocket|EventSource|XMLHttpRequest|Bun\.(connect|listen|serve|udpSocket|sql|redis|s3))\s*\(/;
  const isNetwork = (to: string) => /^(node:)?(net|tls|dgram|dns|http|https|http2|undici|ws|inspector)(\/|$)/.test(to);
  const importers = graph.filter(({ to }) => isNetwork(to));

  it('speaks to no network, but for the console: it listens on this machine, and asks the address that it was given', () => {
    const loaded = importers.filter(({ isTypeOnly }) => !isTypeOnly);
    assert.deepEqual(loaded.map(({ from, to }) => `${from} ${to}`).sort(), [
      'src/engine/console/metrics-address.ts node:http',
      'src/engine/console/metrics-address.ts node:https',
      'src/engine/console/serve.ts node:http',
    ]);
    const askers = graph.filter(({ to }) => to === 'src/engine/console/metrics-address.ts').map(({ from }) => from);
    assert.deepEqual(askers, ['src/engine/cli/commands/console.ts']);
    const text = readFileSync(join(ROOT, 'src/engine/console/serve.ts'), 'utf8');
    assert.match(text, /const \{ createServer \} = await import\('node:http'\)/);
    assert.match(text, /const HOST = '127\.0\.0\.1';[\s\S]*server\.listen\(port, HOST\)/);
    // The page's text is run by the browser, whose policy lets it ask this console alone.
    const files = [...new Set(graph.map(({ from }) => from))];
    for (const from of files) assert.doesNotMatch(readFileSync(join(ROOT, from), 'utf8'), CALLS, from);
  });

  it('loads the console with the command line and its own entry alone', () => {
    const STATIC = /^(?:import|export) (?!type\b)[^;]*from '[^']*\/console\/[^']*'/m;
    const early = [...new Set(graph.map(({ from }) => from))]
      .filter(
        (from) =>
          !/^src\/((engine\/console|engine\/cli\/commands|dork\/console|cli)\/|console(-node)?\.ts$)/.test(from),
      )
      .filter((from) => STATIC.test(readFileSync(join(ROOT, from), 'utf8')));
    assert.deepEqual(early, []);
  });
});

describe('Biome’s rule', () => {
  /** The files that the project's biome.json finds fault with, of those given. */
  function faulty(files: [file: string, text: string][]): string[] {
    using folder = temporaryFolder();
    copyFileSync(join(ROOT, 'biome.json'), folder.file('biome.json'));
    for (const [file, text] of files) {
      mkdirSync(dirname(folder.file(file)), { recursive: true });
      writeFileSync(folder.file(file), text);
    }
    const biome = join(ROOT, 'node_modules', '.bin', 'biome');
    const args = ['lint', '--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none', 'src'];
    const { stdout } = spawnSync(biome, args, { cwd: folder.path, encoding: 'utf8' });
    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { location: { path: string | { file: string } } }[] };
    const paths = diagnostics.map(({ location: { path } }) => (typeof path === 'string' ? path : path.file));
    return [...new Set(paths)].sort();
  }

  /** Each text in a file of its own. */
  function numbered(files: [file: string, text: string][]): [file: string, text: string][] {
    return files.map(([file, text], i) => [file.replace('/x.ts', `/x${i}.ts`), text]);
  }

  it('refuses each import against the arrows', { timeout: 60_000 }, () => {
    const files = numbered(AGAINST);
    assert.deepEqual(faulty(files), files.map(([file]) => file).sort());
  });

  it('lets each import with the arrows be', { timeout: 60_000 }, () => {
    assert.deepEqual(faulty(numbered(WITH)), []);
  });
});
